rm -r tenants
ln -s "$GOAL" tenants
