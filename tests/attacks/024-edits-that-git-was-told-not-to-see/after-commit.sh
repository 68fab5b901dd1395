git checkout --quiet main
git update-index $FLAG tenants/bluebird.yaml
printf 'tenant: bluebird\ntier: pro\n' > tenants/bluebird.yaml
