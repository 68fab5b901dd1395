"""A run that dies at any of its calls, before or after that call was carried out, is repaired by running again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import Overrides
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from tests import profiles
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, journal_lines, virtually
from tests.harness.wire import Killed, at, killed, where

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = a_fleet(a_tenant("down", "pro"), a_tenant("gone"), a_tenant("more"), a_tenant("up"))
AFTER = a_fleet(
    a_tenant("down"),
    a_tenant("gone", absent=True),
    replace(a_tenant("more"), overrides=Overrides(quota={"data_transfer_bytes": 7})),
    a_tenant("new"),
    a_tenant("up", "pro"),
)
DEATHS = profiles.size(5, 15, 1000)
"""Before so many calls, and after so many others; `make nightly` tries all."""
CALLS_AT_LEAST = 20
"""What the uninterrupted run takes; fewer would mean that the test misses something."""


async def calls_of_a_whole_run(folder: Path) -> int:
    world = World.open(folder)
    world.seed(BEFORE)
    plan = await world.plan(AFTER)
    before = len(world.simulator.requests)
    applied = await world.apply(AFTER, plan=plan)
    assert set(applied.results().values()) == {Result.APPLIED}
    return len(world.simulator.requests) - before


async def dies_and_is_repaired(folder: Path, call: int, *, carried_out: bool) -> None:
    world = World.open(folder)
    world.seed(BEFORE)
    plan = await world.plan(AFTER)
    with pytest.raises(Killed):
        await world.apply(AFTER, act=at(call, killed(carried_out=carried_out)), plan=plan)
    repair = await world.apply(AFTER)
    assert set(repair.results().values()) <= {Result.APPLIED}, f"after call {call}: {repair.report}"
    assert await world.converged(AFTER) == {"myapp-down", "myapp-more", "myapp-new", "myapp-up"}


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
def test_a_run_that_dies_at_any_call_is_repaired_by_the_next(tmp_path: Path, carried_out: bool) -> None:
    async def main() -> None:
        calls = await calls_of_a_whole_run(tmp_path / "whole")
        assert calls > CALLS_AT_LEAST
        for call in profiles.drawn(f"deaths {carried_out}", range(1, calls + 1), DEATHS):
            await dies_and_is_repaired(tmp_path / str(call), call, carried_out=carried_out)

    virtually(main())


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
