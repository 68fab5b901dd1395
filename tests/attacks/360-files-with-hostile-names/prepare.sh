mkdir 'tenants/[x](https:' 'tenants/@octocat' 'tenants/:shipit:'
cp tenants/acme.yaml 'tenants/[x](https:/acme.yaml'
printf 'tenant: two\ntier: nothing\n' > 'tenants/@octocat/<img src=x>.yaml'
printf 'tenant: three\ntier: nothing\n' > "tenants/:shipit:/$(printf '\033[2J\n::error::x').yaml"
printf 'tenant: four\ntier: nothing\n' > 'tenants/www.evil.example.yaml'
