"""Machines that share an account share its limit through the registry: SQLite and PostgreSQL, on virtual time."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import pytest
import sqlalchemy as sa

from reconciler.environment import Environment
from reconciler.errors import RegistryError
from reconciler.fleet.account_calls import AccountCalls
from reconciler.model.values import replace
from reconciler.neon.leased_budget import (
    ASKED_AGAIN_SECONDS,
    FIRST_CALLS,
    PATIENCE_SECONDS,
    VALID_SECONDS,
    LeasedBudget,
)
from reconciler.neon.pace import REFUSED_TOGETHER_SECONDS, SLOW_SECONDS, Pace
from reconciler.neon.shared_budget import CallRates, InMemory, Rate, SharedBudget
from reconciler.registry.connect import open_registry
from reconciler.registry.null import NullRegistry
from reconciler.registry.store import Registry
from tests.harness.limited_account import API, FLEET_PER_SECOND, PATCH, LimitedAccount
from tests.harness.registry_database import in_memory
from tests.harness.runs import virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")
MINUTES_AHEAD = 7
"""How far the database's clock is ahead of those of the machines: only differences count."""


@dataclass
class Ledger:
    """The row of an account, at the loop's time; the database may be slow, or fail."""

    registry: Registry
    account: str = field(default_factory=lambda: uuid4().hex)
    slow_seconds: float = 0.0
    fails: bool = False
    asked: int = 0

    async def change(self, change: Callable[[str | None, float], tuple[str, T]]) -> T | None:
        self.asked += 1
        await asyncio.sleep(self.slow_seconds)
        if self.fails:
            raise RegistryError("the registry cannot be used: server closed the connection")
        now = asyncio.get_running_loop().time() + 60 * MINUTES_AHEAD
        return await self.registry.write(
            self.registry.change_calls, self.account, lambda state, _: change(state, now)
        )


@dataclass
class Machine:
    """A machine of its own: its processes share a file's place, and the ledger with all others."""

    ledger: Ledger
    name: str
    told: list[str] = field(default_factory=list)
    mine: InMemory = field(default_factory=InMemory)
    mine_alone: InMemory = field(default_factory=InMemory)

    def __call__(self, share: float) -> Pace:
        return Pace.of(API, share=share, store=self.mine, leased=self.leased)

    def leased(self, rates: CallRates) -> LeasedBudget:
        return LeasedBudget(
            self.ledger,
            rates,
            machine=self.name,
            alone=lambda part: SharedBudget(self.mine_alone, part),
            tell=self.told.append,
        )


@pytest.fixture
def registry(address: str) -> Iterator[Registry]:
    with closing(open_registry(address, Environment({}), fleet="prod")) as found:
        found.prepare()
        yield found


@pytest.fixture
def kept(registry: Registry) -> Ledger:
    """In a database that is on disk."""
    return Ledger(registry)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """In memory, which is faster, and lets long changes be tried."""
    with closing(in_memory()) as found:
        found.prepare()
        yield Ledger(found)


def machines(ledger: Ledger, count: int) -> list[Machine]:
    return [Machine(ledger, f"machine-{number}") for number in range(count)]


async def change_prices(account: LimitedAccount, several: list[Machine], tenants: int) -> float:
    """All of them at once, each its part; how long it takes."""
    part = tenants // len(several)
    return max(await asyncio.gather(*(account.change_prices(one, part) for one in several)))


@pytest.mark.drawn(2)
@pytest.mark.parametrize("count", [1, 2, 8])
def test_changes_of_a_fleet_on_several_machines_keep_to_the_share_of_one_and_use_it(
    kept: Ledger, count: int
) -> None:
    account = LimitedAccount()
    seconds = virtually(change_prices(account, machines(kept, count), 1600))
    assert account.refused == 0
    assert 1600 / FLEET_PER_SECOND * 0.95 < seconds < 1600 / FLEET_PER_SECOND / 0.97
    assert kept.asked <= 1600 / 2 + count, "not for each call"


