"""Opens the registry that tiers.yaml names. Imports SQLAlchemy only then."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from reconciler.desired.tier import EnvReference
from reconciler.errors import InvalidInputError, MissingKeyError, MissingRegistryPackageError
from reconciler.registry import INSTALL
from reconciler.secret import Secret

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from reconciler.environment import Environment
    from reconciler.registry.store import Registry

TIMEOUT_SECONDS: Final = 15
"""The timeout of a connection, a lock, a statement, and of a server that no longer responds."""
SQLITE_TIMEOUTS: Final = {"timeout": TIMEOUT_SECONDS}
POSTGRESQL_TIMEOUTS: Final = {
    "connect_timeout": TIMEOUT_SECONDS,
    "tcp_user_timeout": TIMEOUT_SECONDS * 1000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
STOPPED_SECONDS: Final = 120
"""After which the server ends the transaction of a program that was stopped: other runs wait for its locks."""
TIMEOUTS: Final = {
    "lock_timeout": TIMEOUT_SECONDS,
    "statement_timeout": TIMEOUT_SECONDS,
    "idle_in_transaction_session_timeout": STOPPED_SECONDS,
}
FORMS: Final = {"DateStyle": "ISO, MDY", "TimeZone": "UTC", "standard_conforming_strings": "on"}
"""How values are written: psycopg reads no time in another form."""
KEPT_AT_ONCE: Final = (
    "set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)"
)
"""A claim that a crash of the database loses would be given to two runs."""
SET_UP: Final = "SELECT " + ", ".join(
    [
        *(f"set_config('{name}', '{seconds}s', true)" for name, seconds in TIMEOUTS.items()),
        *(f"set_config('{name}', '{value}', true)" for name, value in FORMS.items()),
        KEPT_AT_ONCE,
    ]
)
"""Sets what a transaction relies on, whatever the database or the role sets.

For this transaction only: the session may be that of a pooler. PgBouncer refuses parameters of a connection.
"""
IDLE_SECONDS: Final = 20.0
"""A connection that nobody has used for so long is replaced: databases and poolers close idle ones."""
LEFT_AT: Final = "left at"
"""When a connection was last given back."""
REGISTRY: Final = "a registry"
"""The object of an address, in messages."""
FORM: Final = "postgresql://user:password@host/database or sqlite:///registry.db"
DRIVERS: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""The supported schemes of an address, and SQLAlchemy's name of the driver."""


def open_registry(
    address: str | EnvReference, environ: Environment, *, fleet: str, key: EnvReference | None = None
) -> Registry:
    """The registry at an address. Makes no call to the database.

    ``key`` encrypts the connection strings that it keeps, and is read when it is first needed. Raises
    MissingKeyError for a variable that is not set, InvalidInputError for an invalid address, and RegistryError if
    the packages are not installed.
    """
    value = _looked_up(address, environ, REGISTRY)
    try:
        from reconciler.registry.cipher import Cipher  # noqa: PLC0415 - for a fleet with a registry only
        from reconciler.registry.store import Registry  # noqa: PLC0415 - an optional package, and slow to import

        engine = _engine(_url(value, address, REGISTRY), address, REGISTRY)
    except ImportError as error:
        raise MissingRegistryPackageError(f"a registry needs the package {error.name}", hint=INSTALL) from error
    return Registry(engine, fleet, None if key is None else partial(Cipher, key, environ))


def open_engine(address: EnvReference, environ: Environment, what: str) -> Engine:
    """The engine for the database at an address. Makes no call to it. ``what`` is what it is, for messages.

    Raises MissingKeyError for a variable that is not set, InvalidInputError for an invalid address, ImportError
    without the packages.
    """
    return _engine(_url(_looked_up(address, environ, what), address, what), address, what)


def _looked_up(address: str | EnvReference, environ: Environment, what: str) -> Secret:
    if not isinstance(address, EnvReference):
        return Secret(address)
    value = environ.find(address.name)
    if value is None:
        raise MissingKeyError(
            f"${address.name} is not set: tiers.yaml names it as the address of {what}",
            hint=f"export {address.name}=postgresql://... or sqlite:///registry.db",
        )
    return value


def _url(value: Secret, address: str | EnvReference, what: str) -> URL:
    """The address for SQLAlchemy. Messages never repeat it, because it may contain a password."""
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(value.reveal())
    except (ArgumentError, ValueError):
        raise _invalid_address(address, what) from None
    driver = DRIVERS.get(url.drivername.partition("+")[0])
    if driver is None:
        raise _invalid_address(address, what)
    if "@" in (url.host or ""):  # the text before it is the end of a password, and messages name hosts
        raise _invalid_address(address, what, "; write @ as %40 in a user name or a password")
    return url.set(drivername=driver)


def _engine(url: URL, address: str | EnvReference, what: str) -> Engine:
    from sqlalchemy import create_engine, event  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    sqlite = url.drivername == "sqlite"
    if not sqlite and not _options().issuperset(url.query):
        raise _invalid_address(address, what)
    timeouts = SQLITE_TIMEOUTS if sqlite else POSTGRESQL_TIMEOUTS
    try:
        engine = create_engine(url, connect_args=timeouts, hide_parameters=True)
    except (ArgumentError, ValueError):  # a host before an SQLite file, or an invalid query
        raise _invalid_address(address, what) from None
    if sqlite:
        event.listen(engine, "first_connect", _check_file)
    else:
        from reconciler.registry.answering import AnsweringConnection  # noqa: PLC0415

        event.listen(engine, "do_connect", lambda *given: AnsweringConnection.opened(*given[2], **given[3]))
        event.listen(engine, "begin", _set_up)
        event.listen(engine, "checkin", _left_at)
        event.listen(engine, "checkout", _replace_idle)
    return engine


def _check_file(connection: DBAPIConnection, _: object) -> None:
    """Raises DatabaseError for a damaged file.

    SQLite finds a row by an index, and does not compare what the index says with the row: through a damaged one, a
    tenant is found with the project of another one.
    """
    from sqlalchemy.exc import DatabaseError  # noqa: PLC0415

    cursor = connection.cursor()
    cursor.execute("PRAGMA integrity_check(1)")
    found = cursor.fetchone()
    cursor.close()
    if found is not None and found[0] != "ok":
        told = str(found[0]).strip().splitlines()[-1]
        raise DatabaseError(None, None, ValueError(f"its file is damaged: {told}"))


def _options() -> set[str]:
    """The options that an address may have. libpq repeats unknown options, which may be part of a password."""
    from psycopg import pq  # noqa: PLC0415

    return {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


def _set_up(connection: Connection) -> None:
    connection.exec_driver_sql(SET_UP)


def _left_at(_: object, record: ConnectionPoolEntry) -> None:
    record.info[LEFT_AT] = monotonic()


def _replace_idle(_: object, record: ConnectionPoolEntry, __: object) -> None:
    """Has the pool open another connection in the place of an idle one."""
    from sqlalchemy.exc import DisconnectionError  # noqa: PLC0415

    if monotonic() - record.info.get(LEFT_AT, monotonic()) > IDLE_SECONDS:
        raise DisconnectionError("idle")


def _invalid_address(address: str | EnvReference, what: str, more: str = "") -> InvalidInputError:
    named = f"the value of ${address.name}" if isinstance(address, EnvReference) else "`registry` in tiers.yaml"
    return InvalidInputError(f"{named} is not the address of {what}", hint=f"use the form {FORM}{more}")
