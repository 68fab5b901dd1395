"""What a large fleet costs: calls, processor time and memory of every command, and how that compares."""
