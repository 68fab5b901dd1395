{ echo 'tenant: acme'; echo 'tier: pro'; echo 'labels:'; seq 50000 | awk "{print $LINE}"; } > tenants/acme.yaml
