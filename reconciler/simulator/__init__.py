"""The embedded Neon: the control-plane API as an ASGI app over SQLite, with a clock of its own."""