def test_runs_that_may_use_all_of_the_limit_use_it_together(ledger: Ledger) -> None:
    account = LimitedAccount()

    async def run(machine: Machine) -> None:
        pace = machine(1.0)
        for _ in range(1500):
            await account.call(pace, PATCH)

    async def main() -> None:
        await asyncio.gather(*(run(machine) for machine in machines(ledger, 4)))

    virtually(main())
    assert account.refused == 0
    assert account.starts[-1] < 6000 / (API.requests_per_minute / 60) / 0.95


@pytest.mark.drawn(5)
@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("share", [0.7, 1.0])
@pytest.mark.parametrize("per_minute", [10, 30, 60, 150])
def test_a_low_limit_is_kept_to_and_used(ledger: Ledger, per_minute: int, share: float, count: int) -> None:
    """Where what comes in a second is less than a call."""
    api, starts = replace(API, requests_per_minute=per_minute), list[float]()

    async def run(machine: Machine) -> None:
        pace = Pace.of(api, share=share, store=machine.mine, leased=machine.leased)
        for _ in range(6 * per_minute // count):
            await pace.turn(PATCH)
            starts.append(asyncio.get_running_loop().time())

    async def main() -> None:
        await asyncio.gather(*(run(machine) for machine in machines(ledger, count)))

    virtually(main())
    assert max(sum(at <= start < at + 60 for start in starts) for at in starts) <= per_minute
    assert len(starts) / max(starts) > 0.85 * share * per_minute / 60


def test_without_the_registry_two_machines_exceed_the_limit(ledger: Ledger) -> None:
    account = LimitedAccount()

    def apart(share: float) -> Pace:
        return Pace.of(API, share=share, store=InMemory())

    async def main() -> None:
        await asyncio.gather(*(account.change_prices(apart, 1500) for _ in range(2)))

    virtually(main())
    assert account.refused > 0


@pytest.mark.drawn(1)
@pytest.mark.parametrize("count", [1, 8])
def test_a_sign_up_elsewhere_waits_at_most_2_seconds_while_prices_change(ledger: Ledger, count: int) -> None:
    account = LimitedAccount()

    async def main() -> tuple[float, list[float]]:
        change = asyncio.create_task(change_prices(account, machines(ledger, count), 8000))
        waits = []
        for number in range(100):
            await asyncio.sleep(7.3)
            waits.append(await account.sign_up(Machine(ledger, f"checkout-{number}")))
        assert not change.done()
        return await change, waits

    seconds, waits = virtually(main())
    assert account.refused == 0
    assert sorted(waits)[95] <= 2
    assert seconds < 8000 / FLEET_PER_SECOND / 0.97


def test_sign_ups_that_come_together_go_before_the_fleet(ledger: Ledger) -> None:
    account = LimitedAccount()

    async def main() -> list[float]:
        change = asyncio.create_task(change_prices(account, machines(ledger, 8), 1000))
        await asyncio.sleep(30)
        waits = await asyncio.gather(*(account.sign_up(Machine(ledger, f"checkout-{one}")) for one in range(4)))
        await change
        return waits

    assert max(virtually(main())) <= 2
    assert account.refused == 0


def test_a_slice_of_a_dead_run_ends_by_itself(ledger: Ledger) -> None:
    account = LimitedAccount()

    async def main() -> None:
        dead = Machine(ledger, "dead")(API.batch_share)
        await account.call(dead, PATCH)  # and never again
        other, loop = Machine(ledger, "other")(API.batch_share), asyncio.get_running_loop()
        await asyncio.sleep(VALID_SECONDS + 1)
        begun = loop.time()
        for _ in range(500):
            await account.call(other, PATCH)
        assert loop.time() - begun < 500 / 4

    virtually(main())


def test_what_is_left_of_a_slice_is_given_back(ledger: Ledger) -> None:
    async def main() -> float:
        for number in range(40):  # each is given five calls and makes one
            pace = Machine(ledger, f"checkout-{number}")(1.0)
            await pace.turn(PATCH)
            await pace.leave()
        return asyncio.get_running_loop().time()

    assert virtually(main()) <= 40 / 11


def test_a_slow_database_costs_no_calls(ledger: Ledger) -> None:
    account, ledger.slow_seconds = LimitedAccount(), 0.5
    several = machines(ledger, 2)
    seconds = virtually(change_prices(account, several, 3000))
    assert account.refused == 0
    assert seconds < 3000 / FLEET_PER_SECOND / 0.97
    assert [machine.told for machine in several] == [[], []]


def test_a_call_that_is_cancelled_while_it_asks_leaves_the_answer_to_the_next(ledger: Ledger) -> None:
    """As where a checkout goes away during a sign-up, and the service has another one."""
    ledger.slow_seconds = 0.5
    machine = Machine(ledger, "one")

    async def main() -> float:
        pace, loop = machine(1.0), asyncio.get_running_loop()
        cancelled = asyncio.create_task(pace.turn(PATCH))
        others = [asyncio.create_task(pace.turn("GET /projects")) for _ in range(FIRST_CALLS)]
        await asyncio.sleep(0.1)
        cancelled.cancel()
        await asyncio.gather(*others)
        return loop.time()

    assert virtually(main()) < 1
    assert (ledger.asked, machine.told) == (1, [])


@pytest.mark.parametrize("how", ["fails", "never answers"])
def test_a_registry_without_an_answer_is_not_told_of_refusals(ledger: Ledger, how: str) -> None:
    ledger.fails, ledger.slow_seconds = how == "fails", 0.0 if how == "fails" else 15 * PATIENCE_SECONDS

    async def main() -> None:
        pace, loop = Machine(ledger, "one")(1.0), asyncio.get_running_loop()
        await pace.turn(PATCH)
        begun = loop.time()
        await asyncio.gather(*(pace.refused() for _ in range(32)))
        assert loop.time() - begun < 1

    virtually(main())
    assert ledger.asked == 1


@pytest.mark.parametrize("how", ["fails", "never answers"])
def test_without_an_answer_machines_keep_to_a_part_and_say_so_once(ledger: Ledger, how: str) -> None:
    account, several = LimitedAccount(), machines(ledger, 3)

    async def main() -> None:
        change = asyncio.create_task(change_prices(account, several, 3000))
        await asyncio.sleep(60)
        ledger.fails, ledger.slow_seconds = how == "fails", 0.0 if how == "fails" else 15 * PATIENCE_SECONDS
        await asyncio.sleep(120)
        ledger.fails, ledger.slow_seconds = False, 0.0
        await change

    virtually(main())
    assert account.refused == 0
    for machine in several:
        (sentence,) = machine.told
        assert "this machine makes at most 1/4 of the calls that the account allows" in sentence
    before, during, after = (sum(at <= start < at + 50 for start in account.starts) for at in (5, 80, 220))
    assert during < 0.8 * before
    assert after > 0.95 * before


def test_a_run_that_never_reaches_the_registry_uses_half(ledger: Ledger) -> None:
    ledger.fails = True
    account, several = LimitedAccount(), machines(ledger, 2)
    virtually(change_prices(account, several, 1000))
    assert account.refused == 0
    assert all("at most 1/2" in machine.told[0] for machine in several)


def test_tables_that_no_run_has_made_yet_are_asked_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.registry, "_exists", lambda _: False)
    machine = Machine(ledger, "one")

    async def main() -> None:
        pace = machine(1.0)
        await pace.turn(PATCH)
        assert not ledger.registry._keeps_calls
        monkeypatch.undo()
        await asyncio.sleep(ASKED_AGAIN_SECONDS)
        await pace.turn(PATCH)
        assert ledger.registry._keeps_calls

    virtually(main())
    assert machine.told == []


