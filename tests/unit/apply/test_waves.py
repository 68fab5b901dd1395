"""Waves: growing parts in a stable order, each judged before the next; and the breaker that is always on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.apply.stop import BreakerLimits, StopSignal
from reconciler.apply.waves.waves import read_waves, stop_after_bad_wave, waves
from reconciler.desired.tenant import Overrides
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.plan.outcome import Result
from reconciler.plan.plan import TenantPlan
from reconciler.simulator.faults import AnswerWith
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, virtually

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.apply.run.wave_options import WaveEnd
    from reconciler.desired.state import DesiredState

USUAL = read_waves("1,1%,10%,100%")


def tenants(count: int) -> tuple[TenantPlan, ...]:
    return tuple(TenantPlan(f"t{number:04}", None, ()) for number in range(count))


def names(wave: Sequence[TenantPlan]) -> set[str]:
    return {tenant.tenant for tenant in wave}


def sizes(count: int, ends: Sequence[WaveEnd] = USUAL) -> list[int]:
    return [len(wave) for wave in waves(tenants(count), ends)]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (2, [1, 1]), (50, [1, 4, 45]), (1000, [1, 9, 90, 900]), (1001, [1, 10, 90, 900])],
)
def test_each_end_counts_from_the_beginning_and_an_empty_wave_is_none(count: int, expected: list[int]) -> None:
    assert sizes(count) == expected


@pytest.mark.parametrize("total", [1, 750, 29_999])
def test_an_end_in_percent_is_rounded_up_from_what_was_written_exactly(total: int) -> None:
    for tenths in range(1, 1000):
        (end, _) = read_waves(f"{tenths // 10}.{tenths % 10}%,100%")
        assert end.of(total) == -(-total * tenths // 1000)


def test_without_waves_there_is_one_part() -> None:
    assert waves(tenants(3), ()) == (tenants(3),)


def test_every_tenant_is_in_one_wave_and_each_wave_is_in_the_order_of_the_plan() -> None:
    parts = waves(tenants(300), USUAL)
    everybody = [tenant.tenant for wave in parts for tenant in wave]
    assert sorted(everybody) == [tenant.tenant for tenant in tenants(300)]
    for wave in parts:
        assert list(wave) == sorted(wave, key=lambda tenant: tenant.tenant)


def test_the_first_waves_are_spread_over_the_fleet_and_the_same_each_time() -> None:
    parts = waves(tenants(1000), USUAL)
    second = waves(tenants(1000)[::-1], USUAL)
    assert list(map(names, parts)) == list(map(names, second))
    few = parts[1]
    numbers = [int(tenant.tenant[1:]) for tenant in few]
    assert max(numbers) - min(numbers) > 500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither a number"),
        ("1,,100%", "neither a number"),
        ("0,100%", "neither a number"),
        ("-1,100%", "neither a number"),
        ("1,0%,100%", "neither a number"),
        ("1,101%", "neither a number"),
        ("half,100%", "neither a number"),
        ("1,10%", "the last wave must be 100%"),
        ("1,100", "the last wave must be 100%"),
        ("5,1,100%", "must include more tenants"),
        ("10%,1%,100%", "must include more tenants"),
        ("1,1,100%", "must include more tenants"),
    ],
)
def test_waves_that_mean_nothing_are_refused_with_an_example(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        read_waves(text)
    assert caught.value.hint == "for example --waves 1,1%,10%,100%"


@pytest.mark.parametrize(
    ("failed", "size", "stops"),
    [(0, 1, False), (1, 1, True), (1, 2, True), (1, 19, True), (1, 20, False), (5, 100, False), (6, 100, True)],
)
def test_a_lone_tenant_that_fails_ends_the_run_and_so_does_more_than_the_breakers_share(
    failed: int, size: int, stops: bool
) -> None:
    stop = StopSignal()
    stop_after_bad_wave(failed, size, "1 of 4", BreakerLimits(), stop)
    assert stop.requested is stops
    assert stop.exit_code is (ExitCode.PARTLY_APPLIED if stops else None)


def test_a_lone_tenant_that_fails_ends_the_run_whatever_the_breaker_bears() -> None:
    stop = StopSignal()
    stop_after_bad_wave(1, 1, "1 of 4", BreakerLimits(failed_share=1.0), stop)
    assert stop.reason == "wave 1 of 4: 1 of 1 tenant failed"


def test_the_breaker_bears_five_percent_of_twenty_tenants_and_five_server_errors_in_a_row() -> None:
    assert BreakerLimits() == BreakerLimits(failed_share=0.05, tenants_at_least=20, server_errors_in_a_row=5)


def paying(count: int) -> DesiredState:
    return a_fleet(*(a_tenant(f"t{number:03}", "pro") for number in range(count)))


def free(count: int) -> DesiredState:
    return a_fleet(*(a_tenant(f"t{number:03}") for number in range(count)))


def roomier(count: int) -> DesiredState:
    more = Overrides(quota={"data_transfer_bytes": 7})
    return a_fleet(*(a_tenant(f"t{number:03}", overrides=more) for number in range(count)))


def first_of(desired: DesiredState) -> str:
    """The tenant that goes first, whatever is done."""
    plans = tuple(TenantPlan(name, None, ()) for name in desired.tenants)
    return waves(plans, USUAL)[0][0].tenant


def transfers(world: World) -> list[int]:
    """How many projects each transfer call was to move."""
    sent = [exchange.body for exchange in world.writes() if exchange.path.endswith("/transfer")]
    moved = [body["project_ids"] for body in sent if isinstance(body, dict)]
    return [len(ids) for ids in moved if isinstance(ids, list)]


def test_a_shared_transfer_stays_within_its_wave_and_waves_follow_each_other(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(free(40))
        applied = await world.apply(paying(40), waves=read_waves("1,25%,100%"))
        assert transfers(world) == [1, 9, 30]
        assert set(applied.results().values()) == {Result.APPLIED}
        assert (await world.plan(paying(40))).empty

    virtually(main())


def test_the_next_wave_begins_only_once_the_one_before_it_is_through(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(free(12))
        applied = await world.apply(paying(12), waves=read_waves("1,50%,100%"))
        first = first_of(paying(12))
        lines = [line for line in applied.journal if line["line"] == "intent"]
        own = [place for place, line in enumerate(lines) if first in line["tenants"]]
        assert own == list(range(len(own)))

    virtually(main())


def test_a_lone_first_tenant_that_fails_ends_the_run_and_the_rest_is_skipped_with_that_reason(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(free(30))
        desired = roomier(30)
        first = first_of(desired)
        project = (await world.live(desired))[f"myapp-{first}"]
        world.simulator.faults.add(AnswerWith(400, "no"), "PATCH", f"/projects/{project.id}", times=None)
        world.forget()
        applied = await world.apply(desired, waves=USUAL)
        results = applied.results()
        assert results.pop(first) is Result.FAILED
        assert set(results.values()) == {Result.SKIPPED}
        assert len(world.writes()) == 1
        assert applied.report.stopped == "wave 1 of 3: 1 of 1 tenant failed"
        assert applied.report.stopped_by is ExitCode.PARTLY_APPLIED
        other = next(name for name in results)
        assert applied.message(other) == "the run was stopped: wave 1 of 3: 1 of 1 tenant failed"

    virtually(main())


def test_without_waves_one_failure_ends_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(free(30))
        project = (await world.live(free(30)))["myapp-t007"]
        world.simulator.faults.add(AnswerWith(400, "no"), "PATCH", f"/projects/{project.id}", times=None)
        applied = await world.apply(roomier(30))
        assert applied.report.stopped is None
        assert applied.report.count(Result.APPLIED) == 29

    virtually(main())


@pytest.mark.parametrize(
    ("effect", "at_most", "words"),
    [
        (AnswerWith(400, "no"), 60, "tenants failed"),
        (AnswerWith(500, "down"), 60, "in a row failed because the API did not answer properly"),
    ],
)
def test_the_breaker_is_on_without_a_word(tmp_path: Path, effect: AnswerWith, at_most: int, words: str) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(free(200))
        world.simulator.faults.add(effect, "PATCH", times=None)
        world.forget()
        applied = await world.apply(roomier(200))
        assert applied.report.stopped is not None
        assert words in applied.report.stopped
        assert applied.report.stopped_by is ExitCode.ERROR
        assert applied.report.count(Result.SKIPPED) > 200 - at_most
        assert len({exchange.path for exchange in world.writes()}) <= at_most

    virtually(main())
