"""A snapshot gives way only to one that is sure to come: looked at right before, and waited for right after."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.apply.steps.steps import COUNTED_WITHIN_SECONDS
from reconciler.model.annotations import Purpose
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import DropAfter
from tests.harness.builders import DAY, HOUR, a_fleet, a_tenant
from tests.harness.runs import World, now, virtually
from tests.harness.stored import Stored
from tests.unit.apply.plans import (
    a_plan,
    branched,
    calls,
    discard,
    drop,
    make,
    outcome,
    seeded,
    seen,
    snapshot_names,
    snapshotted,
    take,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from reconciler.live.project import LiveProject

FREE = a_fleet(a_tenant())
APPLIED, FAILED, SKIPPED = Result.APPLIED, Result.FAILED, Result.SKIPPED
TAKE = "POST /projects/*/branches/*/snapshot"
BRANCH = "POST /projects/*/branches"
DISCARD = "DELETE /projects/*/snapshots/*"
DROP = "DELETE /projects/*/branches/*"


async def set_window(world: World, project: LiveProject, seconds: int) -> None:
    async with world.client() as neon:
        changed = await neon.update_project(project.organization, project.id, {"restore_window_seconds": seconds})
        await neon.wait(project.organization, project.id, changed.operations)


async def no_change(_world: World, _project: LiveProject) -> None:
    """Everything is as it was planned."""


async def the_window_shrinks(world: World, project: LiveProject) -> None:
    await set_window(world, project, HOUR)


async def another_snapshot_of_its_name(world: World, project: LiveProject) -> None:
    await snapshotted(world, project, "v2", seconds_apart=5)


async def the_default_branch_gets_a_parent(world: World, project: LiveProject) -> None:
    """As after a restore to its own past."""
    assert project.default_branch
    stored = Stored.of(world.simulator)
    stored.change("branches", project.default_branch.id, {"parent_id": "br-x"}, parent_id="br-x")


async def the_default_branch_is_reset(world: World, project: LiveProject) -> None:
    assert project.default_branch
    Stored.of(world.simulator).change("branches", project.default_branch.id, {"last_reset_at": now().isoformat()})


async def somebody_keeps_the_old_one(world: World, project: LiveProject) -> None:
    (old,) = (await seen(world)).snapshots or ()
    Stored.of(world.simulator).change("snapshots", old.id, {"name": "keep-this"})


@pytest.mark.parametrize(
    ("meanwhile", "word"),
    [
        (the_window_shrinks, "is before the start of the restore window"),
        (another_snapshot_of_its_name, "a snapshot of that name exists"),
        (the_default_branch_gets_a_parent, "has a parent"),
        (the_default_branch_is_reset, "the reset of branch"),
        (somebody_keeps_the_old_one, "is now named 'keep-this'"),
        (no_change, None),
    ],
)
def test_what_could_keep_it_from_coming_is_looked_at_right_before(
    tmp_path: Path, meanwhile: Callable[[World, LiveProject], Awaitable[None]], word: str | None
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world, "pro")
        await asyncio.sleep(2 * HOUR)
        at = now() - timedelta(hours=2)
        (v1,) = await snapshotted(world, project, "v1", seconds_apart=5)
        project = await seen(world)
        await asyncio.sleep(5)
        await meanwhile(world, project)
        world.forget()
        run = await world.apply(FREE, plan=a_plan(project, take("v2", at=at), discard("v1", v1)))
        if word is None:
            assert calls(world) == [DISCARD, f"{TAKE} v2"]
            return
        assert outcome(run) == [SKIPPED, SKIPPED]
        assert run.message("acme").startswith("'v2' may not be created: ")
        assert word in run.message("acme")
        assert calls(world) == []

    virtually(main())


@pytest.mark.parametrize(("hours_ago", "comes"), [(1, True), (30, False)])
def test_a_window_that_was_raised_before_may_not_hold_what_it_shows(
    tmp_path: Path, hours_ago: int, comes: bool
) -> None:
    """Nothing tells how far the shorter one went: what is younger than the change is sure."""

    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        await asyncio.sleep(2 * DAY)
        await set_window(world, project, DAY - 60)
        await asyncio.sleep(DAY + 3 * HOUR)
        (v1,) = await snapshotted(world, project, "v1", seconds_apart=5)
        stored = Stored.of(world.simulator)  # beyond what the organization allows
        stored.change("projects", project.id, {"history_retention_seconds": 7 * DAY})
        at = now() - timedelta(hours=hours_ago)
        run = await world.apply(FREE, plan=a_plan(await seen(world), take("v2", at=at), discard("v1", v1)))
        assert outcome(run) == ([APPLIED, APPLIED] if comes else [SKIPPED, SKIPPED])
        assert comes or "the restore window was changed at" in run.message("acme")
        assert await snapshot_names(world) == (["v2"] if comes else ["v1"])

    virtually(main())


def test_a_window_that_was_lowered_for_a_second_right_before_the_run_holds_nothing_any_more(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world, "pro")
        await asyncio.sleep(2 * DAY)
        (v1,) = await snapshotted(world, project, "v1", seconds_apart=5)
        at = now() - timedelta(hours=20)
        for seconds in (HOUR, 7 * DAY):
            await set_window(world, project, seconds)
            await asyncio.sleep(1)
        run = await world.apply(FREE, plan=a_plan(await seen(world), take("v2", at=at), discard("v1", v1)))
        assert outcome(run) == [SKIPPED, SKIPPED]
        assert "the restore window was changed at" in run.message("acme")
        assert await snapshot_names(world) == ["v1"]

    virtually(main())


async def raised_and_replaced(world: World) -> list[Result]:
    """The run raises the window, and takes v2 of an hour ago in the place of v1."""
    (v1,) = await snapshotted(world, await seen(world), "v1", seconds_apart=5)
    actions = (take("v2", at=now() - timedelta(hours=1)), discard("v1", v1))
    desired = a_fleet(a_tenant())
    (planned,) = (await world.plan(desired, only=["restore_window"])).tenants
    run = await world.apply(desired, plan=a_plan(await seen(world), *planned.actions, *actions))
    return outcome(run)


@pytest.mark.parametrize("effect", [None, DropAfter()], ids=["answered", "lost"])
def test_what_this_run_does_to_the_window_is_known(tmp_path: Path, effect: DropAfter | None) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        await set_window(world, await seeded(world), DAY // 2)
        await asyncio.sleep(DAY)
        if effect is not None:
            world.simulator.faults.add(effect, "PATCH", "/projects/*")
        assert await raised_and_replaced(world) == [APPLIED, APPLIED, APPLIED]

    virtually(main())


def test_what_others_did_to_it_right_before_a_lost_answer_is_not_the_runs_own(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        await asyncio.sleep(DAY)
        for seconds in (HOUR, DAY // 2):
            await set_window(world, project, seconds)
            await asyncio.sleep(1)
        world.simulator.faults.add(DropAfter(), "PATCH", "/projects/*")
        assert await raised_and_replaced(world) == [APPLIED, SKIPPED, SKIPPED]

    virtually(main())


def test_one_that_expires_at_once_is_not_sure_to_come(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        (v1,) = await snapshotted(world, project, "v1")
        soon = take("v2", expires_at=now() + timedelta(minutes=2))
        run = await world.apply(FREE, plan=a_plan(project, soon, discard("v1", v1)))
        assert outcome(run) == [SKIPPED, SKIPPED]
        assert "it expires at" in run.message("acme")

    virtually(main())


def test_of_snapshots_that_are_branches_the_same_is_looked_at(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        v1 = branched(world, project, "v1", stated={"purpose": Purpose.SNAPSHOT})
        project = await seen(world)
        plan = a_plan(
            project,
            make("v2", purpose=Purpose.SNAPSHOT, with_compute=False),
            drop("v1", v1, purpose=Purpose.SNAPSHOT),
        )
        branched(world, project, "v2")
        run = await world.apply(FREE, plan=plan)
        assert outcome(run) == [SKIPPED, SKIPPED]
        assert "a branch of that name exists" in run.message("acme")

    virtually(main())


def test_a_second_one_gives_way_only_once_the_first_one_has_come(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world, "pro")
        v1, v2 = await snapshotted(world, project, "v1", "v2")
        actions = (take("v3"), take("v4", expires_at=now() + timedelta(minutes=2)))
        plan = a_plan(await seen(world), *actions, discard("v1", v1), discard("v2", v2))
        run = await world.apply(FREE, plan=plan)
        assert calls(world) == [DISCARD, f"{TAKE} v3"]
        assert outcome(run) == [APPLIED, APPLIED, SKIPPED, SKIPPED]
        assert sorted(await snapshot_names(world)) == ["v2", "v3"]

    virtually(main())


@pytest.mark.parametrize("lag_seconds", [0, 20, 120])
def test_a_counter_that_lags_behind_the_deletion_is_waited_for(tmp_path: Path, lag_seconds: int) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        (v1,) = await snapshotted(world, project, "v1")
        world.simulator.world.switches.change({"deletion_count_lag_seconds": lag_seconds})
        run = await world.apply(FREE, plan=a_plan(project, take("v2"), discard("v1", v1)))
        assert outcome(run) == [APPLIED, APPLIED]
        assert [exchange.status for exchange in world.writes()].count(422) == 0 or lag_seconds
        assert await snapshot_names(world) == ["v2"]

    virtually(main())


def test_so_it_is_for_a_branch_that_another_one_makes_room_for(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        ids = [branched(world, project, f"b{number}") for number in range(9)]
        world.simulator.world.switches.change({"deletion_count_lag_seconds": 60})
        run = await world.apply(FREE, plan=a_plan(await seen(world), make("dev"), drop("b0", ids[0])))
        assert outcome(run) == [APPLIED, APPLIED]

    virtually(main())


def test_a_counter_that_never_catches_up_is_a_failure_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        (v1,) = await snapshotted(world, project, "v1")
        world.simulator.world.switches.change({"deletion_count_lag_seconds": 9 * COUNTED_WITHIN_SECONDS})
        before = asyncio.get_running_loop().time()
        run = await world.apply(FREE, plan=a_plan(project, take("v2"), discard("v1", v1)))
        assert outcome(run) == [APPLIED, FAILED]
        assert "snapshots limit exceeded" in run.message("acme")
        assert asyncio.get_running_loop().time() - before < 2 * COUNTED_WITHIN_SECONDS

    virtually(main())


def test_where_nothing_made_room_a_limit_is_a_failure_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        await snapshotted(world, project, "v1")
        run = await world.apply(FREE, plan=a_plan(project, take("v2")))
        assert outcome(run) == [FAILED]
        assert calls(world) == [f"{TAKE} v2"]

    virtually(main())
