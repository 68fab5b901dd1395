"""The lease that an apply holds on its fleet: in the database, and on a simulated account on virtual time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from reconciler.apply.run.lease import LAPSES_AFTER, PATIENCE_SECONDS, VALID_SECONDS
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import DevBranch
from reconciler.environment import Environment
from reconciler.errors import ExitCode, LeasedError, RegistryError
from reconciler.fleet import Request, RunOptions
from reconciler.live.registered import ALL_PARTS, overlap
from reconciler.plan.outcome import Result
from reconciler.registry.connect import open_registry
from reconciler.simulator.faults import Delay
from tests.harness.builders import NOON, a_fleet, a_tenant
from tests.harness.runs import now, virtually
from tests.unit.registry.platforms import Platform, why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.live.registered import Lease
    from reconciler.plan.outcome import Report
    from reconciler.registry.store import Registry

EARLIER = NOON - LAPSES_AFTER
ACME = a_fleet(a_tenant("acme", dev_branches=(DevBranch("dev", "main"),)))
"""Whose branch is made once its project is ready."""


class TestInTheDatabase:
    @pytest.fixture
    def registry(self, address: str) -> Iterator[Registry]:
        registry = open_registry(address, Environment({}), fleet=f"fleet-{uuid4().hex[:8]}")
        registry.prepare()
        yield registry
        registry.close()

    def take(self, registry: Registry, run: str, part: str = ALL_PARTS) -> Lease:
        return registry.lease(part, run, NOON, lapsed_before=EARLIER)

    def test_it_is_the_first_runs_and_tells_the_others_whose(self, registry: Registry) -> None:
        mine = self.take(registry, "run1")
        assert (mine.run, mine.since) == ("run1", NOON)
        assert self.take(registry, "run2") == mine
        registry.release_lease(mine)
        assert self.take(registry, "run2").run == "run2"

    def test_one_that_was_taken_over_is_renewed_and_let_go_by_nobody_but_its_new_holder(
        self, registry: Registry
    ) -> None:
        late = self.take(registry, "run1")
        lapsed = NOON + LAPSES_AFTER
        new = registry.lease(ALL_PARTS, "run2", lapsed, lapsed_before=NOON)
        assert (new.run, new.token > late.token) == ("run2", True)
        assert not registry.renew(late, lapsed)
        registry.release_lease(late)
        assert registry.renew(new, lapsed + timedelta(seconds=10))

    def test_a_whole_fleet_takes_over_what_its_shards_have_left(self, registry: Registry) -> None:
        late = self.take(registry, "run1", "1/2")
        assert registry.lease(ALL_PARTS, "run2", NOON + LAPSES_AFTER, lapsed_before=NOON).run == "run2"
        assert not registry.renew(late, NOON + LAPSES_AFTER)

    def test_shards_of_as_many_parts_are_held_beside_each_other_and_nothing_else(self, registry: Registry) -> None:
        assert self.take(registry, "run1", "1/2").run == "run1"
        assert self.take(registry, "run2", "2/2").run == "run2"
        for part in (ALL_PARTS, "1/2", "3/4"):
            assert self.take(registry, "run3", part).run in {"run1", "run2"}

    def test_of_many_that_take_it_at_once_exactly_one_holds_it(self, address: str) -> None:
        fleet = f"fleet-{uuid4().hex[:8]}"
        registries = [open_registry(address, Environment({}), fleet=fleet) for _ in range(6)]
        registries[0].prepare()

        def take(number: int) -> str:
            part = ALL_PARTS if number % 2 else f"{number + 1}/{len(registries)}"
            return self.take(registries[number], f"run{number}", part).run

        with ThreadPoolExecutor(len(registries)) as pool:
            holders = list(pool.map(take, range(len(registries))))
        held = [number for number, run in enumerate(holders) if run == f"run{number}"]
        assert held
        assert len(held) == 1 or all(number % 2 == 0 for number in held)
        for registry in registries:
            registry.close()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (ALL_PARTS, ALL_PARTS, True),
        (ALL_PARTS, "1/2", True),
        ("1/2", "1/2", True),
        ("1/2", "2/2", False),
        ("1/2", "2/4", True),
    ],
)
def test_parts_that_may_have_a_tenant_in_common_overlap(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


def slow(platform: Platform, seconds: float) -> None:
    """So long after the creation is sent its operations are told to have ended."""
    faults, part = platform.world.simulator.faults, seconds / 3
    faults.add(Delay(part), "POST", "/projects")
    faults.add(Delay(part), "GET", "/projects/*/operations*", times=2)


async def fails(platform: Platform, run: str) -> LeasedError:
    with pytest.raises(LeasedError) as raised:
        await platform.apply(ACME, run)
    return raised.value


class TestAnApply:
    def test_a_second_one_waits_for_the_first_and_then_goes_ahead(self, platform: Platform) -> None:
        slow(platform, PATIENCE_SECONDS - 5)
        both = a_fleet(*ACME.tenants.values(), a_tenant("birch"))

        async def main() -> None:
            first = asyncio.create_task(platform.apply(ACME, "run1"))
            await asyncio.sleep(1)
            second = asyncio.create_task(platform.apply(both, "run2"))
            await asyncio.sleep(1)
            assert not (platform.world.folder / "run2.jsonl").exists()
            reports = [await first, await second]
            assert reports[0].finished_at <= reports[1].started_at
            assert [outcome.result for outcome in reports[1].outcomes] == [Result.UNCHANGED, Result.APPLIED]
            assert sorted(platform.rows()) == ["acme", "birch"]

        virtually(main())

    def test_a_second_one_ends_with_a_clear_message_where_the_first_goes_on(self, platform: Platform) -> None:
        slow(platform, 150)

        async def main() -> None:
            first = asyncio.create_task(platform.apply(ACME, "run1"))
            await asyncio.sleep(80)
            error = await fails(platform, "run2")
            assert str(error).startswith("run run1 has been applying the fleet since 2026-11-23 09:00:0")
            assert str(error).endswith(": nothing was written")
            assert "its lease lapses at 09:0" in str(error.hint)
            assert not any(write.request_id.startswith("run2") for write in platform.world.writes())
            assert not first.done()
            assert (await first).count(Result.APPLIED) == 1

        virtually(main())

    def test_one_with_nothing_to_do_needs_no_lease(self, platform: Platform) -> None:
        async def main() -> None:
            await platform.apply(ACME, "run0")
            platform.registry.lease(ALL_PARTS, "other", now(), lapsed_before=now())
            assert (await platform.apply(ACME, "run1")).outcomes == ()

        virtually(main())

    def test_nor_does_a_sign_up(self, platform: Platform) -> None:
        async def main() -> None:
            platform.registry.prepare()
            platform.registry.lease(ALL_PARTS, "other", now(), lapsed_before=now())
            async with platform.fleet(ACME) as fleet:
                run = RunOptions(id="run1", journal=platform.world.folder / "j.jsonl")
                assert why((await fleet.converge("acme", run=run)).report)[0] is Result.APPLIED

        virtually(main())

    def test_a_dead_ones_lease_lapses(self, platform: Platform) -> None:
        async def main() -> None:
            platform.registry.prepare()
            platform.registry.lease(ALL_PARTS, "dead", now(), lapsed_before=now())
            assert "run dead has been applying the fleet since" in str(await fails(platform, "run1"))
            await asyncio.sleep(LAPSES_AFTER.total_seconds())
            assert (await platform.apply(ACME, "run2")).count(Result.APPLIED) == 1

        virtually(main())

    def test_shards_go_on_beside_each_other(self, platform: Platform) -> None:
        many = a_fleet(*(a_tenant(f"t{number}") for number in range(8)))

        async def shard(number: int) -> Report:
            request = Request(selection=Selection(shard=(number, 2)))
            return await platform.apply(many, f"run{number}", request)

        async def main() -> None:
            reports = await asyncio.gather(shard(1), shard(2))
            assert sum(report.count(Result.APPLIED) for report in reports) == 8

        virtually(main())

    def test_it_lets_go_of_its_lease_however_it_ends(self, platform: Platform) -> None:
        slow(platform, 100)

        async def main() -> None:
            applying = asyncio.create_task(platform.apply(ACME, "run1"))
            await asyncio.sleep(5)
            applying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await applying
            assert (await platform.apply(ACME, "run2")).count(Result.APPLIED) == 1

        virtually(main())


class TestADelayedApply:
    """It writes nothing more once another may hold its lease: its branch stays unmade."""

    def stopped(self, report: Report, platform: Platform) -> str:
        assert report.stopped_by is ExitCode.ERROR
        assert [exchange.line.partition(" ")[0] for exchange in platform.world.writes()] == ["POST"]
        (outcome,) = report.outcomes
        assert outcome.actions[-1].result is Result.SKIPPED
        return outcome.actions[-1].message

    def test_because_it_could_not_be_renewed(self, sized: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
        slow(sized, VALID_SECONDS + 30)

        def unreachable(*_: object) -> bool:
            raise RegistryError("the registry cannot be used: server closed the connection")

        monkeypatch.setattr(sized.registry, "renew", unreachable)

        async def main() -> None:
            message = self.stopped(await sized.apply(ACME, "run1"), sized)
            assert "its lease on the fleet was not renewed for 60 s" in message

        virtually(main())

    def test_because_another_has_taken_it_over(self, sized: Platform) -> None:
        slow(sized, 30)

        async def main() -> None:
            applying = asyncio.create_task(sized.apply(ACME, "run1"))
            await asyncio.sleep(5)
            later = now() + timedelta(hours=1)
            assert sized.registry.lease(ALL_PARTS, "run2", later, lapsed_before=later).run == "run2"
            assert "another run has taken over its lease" in self.stopped(await applying, sized)

        virtually(main())

    def test_because_its_machine_slept(self, sized: Platform) -> None:
        """The loop's clock stood still meanwhile; the other one tells."""
        slow(sized, 5)
        slept = timedelta()

        async def main() -> None:
            nonlocal slept
            async with sized.fleet(ACME, clock=lambda: now() + slept) as fleet:
                run = RunOptions(id="run1", journal=sized.world.folder / "j.jsonl")
                applying = asyncio.create_task(fleet.apply(await fleet.plan(), run))
                await asyncio.sleep(2)
                slept = timedelta(seconds=VALID_SECONDS - 3)
                assert "its lease on the fleet was not renewed" in self.stopped(await applying, sized)

        virtually(main())
