"""What the product relies on about Neon, as tests that need only a base URL and keys (``make verified``).

In every other run they meet the simulator, served on a port of this machine.
"""
