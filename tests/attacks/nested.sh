# For the cases in which the fleet's folder is made to look like a repository of its own, so that git, started there,
# takes it for the one to work in. Whoever sources this calls `nested`, and then sets what the config is to hold.

nested() {
    other="$OUTSIDE/nested"
    mkdir "$other"
    git -C "$other" init --quiet --initial-branch=main
    cp -R "$FLEET/." "$other"
    git -C "$other" add --all
    git -C "$other" commit --quiet --message "A history of its own"
    git -C "$other" commit --quiet --allow-empty --message "And one more"
    git -C "$other" tag applied
    rm -rf "$other/.git/hooks"
    cp -R "$other/.git/." "$FLEET"
    hostile core.bare false
    hostile core.worktree .
}

hostile() {
    git config --file "$FLEET/config" "$@"
}
