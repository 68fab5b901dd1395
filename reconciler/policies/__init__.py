"""Policies of the user's own: expressions in CEL over a typed view of a plan, compiled, evaluated and tested."""

from typing import Final

INSTALL: Final = "pip install 'neon-reconciler[policies]'"
"""What installs the packages of the optional part."""
