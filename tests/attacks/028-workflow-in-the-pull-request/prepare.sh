chmod +x "$FLEET/action/run" "$FLEET/.venv/bin/reconciler"