def test_after_a_refusal_the_runs_on_all_machines_slow_down_and_the_rate_returns(ledger: Ledger) -> None:
    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        refused, other = (machine(1.0) for machine in machines(ledger, 2))
        await refused.refused()
        starts = []
        for _ in range(1000):
            await other.turn(PATCH)
            starts.append(loop.time())
        return sum(at < SLOW_SECONDS for at in starts), sum(
            SLOW_SECONDS + 2 <= at < 2 * SLOW_SECONDS for at in starts
        )

    slow, later = virtually(main())
    assert slow < 360
    assert later > 600


def test_refusals_of_calls_in_flight_together_are_told_once(ledger: Ledger) -> None:
    async def main() -> None:
        pace = Machine(ledger, "one")(1.0)
        for _ in range(3):
            await asyncio.gather(*(pace.refused() for _ in range(32)))
            await asyncio.sleep(REFUSED_TOGETHER_SECONDS)

    virtually(main())
    assert ledger.asked == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"at": "now"}', "\x00"])
def test_a_state_that_is_anything_else_is_written_anew(ledger: Ledger, text: str) -> None:
    async def main() -> str | None:
        await ledger.change(lambda *_: (text, None))
        budget = Machine(ledger, "one").leased(CallRates(Rate(4, 2)))
        for _ in range(6):
            await budget.turn()
        return await ledger.change(lambda state, _: (state or "", state))

    assert virtually(main()) not in (None, text)


