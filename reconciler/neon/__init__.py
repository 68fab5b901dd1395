"""Talking to Neon: the only code that speaks HTTP. Everything above sees our own types and errors."""
