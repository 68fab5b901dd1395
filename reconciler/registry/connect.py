"""Opening the registry that tiers.yaml names. SQLAlchemy is imported only then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.tier import EnvReference
from reconciler.errors import InvalidInputError, MissingKeyError, RegistryError
from reconciler.secret import Secret

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

    from reconciler.environment import Environment
    from reconciler.registry.store import Registry

PATIENCE_SECONDS: Final = 15
"""For a connection, a lock, a statement, or a server that is not there any more."""
SQLITE_PATIENCE: Final = {"timeout": PATIENCE_SECONDS}
POSTGRESQL_PATIENCE: Final = {
    "connect_timeout": PATIENCE_SECONDS,
    "tcp_user_timeout": PATIENCE_SECONDS * 1000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
STATEMENTS_PATIENCE: Final = "SELECT " + ", ".join(
    f"set_config('{name}', '{PATIENCE_SECONDS}s', true)" for name in ("lock_timeout", "statement_timeout")
)
"""For one transaction at a time: PgBouncer refuses a connection that brings such parameters along."""
FORM: Final = "postgresql://user:password@host/database or sqlite:///registry.db"
INSTALL: Final = "pip install 'neon-reconciler[registry]'"
DRIVERS: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""The addresses that are understood, by how they begin, and what SQLAlchemy calls them."""


def open_registry(address: str | EnvReference, environ: Environment, *, fleet: str) -> Registry:
    """The registry at an address. Makes no call to the database.

    Raises MissingKeyError for a variable that is not set, InvalidInputError for what is no address, and
    RegistryError where the packages are not installed.
    """
    value = _looked_up(address, environ)
    try:
        from reconciler.registry.store import Registry  # noqa: PLC0415 - an optional package, and no small import

        engine = _engine(_url(value, address), address)
    except ImportError as error:
        raise RegistryError(f"a registry needs the package {error.name}", hint=INSTALL) from error
    return Registry(engine, fleet)


def _looked_up(address: str | EnvReference, environ: Environment) -> Secret:
    if not isinstance(address, EnvReference):
        return Secret(address)
    value = environ.find(address.name)
    if value is None:
        raise MissingKeyError(
            f"${address.name} is not set: tiers.yaml names it as the address of the registry",
            hint=f"export {address.name}=postgresql://... or sqlite:///registry.db",
        )
    return value


def _url(value: Secret, address: str | EnvReference) -> URL:
    """The address as SQLAlchemy takes it. A message never repeats it: it may hold a password."""
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(value.reveal())
    except (ArgumentError, ValueError):
        raise _no_address(address) from None
    driver = DRIVERS.get(url.drivername.partition("+")[0])
    if driver is None:
        raise _no_address(address)
    if "@" in (url.host or ""):  # what stands before it is the end of a password, and messages name hosts
        raise _no_address(address, "; in a user or a password write @ as %40")
    return url.set(drivername=driver)


def _engine(url: URL, address: str | EnvReference) -> Engine:
    from sqlalchemy import create_engine, event  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    sqlite = url.drivername == "sqlite"
    if not sqlite and not _options().issuperset(url.query):
        raise _no_address(address)
    patience = SQLITE_PATIENCE if sqlite else POSTGRESQL_PATIENCE
    try:
        engine = create_engine(url, connect_args=patience, hide_parameters=True)
    except (ArgumentError, ValueError):  # of a host before an SQLite file, or of what follows a question mark
        raise _no_address(address) from None
    if not sqlite:
        event.listen(engine, "begin", _be_patient)
    return engine


def _options() -> set[str]:
    """The options that an address may state: libpq repeats any other, which may be a part of a password."""
    from psycopg import pq  # noqa: PLC0415

    return {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def _be_patient(connection: Connection) -> None:
    connection.exec_driver_sql(STATEMENTS_PATIENCE)


def _no_address(address: str | EnvReference, more: str = "") -> InvalidInputError:
    named = f"the value of ${address.name}" if isinstance(address, EnvReference) else "`registry` in tiers.yaml"
    return InvalidInputError(f"{named} is no address of a registry", hint=f"as in {FORM}{more}")
