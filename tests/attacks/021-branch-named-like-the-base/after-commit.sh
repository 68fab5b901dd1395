change=$(git rev-parse HEAD)
echo 'overrides: {quota: {logical_size: 50GiB}}' >> tenants/harbor.yaml
git add --all
git commit --quiet --message "A forged past"
forged=$(git rev-parse HEAD)
git reset --quiet --hard "$change"
git branch applied "$forged"
git update-ref refs/remotes/origin/applied "$forged"
