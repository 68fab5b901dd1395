. "$CASE/../nested.sh"
nested
hostile core.fsmonitor "$TRAP"
hostile core.hooksPath hooks
hostile core.pager "$TRAP"
hostile core.sshCommand "$TRAP"
hostile diff.external "$TRAP"
hostile alias.status "!$TRAP"
hostile alias.ls-remote "!$TRAP"
mkdir "$FLEET/hooks"
cp "$TRAP" "$FLEET/hooks/post-index-change"
