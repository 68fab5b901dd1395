"""Snapshots on a simulated Neon, alone and among a tenant's other actions: the exact calls in order."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.apply.stop import StopSignal
from reconciler.model.annotations import Purpose
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerWith, DropAfter
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import COUNTED_AT_ONCE, MOVED_AT_ONCE, UNHURRIED, World, now, virtually
from tests.harness.wire import Passing, also_before, where
from tests.unit.apply.plans import (
    a_plan,
    branch_names,
    branched,
    calls,
    discard,
    drop,
    make,
    mend,
    outcome,
    seeded,
    seen,
    snapshot_names,
    snapshotted,
    take,
    with_actions,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

FREE = a_fleet(a_tenant())
PRO = a_fleet(a_tenant(tier="pro"))
APPLIED, FAILED, SKIPPED = Result.APPLIED, Result.FAILED, Result.SKIPPED

TAKE = "POST /projects/*/branches/*/snapshot"
DISCARD = "DELETE /projects/*/snapshots/*"
BRANCH = "POST /projects/*/branches"
DROP = "DELETE /projects/*/branches/*"
PATCH = "PATCH /projects/*"
RESIZE = "PATCH /projects/*/endpoints/*"
TRANSFER = "POST /organizations/*/projects/transfer"
WITHOUT = "the tenant no longer has snapshot 'v1': deleted to make room"


def test_a_snapshot_is_taken_of_the_branch_at_its_moment_and_with_its_expiry(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        await asyncio.sleep(3600)
        at, until = now() - timedelta(minutes=30), now() + timedelta(days=9)
        run = await world.apply(FREE, plan=a_plan(project, take("v1", at=at, expires_at=until)))
        assert outcome(run) == [APPLIED]
        (snapshot,) = (await seen(world)).snapshots or ()
        assert snapshot.source_branch_id == project.branches[0].id  # type: ignore[index]
        assert snapshot.expires_at == until.replace(microsecond=0)
        told = [line["message"] for line in run.journal if line["line"] == "outcome"]
        assert told == [f"snapshot {snapshot.id}"]

    virtually(main())


async def a_replacement(world: World) -> Plan:
    """At the limit of one: v1 gives way to v2."""
    project = await seeded(world)
    (v1,) = await snapshotted(world, project, "v1")
    return a_plan(project, take("v2"), discard("v1", v1))


def test_a_replacement_at_the_limit_deletes_first_and_meets_no_refusal(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, COUNTED_AT_ONCE)
        run = await world.apply(FREE, plan=await a_replacement(world))
        assert outcome(run) == [APPLIED, APPLIED]
        assert calls(world) == [DISCARD, f"{TAKE} v2"]
        assert [exchange.status for exchange in world.writes()] == [202, 200]
        assert await snapshot_names(world) == ["v2"]

    virtually(main())


def counted_late(folder: Path, seconds: float = 45) -> World:
    """An account that counts a deleted snapshot for so long."""
    return World.open(folder, replace(UNHURRIED, deletion_count_lag_seconds=seconds))


async def deleted_by_another_run(world: World, project: LiveProject, snapshot_id: str) -> None:
    async with world.client() as neon:
        operations = await neon.delete_snapshot(project.organization, project.id, snapshot_id)
        await neon.wait(project.organization, project.id, operations)


def test_a_snapshot_waits_until_the_deletion_of_another_run_is_counted(tmp_path: Path) -> None:
    async def main() -> None:
        world = counted_late(tmp_path)
        project = await seeded(world)
        (v1,) = await snapshotted(world, project, "v1")
        await deleted_by_another_run(world, project, v1)
        assert outcome(await world.apply(FREE, plan=a_plan(await seen(world), take("v2")))) == [APPLIED]
        assert await snapshot_names(world) == ["v2"]

    virtually(main())


def test_a_snapshot_that_is_refused_a_while_after_the_last_deletion_is_not_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        world = counted_late(tmp_path, seconds=0)
        project = await seeded(world)
        v1, *_ = await snapshotted(world, project, "v1")
        await deleted_by_another_run(world, project, v1)
        await snapshotted(world, project, "v3")
        assert outcome(await world.apply(FREE, plan=a_plan(await seen(world), take("v2")))) == [FAILED]
        assert calls(world) == [f"{TAKE} v2"]

    virtually(main())


def test_a_snapshot_whose_refusal_was_lost_is_tried_until_the_deletion_is_counted(tmp_path: Path) -> None:
    async def main() -> None:
        world = counted_late(tmp_path)
        plan = await a_replacement(world)
        world.simulator.faults.add(DropAfter(), "POST", "/projects/*/branches/*/snapshot")
        assert outcome(await world.apply(FREE, plan=plan)) == [APPLIED, APPLIED]
        assert await snapshot_names(world) == ["v2"]

    virtually(main())


def test_a_replacement_that_fails_after_its_deletion_says_what_the_tenant_is_without(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        plan = await a_replacement(world)
        world.simulator.faults.add(AnswerWith(400, "not like this"), "POST")
        run = await world.apply(FREE, plan=plan)
        assert outcome(run) == [APPLIED, FAILED]
        assert "not like this" in run.message("acme")
        assert run.message("acme").endswith(WITHOUT)

    virtually(main())


def test_a_run_that_is_stopped_within_a_replacement_says_what_the_tenant_is_without(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        plan, stop = await a_replacement(world), StopSignal()

        def deletes(passing: Passing) -> bool:
            return passing.request.method == "DELETE"

        stops = where(deletes, also_before(lambda: stop.request("interrupted by SIGTERM")))
        run = await world.apply(FREE, plan=plan, act=stops, stop=stop)
        assert outcome(run) == [APPLIED, SKIPPED]
        assert run.message("acme") == f"the run was stopped: interrupted by SIGTERM; {WITHOUT}"

    virtually(main())


def test_a_replacement_whose_deletion_is_refused_leaves_the_old_snapshot(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        plan = await a_replacement(world)
        world.simulator.faults.add(AnswerWith(400, "not like this"), "DELETE")
        run = await world.apply(FREE, plan=plan)
        assert outcome(run) == [FAILED, SKIPPED]
        assert "without snapshot" not in repr(run.report)
        assert await snapshot_names(world) == ["v1"]

    virtually(main())


def test_a_snapshot_that_is_gone_counts_as_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        (v1,) = await snapshotted(world, project, "v1")
        for _ in range(2):
            assert outcome(await world.apply(FREE, plan=a_plan(project, discard("v1", v1)))) == [APPLIED]

    virtually(main())


def test_a_snapshot_that_did_not_take_is_a_failure_that_names_the_difference(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        snapshot = {"id": "snap-1", "name": "v1", "created_at": "2026-11-23T09:00:00Z", "manual": True}
        answer = json.dumps({"snapshot": snapshot, "operations": []})
        world.simulator.faults.add(AnswerWith(200, text=answer), "POST", "*/snapshot")
        run = await world.apply(FREE, plan=a_plan(project, take("v1", expires_at=now() + timedelta(days=1))))
        assert outcome(run) == [FAILED]
        assert "expires_at is not set, requested 2026-11-24T09:00:00Z" in run.message("acme")

    virtually(main())


def test_a_new_tenant_gets_its_project_then_its_branches_then_its_snapshots(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        plan = with_actions(
            await world.plan(FREE), None, take("v1"), make("dev"), make("kept", purpose=Purpose.SNAPSHOT)
        )
        run = await world.apply(FREE, plan=plan)
        assert outcome(run) == [APPLIED] * 4
        resized = "PATCH /projects/*/endpoints/*"
        assert calls(world) == ["POST /projects", resized, f"{BRANCH} dev", f"{TAKE} v1", f"{BRANCH} kept"]
        assert {exchange.status for exchange in world.writes()} == {200, 201}
        assert await snapshot_names(world) == ["v1"]

    virtually(main())


def test_an_upgrade_moves_first_and_takes_what_the_destination_allows_last(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, MOVED_AT_ONCE)
        project = await seeded(world)
        branched(world, project, "renamed by hand")
        (v1,) = await snapshotted(world, project, "v1")
        old = branched(world, project, "old")
        project = await seen(world)
        plan = with_actions(
            await world.plan(PRO, only=["organization", "quota", "compute", "restore_window"]),
            project,
            take("v3"),
            make("feature", parent="dev"),
            mend("renamed by hand", rename_to="dev"),
            discard("v1", v1),
            take("v2"),
            drop("old", old),
        )
        world.forget()
        run = await world.apply(PRO, plan=plan)
        assert calls(world) == [
            TRANSFER,
            DROP,
            RESIZE,
            PATCH,
            "PATCH /projects/*/branches/* dev",
            f"{BRANCH} feature",
            f"{TAKE} v3",
            DISCARD,
            f"{TAKE} v2",
        ]
        assert set(outcome(run)) == {APPLIED}
        after = await seen(world)
        assert after.organization == "paid"
        assert {snapshot.name for snapshot in after.snapshots or ()} == {"v2", "v3"}
        assert await branch_names(world) == ["dev", "feature"]

    virtually(main())


def test_a_downgrade_that_is_refused_for_its_snapshots_deletes_what_there_is_no_room_for(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, MOVED_AT_ONCE)
        project = await seeded(world, "pro")
        old = branched(world, project, "old")
        kept = branched(world, project, "kept")
        v1, v2, v3 = await snapshotted(world, project, "v1", "v2", "v3")
        project = await seen(world)
        plan = with_actions(
            await world.plan(FREE, only=["organization", "quota", "compute", "restore_window"]),
            project,
            take("v4"),
            discard("v1", v1, before_transfer=True),
            discard("v2", v2, before_transfer=True),
            discard("v3", v3),
            drop("old", old),
            drop("kept", kept, purpose=Purpose.SNAPSHOT, before_transfer=True),
            make("dev"),
        )
        world.forget()
        run = await world.apply(FREE, plan=plan)
        assert calls(world) == [
            TRANSFER,
            DISCARD,
            DISCARD,
            DROP,
            TRANSFER,
            DROP,
            RESIZE,
            PATCH,
            PATCH,
            f"{BRANCH} dev",
            DISCARD,
            f"{TAKE} v4",
        ]
        assert set(outcome(run)) == {APPLIED}
        assert [e.status for e in world.writes() if e.status not in (200, 201, 202)] == [406]
        assert (await snapshot_names(world), await branch_names(world)) == (["v4"], ["dev"])

    virtually(main())
