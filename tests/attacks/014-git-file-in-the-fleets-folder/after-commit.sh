other="$OUTSIDE/other"
mkdir "$other"
git -C "$other" init --quiet --initial-branch=main
cp -R "$FLEET/." "$other"
git -C "$other" add --all
git -C "$other" commit --quiet --message "Another history"
git -C "$other" tag applied
mkdir "$FLEET/vendor"
cp -R "$other/.git" "$FLEET/vendor/store"
git config --file "$FLEET/vendor/store/config" core.worktree ../..
git config --file "$FLEET/vendor/store/config" core.fsmonitor "$TRAP"
git config --file "$FLEET/vendor/store/config" filter.evil.clean "$TRAP"
echo '* filter=evil' > "$FLEET/vendor/store/info/attributes"
touch "$FLEET"/tenants/*.yaml
echo 'gitdir: vendor/store' > "$FLEET/.git"
