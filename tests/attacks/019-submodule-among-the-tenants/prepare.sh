git init --quiet tenants/partner
printf 'tenant: partner\ntier: free\n' > tenants/partner/partner.yaml
git -C tenants/partner add --all
git -C tenants/partner commit --quiet --message "Mine"
printf '[submodule "partner"]\n\tpath = tenants/partner\n\turl = ext::%s\n\tignore = none\n' \
    "$TRAP" > .gitmodules
