"""A registry that somebody keeps locked: only who needs its lock waits for it. On real time, with threads."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reconciler.errors import RegistryError
from reconciler.fleet import Fleet, RunOptions
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.registry.database import READS_AT_ONCE, WRITES_AT_ONCE
from reconciler.registry.store import Registry
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.fleet import Converged, TenantJson

FLEET = a_fleet(a_tenant("acme"), a_tenant("birch"))
PATIENCE_SECONDS = 30.0
"""Much longer than what goes ahead meanwhile takes: a loop that waits for the lock ends with an error instead."""


class Kept:
    """An account, and a registry in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "registry.db"
        self.world = World.open(folder)
        self.open().prepare()

    def open(self, patience_seconds: float = PATIENCE_SECONDS) -> Registry:
        """The registry, as a process with so much patience opens it."""
        engine = sa.create_engine(f"sqlite:///{self.file}", connect_args={"timeout": patience_seconds})
        return Registry(engine, "prod")

    def run(self, name: str) -> RunOptions:
        """A run with a journal of its own."""
        return RunOptions(id=name, journal=self.folder / f"{name}.jsonl", single_writer=True)

    @contextmanager
    def locked(self, how: str) -> Iterator[sqlite3.Connection]:
        """Another program holds the file."""
        other = sqlite3.connect(self.file, isolation_level=None)
        try:
            other.execute(f"BEGIN {how}")
            yield other
        finally:
            other.close()


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def about_to_claim(kept: Kept, count: int) -> None:
    """Until so many tenants have been looked for, and are about to be claimed."""
    for _ in range(3000):
        if len(kept.world.simulator.requests) >= 2 * count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("they were not looked for")


def outcome(converged: Converged) -> Result:
    (only,) = converged.report.outcomes
    return only.result


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"], ids=["for writing", "for everything"])
def test_a_sign_up_elsewhere_goes_ahead_while_another_waits_for_the_lock(kept: Kept, how: str) -> None:
    async def main() -> None:
        async with kept.world.client() as neon:
            waiting = Fleet(FLEET, neon, now=now, registry=kept.open())
            free = Fleet(replace(FLEET, fleet="other"), neon, now=now)
            with kept.locked(how) as other:
                blocked = asyncio.create_task(waiting.converge("acme", run=kept.run("run1")))
                assert outcome(await free.converge("birch", run=kept.run("run2"))) is Result.APPLIED
                assert not blocked.done()
                other.execute("ROLLBACK")
                assert outcome(await blocked) is Result.APPLIED

    asyncio.run(main())


def test_so_does_a_tenant_of_the_same_fleet_that_needs_no_claim_however_many_wait(kept: Kept) -> None:
    many = [f"t{number}" for number in range(WRITES_AT_ONCE + READS_AT_ONCE)]
    desired = a_fleet(*FLEET.tenants.values(), *map(a_tenant, many))

    async def main() -> None:
        async with kept.world.client() as neon:
            fleet = Fleet(desired, neon, now=now, registry=kept.open())
            await fleet.converge("birch", run=kept.run("run1"))
            with kept.locked("IMMEDIATE") as other:
                blocked = [asyncio.create_task(fleet.converge(name, run=kept.run(name))) for name in many]
                await about_to_claim(kept, len(many))
                more: TenantJson = {"tenant": "birch", "tier": "free", "dev_branches": [{"name": "dev"}]}
                assert outcome(await fleet.converge(more, run=kept.run("run3"))) is Result.APPLIED
                assert not any(one.done() for one in blocked)
                other.execute("ROLLBACK")
                assert {outcome(one) for one in await asyncio.gather(*blocked)} == {Result.APPLIED}

    asyncio.run(main())


def test_who_has_waited_long_enough_is_told_that_it_is_locked(kept: Kept) -> None:
    async def main() -> None:
        async with kept.world.client() as neon:
            fleet = Fleet(FLEET, neon, now=now, registry=kept.open(patience_seconds=0.0))
            with (
                kept.locked("EXCLUSIVE"),
                pytest.raises(RegistryError, match="cannot be used: database is locked"),
            ):
                await fleet.converge("acme", run=kept.run("run1"))
        assert kept.world.writes() == []

    asyncio.run(main())


def test_no_end_of_a_process_waits_for_a_call_that_reads_and_few_run_at_once(kept: Kept) -> None:
    running, most, daemons = 0, 0, set[bool]()
    lock = threading.Lock()

    def look() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            daemons.add(threading.current_thread().daemon)
        time.sleep(0.01)
        with lock:
            running -= 1

    async def main() -> None:
        registry = kept.open()
        await asyncio.gather(*(registry.read(look) for _ in range(4 * READS_AT_ONCE)))
        registry.close()

    asyncio.run(main())
    assert (daemons, most <= READS_AT_ONCE) == ({True}, True)
