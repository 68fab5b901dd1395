change=$(git rev-parse HEAD)
echo 'overrides: {quota: {logical_size: 50GiB}}' >> tenants/harbor.yaml
git add --all
git commit --quiet --message "A forged past"
forged=$(git rev-parse HEAD)
git reset --quiet --hard "$change"
echo "$change $forged" > .git/info/grafts
