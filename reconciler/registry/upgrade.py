"""Upgrades the tables of the registry in place, by migrations of Alembic. Imported only where they are older."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import inspect

from reconciler.errors import RegistryError
from reconciler.registry.table import TENANTS, VERSIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCRIPTS: Final = "reconciler:registry/migrations"


def upgrade(connection: Connection) -> None:
    """Brings the tables to the newest version, in the transaction of the connection, which holds the lock.

    Raises RegistryError for tables that a newer version of this program has made.
    """
    tables = inspect(connection)
    if tables.has_table(VERSIONS.name) and not tables.has_table(TENANTS.name):  # somebody has dropped it
        connection.execute(VERSIONS.delete())
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("version_locations", f"{SCRIPTS}/versions")
    config.set_main_option("path_separator", "newline")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise RegistryError(
            "the tables of the registry belong to a newer version of reconciler", hint="upgrade reconciler"
        ) from error
