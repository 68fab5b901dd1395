from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import timedelta, timezone
from threading import Event, Thread
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sqlalchemy as sa

from reconciler.environment import Environment
from reconciler.errors import RegistryError
from reconciler.live.registered import Placement, Registered
from reconciler.registry import answering, connect
from reconciler.registry.connect import open_registry
from tests.harness.builders import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from reconciler.registry.store import Registry

PLACED = Placement("acme", "cool-river-1", "free")
BIRCH = Placement("birch", "still-moon-2", "free")
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def opened(address: str) -> Iterator[Callable[[], Registry]]:
    """Opens the same fleet's registry again and again, as other processes would."""
    fleet, all_of_them = f"fleet-{uuid4().hex[:8]}", []

    def second() -> Registry:
        registry = open_registry(address, Environment({}), fleet=fleet)
        registry.prepare()
        all_of_them.append(registry)
        return registry

    yield second
    for registry in all_of_them:
        registry.close()


@pytest.fixture
def registry(opened: Callable[[], Registry]) -> Registry:
    return opened()


def test_a_claim_is_the_first_runs_and_tells_the_others_whose(registry: Registry) -> None:
    assert registry.claim("acme", "run1", NOON) is None
    assert registry.claim("acme", "run2", NOON) == Registered(None, None, "run1", NOON)
    assert registry.claim("bluebird", "run2", NOON) is None


def test_of_many_claims_at_the_same_moment_exactly_one_holds(opened: Callable[[], Registry]) -> None:
    registries = [opened() for _ in range(6)]
    tenants = [f"t{number}" for number in range(20)]

    def claim_all(number: int) -> list[str]:
        return [tenant for tenant in tenants if registries[number].claim(tenant, f"run{number}", NOON) is None]

    with ThreadPoolExecutor(len(registries)) as pool:
        claimed = [tenant for of_one in pool.map(claim_all, range(len(registries))) for tenant in of_one]
    assert sorted(claimed) == sorted(tenants)


def test_a_table_is_made_by_whoever_comes_first(address: str) -> None:
    def rows(_: int) -> dict[str, Registered]:
        with closing(open_registry(address, Environment({}), fleet="prod")) as registry:
            registry.prepare()
            return registry.rows()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(rows, range(6))) == [{}] * 6


def test_the_project_is_recorded_once_and_never_another(registry: Registry) -> None:
    registry.claim("acme", "run1", NOON)
    registry.place(PLACED, "run1", NOON)
    registry.place(PLACED, "run1", NOON)
    with pytest.raises(RegistryError, match="has another project for tenant 'acme' than cool-river-2"):
        registry.place(Placement("acme", "cool-river-2", "free"), "run2", NOON)
    assert registry.rows() == {"acme": Registered("cool-river-1", "free", "run1", NOON)}


def test_a_claim_is_given_back_by_the_run_that_holds_it_and_by_no_other(registry: Registry) -> None:
    registry.claim("acme", "run1", NOON)
    registry.release("acme", "run2")
    assert list(registry.rows()) == ["acme"]
    registry.release("acme", "run1")
    assert registry.rows() == {}


def test_a_row_with_a_project_is_no_claim_that_could_be_given_back(registry: Registry) -> None:
    registry.claim("acme", "run1", NOON)
    registry.place(PLACED, "run1", NOON)
    registry.release("acme", "run1")
    assert list(registry.rows()) == ["acme"]


def test_a_lapsed_claim_is_taken_over_once(registry: Registry) -> None:
    registry.claim("acme", "run1", NOON)
    seen = registry.rows()["acme"]
    assert registry.take_over("acme", seen, "run2", NOON)
    assert not registry.take_over("acme", seen, "run3", NOON)
    assert registry.rows()["acme"].claimed_by == "run2"


def test_a_deleted_project_takes_its_own_row_only(registry: Registry) -> None:
    registry.place(PLACED, "run1", NOON)
    registry.forget("acme", "cool-river-2", NOON)
    assert list(registry.rows()) == ["acme"]
    registry.forget("acme", "cool-river-1", NOON)
    assert registry.rows() == {}


