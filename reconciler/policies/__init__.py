"""The user's own policies: CEL expressions over a typed view of a plan, compiled, evaluated and tested."""

from typing import Final

INSTALL: Final = "pip install 'neon-reconciler[policies]'"
"""Installs the optional packages of policies."""
