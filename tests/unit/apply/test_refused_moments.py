"""A moment that a raised restore window does not reach is left out, with what depends on it and nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.apply.steps.refused_moments import CORRECT_THE_TIME
from reconciler.desired.tenant import Snapshot
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerWith
from tests.harness.builders import DAY, HOUR, a_fleet, a_tenant
from tests.harness.runs import World, now, virtually
from tests.unit.apply.plans import (
    a_plan,
    branch_names,
    discard,
    make,
    outcome,
    seen,
    snapshot_names,
    snapshotted,
    take,
)
from tests.unit.apply.test_replacements import set_window

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.live.project import LiveProject

PRO = a_fleet(a_tenant("acme", "pro"))
APPLIED, FAILED, SKIPPED, UNCHANGED = Result.APPLIED, Result.FAILED, Result.SKIPPED, Result.UNCHANGED
LONG_AGO = timedelta(days=2)


async def raised(world: World) -> LiveProject:
    """The project with a window of seven days that was one of an hour until now."""
    world.seed(PRO)
    await asyncio.sleep(3 * DAY)
    project = await seen(world)
    for seconds in (HOUR, 7 * DAY):
        await set_window(world, project, seconds)
        await asyncio.sleep(1)
    return await seen(world)


def test_the_later_snapshots_are_taken_without_one_of_a_moment_that_neon_refuses(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await raised(world)
        at = now() - LONG_AGO
        run = await world.apply(PRO, plan=a_plan(project, take("v1", at=at), take("auto")))
        assert outcome(run) == [SKIPPED, APPLIED]
        assert await snapshot_names(world) == ["auto"]
        refused = run.report.outcomes[0].actions[0]
        assert refused.message.startswith("Neon holds no data of ")
        assert "is outside the restore window" in refused.message
        assert refused.hint == CORRECT_THE_TIME
        assert refused.request_id

    virtually(main())


def test_of_branches_only_those_that_start_from_it_wait(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await raised(world)
        branches = (make("old", at=now() - LONG_AGO), make("child", parent="old"), make("dev"))
        run = await world.apply(PRO, plan=a_plan(project, *branches, take("old")))
        assert outcome(run) == [SKIPPED, SKIPPED, APPLIED, APPLIED]
        assert await branch_names(world) == ["dev"]
        assert await snapshot_names(world) == ["old"], "of the same name as the branch"
        child = run.report.outcomes[0].actions[1]
        assert child.message == "branch 'old', which it starts from, was not created"

    virtually(main())


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "rotated"])
def test_a_declared_snapshot_has_its_place_and_a_rotated_one_replaces_as_planned(
    tmp_path: Path, *, declared: bool
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await raised(world)
        (v0,) = await snapshotted(world, project, "v0", seconds_apart=5)
        fleet = a_fleet(a_tenant("acme", "pro", snapshots=(Snapshot("v2"),))) if declared else PRO
        actions = (take("v1", at=now() - LONG_AGO), discard("v0", v0), take("v2"))
        run = await world.apply(fleet, plan=a_plan(await seen(world), *actions))
        assert outcome(run) == [SKIPPED, UNCHANGED if declared else APPLIED, APPLIED]
        assert await snapshot_names(world) == (["v0", "v2"] if declared else ["v2"])

    virtually(main())


def test_what_may_not_be_replaced_for_such_a_moment_holds_no_other_snapshot_back(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await raised(world)
        old, older = await snapshotted(world, project, "old", "older", seconds_apart=5)
        actions = (discard("old", old), take("v1", at=now() - LONG_AGO), discard("older", older), take("auto"))
        run = await world.apply(PRO, plan=a_plan(await seen(world), *actions))
        assert outcome(run) == [SKIPPED, SKIPPED, APPLIED, APPLIED]
        assert await snapshot_names(world) == ["old", "auto"]
        messages = {action.message for action in run.report.outcomes[0].actions[:2]}
        assert len(messages) == 1
        assert "the restore window was changed at" in messages.pop()

    virtually(main())


def test_another_refusal_and_one_of_no_moment_are_failures_that_end_the_tenant(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await raised(world)
        world.simulator.faults.add(AnswerWith(400), "POST", "/projects/*/branches/*/snapshot", first=1)
        run = await world.apply(PRO, plan=a_plan(project, take("v1"), take("v2")))
        assert outcome(run) == [FAILED, SKIPPED]
        world.simulator.faults.add(AnswerWith(409), "POST", "/projects/*/branches/*/snapshot", first=1)
        run = await world.apply(PRO, plan=a_plan(project, take("v1", at=now()), take("v2")))
        assert outcome(run) == [FAILED, SKIPPED]

    virtually(main())
