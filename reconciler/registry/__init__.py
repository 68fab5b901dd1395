"""The optional tenant registry: the platform's own database, with a row for each tenant."""

from typing import Final

INSTALL: Final = "pip install 'neon-reconciler[registry]'"
"""Installs the optional packages of the registry."""
INSTALL_SQL: Final = "pip install 'neon-reconciler[sql]'"
"""Installs the optional packages of tenants from a database."""
