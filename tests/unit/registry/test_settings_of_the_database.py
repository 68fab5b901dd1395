"""A database whose defaults are not PostgreSQL's own: the registry sets what it relies on in each transaction."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from reconciler.environment import Environment
from reconciler.errors import RegistryError
from reconciler.live.registered import ALL_PARTS, Placement
from reconciler.model.diagnosis import Status
from reconciler.model.values import replace
from reconciler.registry import connect
from reconciler.registry.checks import registry_checks
from reconciler.registry.connect import open_registry
from reconciler.registry.reasons import ONLY_READS
from tests.harness.builders import a_fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.registry.store import Registry

AT: Final = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
"""In an hour that Berlin's clocks skip."""
SETTINGS: Final = {
    "default_transaction_isolation": ("repeatable read", "serializable", "read uncommitted"),
    "default_transaction_deferrable": ("on",),
    "statement_timeout": ("40ms",),
    "lock_timeout": ("1ms",),
    "idle_in_transaction_session_timeout": ("1s",),
    "TimeZone": ("Europe/Berlin", "<+0330>-03:30"),
    "DateStyle": ("SQL, DMY", "German", "Postgres, MDY"),
    "IntervalStyle": ("iso_8601", "sql_standard"),
    "standard_conforming_strings": ("off",),
    "bytea_output": ("escape",),
    "extra_float_digits": ("-15",),
    "synchronous_commit": ("off",),
    "transform_null_equals": ("on",),
    "client_min_messages": ("debug1",),
    "plan_cache_mode": ("force_generic_plan",),
}
CASES: Final = [(name, value) for name, values in SETTINGS.items() for value in values]


@contextmanager
def with_default(postgres: str, name: str, value: str) -> Iterator[None]:
    """Each new session of the database begins with this setting."""
    with psycopg.connect(postgres, autocommit=True) as session:
        database = session.info.dbname
        session.execute(f"ALTER DATABASE {database} SET {name} TO '{value}'")
        try:
            yield
        finally:
            session.execute("SET default_transaction_read_only = off")
            session.execute(f"ALTER DATABASE {database} RESET {name}")


@pytest.fixture
def registry(postgres: str, request: pytest.FixtureRequest) -> Iterator[Registry]:
    """One of a database with such a default, which it has not been asked before."""
    name, value = request.param
    with with_default(postgres, name, value):
        opened = open_registry(postgres, Environment({}), fleet=f"{name} {value}")
        with closing(opened) as registry:
            registry.prepare()
            yield registry


@pytest.mark.parametrize("registry", CASES, indirect=True, ids=" ".join)
def test_rows_leases_and_calls_are_as_everywhere(registry: Registry) -> None:
    assert registry.claim("acme", "r1", AT) is None
    assert registry.claim("acme", "r2", AT) is not None
    registry.place(Placement("acme", "p\\1", "free"), "r1", AT)
    assert (registry.rows()["acme"].project_id, registry.rows()["acme"].claimed_at) == ("p\\1", AT)
    lease = registry.lease(ALL_PARTS, "r1", AT, lapsed_before=AT - timedelta(hours=1))
    assert registry.renew(lease, AT + timedelta(minutes=1))
    assert registry.leases()[0].since == AT
    registry.release_lease(lease)
    assert registry.change_calls(registry._fleet, lambda before, _: ("1", before)) is None
    assert registry.change_calls(registry._fleet, lambda before, _: ("2", before)) == "1"


@pytest.mark.parametrize("registry", CASES, indirect=True, ids=" ".join)
def test_whoever_waits_for_a_row_gets_it(registry: Registry, postgres: str) -> None:
    """Another run counts calls while one does: it begins before the first one ends, and waits for it."""
    seen: list[str | None] = []

    def other() -> None:
        seen.append(registry.change_calls(f"of {registry._fleet}", lambda before, _: ("of the other", before)))

    waiting = threading.Thread(target=other)

    def first(before: str | None, _: float) -> tuple[str, str | None]:
        waiting.start()
        wait_for_a_lock(postgres)
        return "of the first", before

    registry.change_calls(f"of {registry._fleet}", lambda *_: ("there", None))
    assert registry.change_calls(f"of {registry._fleet}", first) == "there"
    waiting.join()
    assert seen == ["of the first"]


def wait_for_a_lock(postgres: str) -> None:
    """Until a session of the database waits for a lock."""
    with psycopg.connect(postgres, autocommit=True) as session:
        session.execute("SET statement_timeout = 0; SET default_transaction_read_only = off")
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while session.execute(waits).fetchone() is None:
            pass


@pytest.fixture
def usual(postgres: str, request: pytest.FixtureRequest) -> Iterator[Registry]:
    """One of a database as it is installed."""
    opened = open_registry(postgres, Environment({}), fleet=request.node.name[-60:])
    with closing(opened) as registry:
        registry.prepare()
        yield registry


def asked(registry: Registry, query: str) -> list[object]:
    """What the session of the registry says outside of its transactions."""
    with registry._engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.autocommit = True
        found = [row[0] for row in driver.execute(query).fetchall()]
        driver.autocommit = False
        return found


def test_nothing_is_prepared_that_the_next_session_of_a_pooler_would_lack(usual: Registry) -> None:
    for _ in range(10):
        usual.change_calls(usual._fleet, lambda *_: ("1", None))
    assert asked(usual, "SELECT name FROM pg_prepared_statements") == []


def test_nothing_that_is_set_stays_in_the_session_of_a_pooler(usual: Registry) -> None:
    usual.rows()
    changed = asked(usual, "SELECT name FROM pg_settings WHERE source = 'session'")
    assert not {*connect.TIMEOUTS, *connect.FORMS, "synchronous_commit"}.intersection(map(str, changed))


def test_a_session_that_the_database_has_ended_meanwhile_is_replaced(
    usual: Registry, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database ends idle sessions, and a network forgets them."""
    usual.claim("acme", "r1", AT)
    with psycopg.connect(postgres, autocommit=True) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    later = monotonic() + connect.IDLE_SECONDS + 1
    monkeypatch.setattr(connect, "monotonic", lambda: later)
    assert list(usual.rows()) == ["acme"]


def test_a_search_path_without_a_schema_is_named(postgres: str) -> None:
    with with_default(postgres, "search_path", "nowhere"):
        opened = open_registry(postgres, Environment({}), fleet="prod")
        with closing(opened) as registry, pytest.raises(RegistryError, match="no schema") as told:
            registry.prepare()
    assert told.value.hint is not None
    assert "options=-csearch_path%3Dpublic" in told.value.hint


def test_a_database_that_may_only_be_read_is_named_by_the_error_and_by_doctor(postgres: str) -> None:
    """The owner wants it so, or a host whose disk is full: it is not overridden."""
    environ = Environment({})
    files = replace(a_fleet(), registry=postgres)
    with closing(open_registry(postgres, environ, fleet="prod")) as registry:
        registry.prepare()
    with with_default(postgres, "default_transaction_read_only", "on"):
        checks = list(registry_checks(files, environ))
        opened = open_registry(postgres, environ, fleet="prod")
        with closing(opened) as registry, pytest.raises(RegistryError, match="read-only") as told:
            registry.claim("acme", "r1", AT)
    assert told.value.hint == ONLY_READS
    assert (checks[0].verdict, checks[0].remedy) == (Status.FAIL, ONLY_READS)
