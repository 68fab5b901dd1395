rm "$FLEET/tenants/vault.yaml"
