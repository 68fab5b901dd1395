. "$CASE/../nested.sh"
cp "$FLEET/tenants/harbor.yaml" "$OUTSIDE/harbor.yaml"
echo 'overrides: {quota: {logical_size: 50GiB}}' >> "$FLEET/tenants/harbor.yaml"
nested
mv "$OUTSIDE/harbor.yaml" "$FLEET/tenants/harbor.yaml"
