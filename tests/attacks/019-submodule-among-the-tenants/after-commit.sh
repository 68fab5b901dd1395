git -C tenants/partner config core.fsmonitor "$TRAP"
git -C tenants/partner config filter.evil.clean "$TRAP"
echo '* filter=evil' > tenants/partner/.git/info/attributes
touch tenants/partner/partner.yaml