def test_a_row_that_is_as_it_was_seen_is_mended(registry: Registry) -> None:
    registry.place(PLACED, "run1", NOON)
    moved = Placement("acme", "cool-river-1", "paid")
    assert registry.correct([moved, BIRCH], registry.rows(), "run2", LATER) == []
    assert registry.rows() == {
        "acme": Registered("cool-river-1", "paid", "run1", NOON),
        "birch": Registered("still-moon-2", "free", "run2", LATER),
    }


def test_a_row_that_changed_came_or_went_since_it_was_seen_is_left_alone(registry: Registry) -> None:
    registry.place(PLACED, "run1", NOON)
    seen = registry.rows()
    registry.place(BIRCH, "run1", NOON)
    registry.forget("acme", "cool-river-1", NOON)
    second = Placement("birch", "cool-river-3", "paid")
    assert registry.correct([PLACED, second], seen, "run3", LATER) == ["acme", "birch"]
    assert registry.rows() == {"birch": Registered("still-moon-2", "free", "run1", NOON)}


@pytest.mark.parametrize(("run", "at"), [("run2", NOON), ("run1", LATER)], ids=["another run", "another time"])
def test_a_claim_that_was_made_anew_since_it_was_seen_is_neither_dropped_nor_mended(
    registry: Registry, run: str, at: datetime
) -> None:
    registry.claim("acme", "run1", NOON)
    seen = registry.rows()
    assert registry.take_over("acme", seen["acme"], run, at)
    assert not registry.drop("acme", seen["acme"])
    assert registry.correct([PLACED], seen, "run3", LATER) == ["acme"]
    assert registry.rows() == {"acme": Registered(None, None, run, at)}
    assert registry.drop("acme", registry.rows()["acme"])
    assert registry.rows() == {}


def test_moments_are_kept_whatever_time_zone_they_are_told_in(registry: Registry) -> None:
    registry.claim("acme", "run1", NOON.astimezone(timezone(timedelta(hours=5))))
    assert registry.rows()["acme"].claimed_at == NOON


def test_an_accepted_revision_never_goes_back_and_an_older_one_is_told_so(registry: Registry) -> None:
    assert registry.accept({"acme": 7, "birch": 1}, "run1", NOON) == {}
    assert registry.accept({"acme": 5, "birch": 2, "cedar": 3}, "run2", NOON) == {"acme": 7}
    assert registry.accept({"acme": 7}, "run3", NOON) == {}
    assert registry.revisions() == {"acme": 7, "birch": 2, "cedar": 3}
    assert registry.revisions(["cedar", "nobody"]) == {"cedar": 3}


def test_of_many_revisions_at_the_same_moment_the_highest_stays(opened: Callable[[], Registry]) -> None:
    registries = [opened() for _ in range(6)]
    tenants = [f"t{number}" for number in range(20)]

    def accept(number: int) -> dict[str, int]:
        ways = tenants if number % 2 else list(reversed(tenants))
        return registries[number].accept(dict.fromkeys(ways, number), f"run{number}", NOON)

    with ThreadPoolExecutor(len(registries)) as pool:
        newer = list(pool.map(accept, range(len(registries))))
    assert newer[-1] == {}
    assert registries[0].revisions() == dict.fromkeys(sorted(tenants), 5)


def test_a_revision_outlives_the_row_of_its_tenant_and_is_no_claim(registry: Registry) -> None:
    registry.accept({"acme": 7}, "run1", NOON)
    registry.place(PLACED, "run1", NOON)
    registry.forget("acme", "cool-river-1", NOON)
    assert (registry.rows(), registry.revisions()) == ({}, {"acme": 7})
    assert registry.claim("acme", "run2", NOON) is None


def test_rows_are_those_of_one_fleet_and_of_the_tenants_asked_for(registry: Registry, address: str) -> None:
    for tenant in ("cedar", "acme", "birch"):
        registry.place(Placement(tenant, f"p-{tenant}", "free"), "run1", NOON)
    other = open_registry(address, Environment({}), fleet="another")
    assert other.rows() == {}
    other.close()
    assert list(registry.rows()) == ["acme", "birch", "cedar"]
    assert list(registry.rows(["cedar", "nobody"])) == ["cedar"]