def test_the_clock_is_that_of_the_database_and_goes_forward(registry: Registry) -> None:
    account = uuid4().hex
    times: list[float] = []
    for _ in range(3):
        at = registry.change_calls(account, lambda state, now: (f"{state or ''}x", now))
        assert at is not None
        times.append(at)
    assert times == sorted(times)
    assert registry.change_calls(account, lambda state, _: ("", state)) == "xxx"


def test_a_locked_registry_is_said_and_calls_go_ahead(tmp_path: Path) -> None:
    """On real time."""
    with closing(opened(tmp_path)) as found:
        found.prepare()
        machine = Machine(Ledger(found), "one")

        async def main() -> None:
            pace = machine(1.0)
            await pace.turn(PATCH)
            with locked(tmp_path):
                for _ in range(2 * FIRST_CALLS):
                    await pace.turn(PATCH)
                await pace.leave()

        asyncio.run(main())
    (sentence,) = machine.told
    assert "because the registry cannot be used: database is locked: until" in sentence


def test_who_may_only_read_makes_calls_and_hears_once_why_at_a_part_of_the_rate(
    registry: Registry, address: str
) -> None:
    """On real time: a role that may only read, a replica, a file without the permission to write."""
    for reading in for_reading(address):
        with closing(open_registry(reading, Environment({}), fleet="prod")) as found:
            machine = Machine(Ledger(found), "one")
            asyncio.run(first_calls_and_a_refusal(machine))
            assert found.rows() == registry.rows()
        (sentence,) = machine.told
        assert re.search("the registry cannot be used: .*(read-?only|denied) .*at most 1/2 of the calls", sentence)


async def first_calls_and_a_refusal(machine: Machine) -> None:
    pace = machine(1.0)
    for _ in range(FIRST_CALLS):
        await pace.turn(PATCH)
    await pace.refused()
    await pace.leave()


def for_reading(address: str) -> list[str]:
    """The same database, in which nothing can be written."""
    if address.startswith("sqlite"):
        return [address.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"]
    role, url = f"reader_{uuid4().hex}", sa.make_url(address)
    with closing(open_registry(address, Environment({}), fleet="prod")) as found, found._writing() as connection:
        connection.execute(sa.text(f"CREATE ROLE {role}"))
        connection.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    options = "-c default_transaction_read_only=on", f"-c role={role}"
    return [url.update_query_dict({"options": one}).render_as_string(hide_password=False) for one in options]


def opened(folder: Path) -> Registry:
    """A registry in a file, whose lock is not waited for."""
    return Registry(sa.create_engine(f"sqlite:///{folder / 'registry.db'}", connect_args={"timeout": 0}), "prod")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another program holds the file."""
    with closing(sqlite3.connect(folder / "registry.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_no_end_of_a_process_waits_for_a_database_that_does_not_answer() -> None:
    asked: list[threading.Thread] = []

    class Silent(NullRegistry):
        def change_calls(self, account: str, change: Callable[[str | None, float], tuple[str, T]]) -> T | None:
            asked.append(threading.current_thread())
            return super().change_calls(account, change)

    asyncio.run(AccountCalls(Silent(), "a").change(lambda state, _now: (state or "", None)))
    assert [(thread.daemon, thread is threading.main_thread()) for thread in asked] == [(True, False)]
