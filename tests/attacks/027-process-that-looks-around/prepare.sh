mkdir "$OUTSIDE/bin"
cat > "$OUTSIDE/bin/git" <<SPY
#!/bin/sh
{ env; echo "\$@"; tr '\\0' '\\n' < /proc/\$PPID/environ; tr '\\0' '\\n' < /proc/\$PPID/cmdline; } >> "$OUTSIDE/spied.txt" 2>&1
exec $(command -v git) "\$@"
SPY
chmod +x "$OUTSIDE/bin/git"