def test_looking_makes_no_table(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fresh") / "registry.db"
    registry = open_registry(f"sqlite:///{path}", Environment({}), fleet="prod")
    assert (registry.rows(), registry.revisions()) == ({}, {})
    registry.close()
    assert path.stat().st_size == 0


def test_a_database_that_does_not_answer_is_told_without_its_address() -> None:
    address = "postgresql://somebody:hunter2@127.0.0.1:1/none"
    registry = open_registry(address, Environment({}), fleet="prod")
    with pytest.raises(RegistryError, match="the registry cannot be used") as raised:
        registry.rows()
    assert "hunter2" not in f"{raised.value} {raised.value.hint}"
    registry.close()


def test_a_table_that_somebody_locks_is_not_waited_for_forever(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration, or a session that somebody forgot: the wait blocks a run, signals and all."""
    import psycopg  # noqa: PLC0415

    monkeypatch.setattr(connect, "SET_UP", connect.SET_UP.replace("15s", "200ms"))
    registry = open_registry(postgres, Environment({}), fleet="locked")
    registry.prepare()
    with psycopg.connect(postgres) as locking:
        locking.execute("SET idle_in_transaction_session_timeout = '5s'")
        locking.execute("LOCK TABLE neon_reconciler_tenants")
        for blocked in (lambda: registry.claim("acme", "run1", NOON), registry.rows):
            with pytest.raises(RegistryError, match="the registry cannot be used: canceling statement due to"):
                blocked()
    registry.close()


def test_a_pooler_that_falls_silent_is_not_waited_for_forever(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the connection, so TCP does not end, and its database is gone, which would end the statement."""
    monkeypatch.setattr(answering, "ANSWER_SECONDS", 1.0)
    with falling_silent(postgres) as (address, silent):
        registry = open_registry(address, Environment({}), fleet="prod")
        with closing(registry):
            registry.prepare()
            assert registry.rows() == {}
            silent.set()
            for asked in (registry.rows, lambda: registry.claim("acme", "run1", NOON)):
                with pytest.raises(RegistryError, match="the registry cannot be used: no answer within 1 s"):
                    asked()
                silent.clear()
                assert registry.rows() == {}
                silent.set()


@contextmanager
def falling_silent(postgres: str) -> Iterator[tuple[str, Event]]:
    """The address of a pooler, which hands nothing on of what the database says while the event is set."""
    silent, ended = Event(), Event()
    folder = sa.make_url(postgres).query["host"]

    def hand_on(source: socket.socket, to: socket.socket, *, answers: bool) -> None:
        with suppress(OSError), source:
            while part := source.recv(65536):
                while answers and silent.is_set():
                    if ended.wait(0.01):
                        return
                to.sendall(part)
            to.shutdown(socket.SHUT_WR)

    def take(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, server = listening.accept()[0], socket.socket(socket.AF_UNIX)
                server.connect(f"{folder}/.s.PGSQL.5432")
                Thread(target=hand_on, args=(client, server), kwargs={"answers": False}, daemon=True).start()
                Thread(target=hand_on, args=(server, client), kwargs={"answers": True}, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=take, args=(listening,), daemon=True).start()
        port = listening.getsockname()[1]
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable", silent
        finally:
            ended.set()


def test_locks_of_a_program_that_was_stopped_end(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that sleeps, or Ctrl-Z: its connection stays open."""
    stopped, other = (open_registry(postgres, Environment({}), fleet="prod") for _ in range(2))
    stopped.prepare()
    monkeypatch.setattr(connect, "SET_UP", connect.SET_UP.replace("120s", "2s"))
    holding, going_on = Event(), Event()

    def change(state: str | None, now: float) -> tuple[str, None]:
        holding.set()
        going_on.wait()
        return f"{state} {now}", None

    with closing(stopped), closing(other), ThreadPoolExecutor() as pool:
        held = pool.submit(stopped.change_calls, "stopped", change)
        try:
            holding.wait()
            assert other.change_calls("stopped", lambda *_: ("{}", "free")) == "free"
        finally:
            going_on.set()
        with pytest.raises(RegistryError, match="the registry cannot be used"):
            held.result()
        assert stopped.change_calls("stopped", lambda state, _: ("{}", state)) == "{}"
