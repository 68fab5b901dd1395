{ echo 'tenant: acme'; echo 'tier: pro'; echo 'dev_branches:'; echo '- b0'
  seq 20000 | awk '{print "- {name: b" $1 ", parent: b" $1 - 1 "}"}'; } > tenants/acme.yaml
