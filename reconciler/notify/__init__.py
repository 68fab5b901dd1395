"""Notices to people: each once, through whatever service an address names. Apprise knows the services."""

from typing import Final

INSTALL: Final = "pip install 'neon-reconciler[notify]'"
"""Installs the optional package of the notifier."""
