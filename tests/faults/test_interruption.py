"""A run that dies at any of its calls, before or after that call was carried out, is repaired by running again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import Overrides
from reconciler.plan.outcome import Result
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, journal_lines, virtually
from tests.harness.wire import Killed, at, killed, where

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.plan import Plan

BEFORE = a_fleet(a_tenant("down", "pro"), a_tenant("gone"), a_tenant("more"), a_tenant("up"))
AFTER = a_fleet(
    a_tenant("down"),
    a_tenant("gone", absent=True),
    replace(a_tenant("more"), overrides=Overrides(quota={"data_transfer_bytes": 7})),
    a_tenant("new"),
    a_tenant("up", "pro"),
)
CALLS_AT_LEAST = 20
"""What the uninterrupted run takes; fewer would mean that the test misses something."""


async def die_at(world: World, plan: Plan, exchange: int, *, carried_out: bool) -> bool:
    """Applies the plan and dies at that exchange; False where the run is over before."""
    try:
        applied = await world.apply(AFTER, act=at(exchange, killed(carried_out=carried_out)), plan=plan)
    except Killed:
        return True
    assert set(applied.results().values()) == {Result.APPLIED}
    return False


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
def test_a_run_that_dies_at_any_call_is_repaired_by_the_next(tmp_path: Path, carried_out: bool) -> None:
    async def main() -> int:
        exchange = 1
        while True:
            world = World.open(tmp_path / str(exchange))
            world.seed(BEFORE)
            if not await die_at(world, await world.plan(AFTER), exchange, carried_out=carried_out):
                return exchange
            repair = await world.apply(AFTER)
            assert set(repair.results().values()) <= {Result.APPLIED}, f"after call {exchange}: {repair.report}"
            assert await world.converged(AFTER) == {"myapp-down", "myapp-more", "myapp-new", "myapp-up"}
            exchange += 1

    assert virtually(main()) > CALLS_AT_LEAST


def test_a_run_that_dies_leaves_the_intent_of_its_last_call_in_the_journal(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(BEFORE)
        act = where(lambda passing: passing.request.method == "DELETE", killed(carried_out=True))
        with pytest.raises(Killed):
            await world.apply(AFTER, run="dies", act=act)
        lines = journal_lines(tmp_path / "dies.jsonl")
        concluded = {line["request_id"] for line in lines if line["line"] == "outcome"}
        open_ended = [line for line in lines if line["line"] == "intent" and line["request_id"] not in concluded]
        assert "delete_project" in [line["kind"] for line in open_ended]
        assert lines[-1]["line"] != "end"

    virtually(main())
