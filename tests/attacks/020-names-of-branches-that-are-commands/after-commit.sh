head=$(git rev-parse HEAD)
for name in '--upload-pack=touch${IFS}canary' '$(touch${IFS}canary)' '`touch${IFS}canary`' ';touch${IFS}canary;'; do
    git update-ref "refs/heads/$name" "$head"
    git update-ref "refs/remotes/origin/$name" "$head"
done
git symbolic-ref HEAD 'refs/heads/$(touch${IFS}canary)'
