"""Opening the registry that tiers.yaml names. SQLAlchemy is imported here, and only where one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.tier import EnvReference
from reconciler.errors import InvalidInputError, MissingKeyError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import URL

    from reconciler.registry.store import Registry

PATIENCE_SECONDS: Final = 15
"""For a connection to PostgreSQL, or for the lock of an SQLite file."""
INSTALL: Final = "pip install 'neon-reconciler[registry]'"
DRIVERS: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""The addresses that are understood, by how they begin, and what SQLAlchemy calls them."""


def open_registry(
    address: str | EnvReference, environ: Mapping[str, str], *, fleet: str, now: Callable[[], datetime]
) -> Registry:
    """The registry at an address; nothing is asked of the database yet.

    Raises MissingKeyError for a variable that is not set, InvalidInputError for what is no address, and
    RegistryError where the packages are not installed.
    """
    text = _looked_up(address, environ)
    try:
        from sqlalchemy import create_engine  # noqa: PLC0415 - an optional package, and no small import

        from reconciler.registry.store import Registry  # noqa: PLC0415

        url = _url(text, address)
        engine = create_engine(url, connect_args=_patience(url), hide_parameters=True)
    except ImportError as error:
        raise RegistryError(f"a registry needs the package {error.name}", hint=INSTALL) from error
    return Registry(engine, fleet, now)


def _looked_up(address: str | EnvReference, environ: Mapping[str, str]) -> str:
    if not isinstance(address, EnvReference):
        return address
    text = environ.get(address.name, "").strip()
    if not text:
        raise MissingKeyError(
            f"${address.name} is not set: tiers.yaml names it as the address of the registry",
            hint=f"export {address.name}=postgresql://... or sqlite:///registry.db",
        )
    return text


def _url(text: str, address: str | EnvReference) -> URL:
    """The address as SQLAlchemy takes it. A message never repeats it: it may hold a password."""
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    named = f"the value of ${address.name}" if isinstance(address, EnvReference) else "`registry` in tiers.yaml"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    driver = DRIVERS.get(url.drivername.partition("+")[0]) if url is not None else None
    if url is None or driver is None:
        raise InvalidInputError(
            f"{named} is no address of a registry",
            hint="as in postgresql://user:password@host/database or sqlite:///registry.db",
        )
    return url.set(drivername=driver)


def _patience(url: URL) -> dict[str, Any]:
    word = "timeout" if url.drivername == "sqlite" else "connect_timeout"
    return {word: PATIENCE_SECONDS}
