"""Tenants whose turn comes late: what is done to them is what a plan that is made then would do, and no more."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.selection import Reach
from reconciler.desired.tenant import DevBranch, Overrides
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.late_reads import calls_to_reread
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.faults import AnswerWith
from reconciler.simulator.gateway import Latency
from tests.harness.builders import (
    DAY,
    GIB,
    HISTORY_MAY_GO,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_tenant,
)
from tests.harness.runs import MOVED_AT_ONCE, World, now, virtually
from tests.harness.stored import Stored
from tests.harness.wire import Act, also_before, first, writes
from tests.unit.apply.late import (
    FREE,
    GONE,
    LARGER,
    LATE,
    NEW_PRICES,
    PRO,
    RAISED,
    applied_meanwhile,
    branch_extended,
    branch_removed,
    branch_renamed,
    deleted,
    done_already,
    late,
    moved,
    nothing,
    paid_for_more,
    renamed,
    replaced,
    resized,
    with_branches,
    with_snapshots,
)
from tests.unit.apply.plans import calls, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.plan.outcome import Report


class TestWithinTheTime:
    def test_a_patch_takes_only_the_read_before_the_first(self, tmp_path: Path) -> None:
        run = late(tmp_path, PRO, NEW_PRICES, seconds=LATE - 2)
        assert [exchange.method for exchange in run.world.simulator.requests] == ["GET", "PATCH"]

    def test_it_is_what_the_files_say(self, tmp_path: Path) -> None:
        longer = replace(NEW_PRICES, api=replace(NEW_PRICES.api, look_again_after_seconds=60.0))
        run = late(tmp_path, PRO, longer, seconds=59)
        assert [exchange.method for exchange in run.world.simulator.requests] == ["GET", "PATCH"]


def test_a_checkout_twenty_seconds_into_a_price_change_is_not_put_back(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(PRO)
        async with world.client() as slow, world.client() as quick:
            fleet = Fleet(NEW_PRICES, slow, now=now)
            planned = await fleet.plan(Request(base=PRO))
            await asyncio.sleep(20)
            checkout = Fleet(NEW_PRICES, quick, now=now)
            paid = await checkout.converge(
                {"tenant": "acme", "tier": "scale"}, run=RunOptions(journal=tmp_path / "c")
            )
            assert [outcome.result for outcome in paid.report.outcomes] == [Result.APPLIED]
            report = await fleet.apply(planned, RunOptions(journal=tmp_path / "f"))
        ((action,),) = [outcome.actions for outcome in report.outcomes]
        assert action.result is Result.SKIPPED
        assert action.message == (
            "changed since the plan was made: quota.active_time_seconds, quota.logical_size_bytes"
        )
        assert action.hint == "run again: the next run makes a new plan"
        quota = (await world.live(PRO))["myapp-acme"].quota
        assert quota is not None
        assert (quota.active_time_seconds, quota.logical_size_bytes) == (0, 100 * GIB)

    virtually(main())


def test_a_branch_that_was_renamed_since_the_plan_is_not_deleted(tmp_path: Path) -> None:
    run = late(
        tmp_path, with_branches(DevBranch("feature")), with_branches(), branch_renamed("feature", "keep-this")
    )
    told = "somebody renamed the branch: its name is now 'keep-this'"
    assert run.told == [("delete_branch", Result.UNCHANGED, told)]
    assert calls(run.world) == []


DEV, TWO = DevBranch("dev"), DevBranch("two")


@pytest.mark.drawn(4)
@pytest.mark.parametrize(
    ("before", "after", "meddling", "words"),
    [
        pytest.param(PRO, NEW_PRICES, paid_for_more, "quota.active_time_seconds", id="a companion"),
        pytest.param(FREE, LARGER, resized, "compute.min_cu of branch main", id="a compute"),
        pytest.param(FREE, LARGER, branch_renamed("main", "old"), "branch main, branch old", id="its branch"),
        pytest.param(FREE, LARGER, moved, "organization", id="moved"),
        pytest.param(FREE, GONE, renamed, "name", id="to be deleted"),
        pytest.param(FREE, PRO, paid_for_more, "quota.active_time_seconds", id="to be transferred"),
        pytest.param(FREE, LARGER, deleted, "in organization free no longer exists", id="gone"),
        pytest.param(FREE, LARGER, replaced, "in organization free no longer exists", id="a name"),
        pytest.param(FREE, PRO, deleted, "in organization free no longer exists", id="no transfer"),
        pytest.param(
            with_branches(DEV),
            with_branches(DEV, DevBranch("new", parent="dev")),
            branch_removed("dev"),
            "branch dev",
            id="a parent",
        ),
    ],
)
def test_what_somebody_else_changed_is_not_put_back(
    tmp_path: Path, before: DesiredState, after: DesiredState, meddling: Any, words: str
) -> None:
    run = late(tmp_path, before, after, meddling, Request(permissions=Permissions(lowering=True)))
    assert run.acme.result is Result.SKIPPED, run.told
    assert words in run.acme.actions[0].message
    assert [exchange.line for exchange in run.world.writes()] == []


def test_a_project_that_is_to_go_and_is_gone_is_told_as_ever(tmp_path: Path) -> None:
    run = late(tmp_path, FREE, GONE, deleted)
    assert run.told == [("delete_project", Result.APPLIED, "it was gone already")]


def test_a_project_that_is_to_go_and_whose_name_a_stranger_has_is_told_as_gone(tmp_path: Path) -> None:
    run = late(tmp_path, FREE, GONE, replaced)
    assert run.told == [("delete_project", Result.APPLIED, "it was gone already")]
    assert [project.name for project in virtually(run.world.observe(FREE)).projects] == ["myapp-acme"]


class TestWhatWasDoneInBetween:
    def test_all_of_it_is_said_and_takes_no_write(self, tmp_path: Path) -> None:
        run = late(tmp_path, PRO, NEW_PRICES, done_already)
        told = "nothing is left to do since the plan was made"
        assert run.told == [("patch_project", Result.UNCHANGED, told)]
        assert run.acme.result is Result.UNCHANGED
        assert run.world.writes() == []

    def test_half_of_it_is_finished(self, tmp_path: Path) -> None:
        both, one = with_branches(DEV, TWO), with_branches(DEV)
        run = late(tmp_path, with_branches(), both, applied_meanwhile(one, tmp_path))
        assert [(kind, result) for kind, result, _ in run.told] == [
            ("create_branch", Result.UNCHANGED),
            ("create_branch", Result.APPLIED),
        ]
        assert calls(run.world) == ["POST /projects/*/branches two"]

    def test_a_move_that_somebody_made_leaves_the_steps_after_it(self, tmp_path: Path) -> None:
        run = late(tmp_path, FREE, PRO, moved)
        assert [(kind, result) for kind, result, _ in run.told] == [
            ("transfer_project", Result.UNCHANGED),
            ("patch_endpoint", Result.APPLIED),
            ("patch_project", Result.APPLIED),
        ]
        assert virtually(run.world.converged(PRO)) == {"myapp-acme"}

    def test_a_part_of_one_patch_leaves_the_tenant_to_the_next_run(self, tmp_path: Path) -> None:
        both = replace(RAISED, restore_window_seconds=6 * DAY)
        after = a_fleet(a_tenant("acme", "pro", accept=HISTORY_MAY_GO), tiers=(both,))
        run = late(tmp_path, PRO, after, done_already, Request(permissions=Permissions(lowering=True)))
        assert run.told == [
            (
                "patch_project",
                Result.SKIPPED,
                (
                    "changed since the plan was made: quota.active_time_seconds, quota.data_transfer_bytes, "
                    "quota.logical_size_bytes"
                ),
            )
        ]

    def test_the_deletion_of_a_branch_that_is_gone_is_said(self, tmp_path: Path) -> None:
        run = late(tmp_path, with_branches(DEV), with_branches(), branch_removed("dev"))
        assert run.told == [("delete_branch", Result.UNCHANGED, "it was gone already")]

    def test_a_snapshot_that_was_taken_meanwhile_is_not_taken_twice(self, tmp_path: Path) -> None:
        after = with_snapshots("v1")
        run = late(tmp_path, PRO, after, applied_meanwhile(after, tmp_path))
        assert [(kind, result) for kind, result, _ in run.told] == [("create_snapshot", Result.UNCHANGED)]
        assert calls(run.world) == []


@pytest.mark.drawn(4)
@pytest.mark.parametrize(
    ("before", "after", "meddling", "kinds"),
    [
        pytest.param(PRO, NEW_PRICES, nothing, ["PATCH"], id="a patch"),
        pytest.param(FREE, LARGER, nothing, ["PATCH", "PATCH"], id="a compute"),
        pytest.param(FREE, GONE, nothing, ["DELETE"], id="a project to be deleted"),
        pytest.param(FREE, PRO, nothing, ["POST", "PATCH", "PATCH"], id="a move"),
        pytest.param(with_branches(), with_branches(DEV), nothing, ["POST"], id="a branch"),
        pytest.param(with_branches(DEV), with_branches(), nothing, ["DELETE"], id="a branch to be deleted"),
        pytest.param(PRO, with_snapshots("v1"), nothing, ["POST"], id="a snapshot"),
        pytest.param(with_branches(DEV), with_branches(), branch_extended("dev", 3), ["DELETE"], id="extended"),
    ],
)
def test_where_a_plan_made_now_is_the_same_it_is_carried_out(
    tmp_path: Path, before: DesiredState, after: DesiredState, meddling: Any, kinds: list[str]
) -> None:
    run = late(tmp_path, before, after, meddling)
    assert {result for _, result, _ in run.told} == {Result.APPLIED}
    assert [exchange.method for exchange in run.world.writes()] == kinds


def test_the_estimate_counts_what_is_read_again(tmp_path: Path) -> None:
    for number, (before, after) in enumerate(
        ((PRO, NEW_PRICES), (FREE, LARGER), (with_branches(), with_branches(DEV)))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        run = late(folder, before, after)
        assert len(run.reads) == sum(calls_to_reread(tenant) for tenant in run.planned.plan.tenants)


def test_a_guard_that_refuses_by_now_is_told_with_its_remedy(tmp_path: Path) -> None:
    """What a tenant has stored by its turn does not fit into the quota that its plan would give it."""
    smaller = replace(PRO_TIER, quota=replace(PRO_QUOTA, logical_size_bytes=GIB))
    after = a_fleet(a_tenant("acme", "pro"), tiers=(smaller,))

    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(PRO)
        async with world.client() as neon:
            fleet = Fleet(after, neon, now=now)
            planned = await fleet.plan(Request(base=PRO))
            assert planned.plan.refusals == ()
            await asyncio.sleep(LATE)
            (branch,) = [branch for branch in (await seen(world)).branches or () if branch.default]
            Stored.of(world.simulator).resize_branch(branch.id, 5 * GIB)
            report = await fleet.apply(planned, RunOptions(journal=tmp_path / "j"))
        ((action,),) = [outcome.actions for outcome in report.outcomes]
        assert action.result is Result.SKIPPED
        assert action.message.endswith("which branch 'main' (5GiB) has reached: writes there would fail")
        assert action.hint

    virtually(main())


def test_a_tenant_that_cannot_be_looked_at_again_fails_unwritten(tmp_path: Path) -> None:
    def broken(world: World) -> None:
        world.simulator.faults.add(AnswerWith(500), "GET", "/projects/*", times=None)

    run = late(tmp_path, PRO, NEW_PRICES, arrange=broken)
    assert run.acme.result is Result.FAILED
    assert run.world.writes() == []


class TestWithinATurn:
    """A tenant's own steps take their time: what counts is what is live when the step comes."""

    def test_a_branch_that_was_renamed_while_other_steps_ran_is_not_deleted(self, tmp_path: Path) -> None:
        run = late(
            tmp_path,
            with_branches(DevBranch("old"), DEV),
            with_branches(),
            seconds=0,
            latency=Latency(3, 3),
            act=once("branches", "name", "old", "keep-this", name="keep-this"),
        )
        assert [result for _, result, _ in run.told] == [Result.APPLIED, Result.UNCHANGED]
        assert run.told[1][2] == "somebody renamed the branch: its name is now 'keep-this'"
        assert len(run.world.writes()) == 1

    def test_a_quota_that_was_raised_while_a_compute_was_resized_is_not_lowered(self, tmp_path: Path) -> None:
        raised = once(
            "projects", "name", "myapp-acme", "myapp-acme", {"settings.quota.logical_size_bytes": 9 * GIB}
        )
        run = late(tmp_path, FREE, LESS, request=LOWERING, seconds=0, latency=Latency(16, 16), act=raised)
        assert [(kind, result) for kind, result, _ in run.told] == [
            ("patch_endpoint", Result.APPLIED),
            ("patch_project", Result.SKIPPED),
        ]
        assert run.acme.actions[1].message == "changed since the plan was made: quota.logical_size_bytes"
        assert len(run.world.writes()) == 1

    def test_a_setting_that_was_changed_while_a_compute_was_resized_is_kept(self, tmp_path: Path) -> None:
        allowed = {"settings.allowed_ips": {"ips": ["10.0.0.1"], "protected_branches_only": False}}
        by_hand = once("projects", "name", "myapp-acme", "myapp-acme", allowed)
        run = late(tmp_path, FREE, LESS, request=LOWERING, latency=Latency(16, 16), act=by_hand)
        assert {result for _, result, _ in run.told} == {Result.APPLIED}
        settings = Stored.of(run.world.simulator).row("projects")["body"]["settings"]
        assert settings["allowed_ips"] == allowed["settings.allowed_ips"]
        assert settings["quota"]["logical_size_bytes"] == GIB // 4

    def test_a_compute_that_was_resized_while_others_moved_is_left(self, tmp_path: Path) -> None:
        resized = once("endpoints", "autoscaling_limit_max_cu", 2, 3)
        run = late(tmp_path, FREE, PRO, seconds=0, latency=Latency(6, 6), act=resized)
        assert [(kind, result) for kind, result, _ in run.told] == [
            ("transfer_project", Result.APPLIED),
            ("patch_endpoint", Result.SKIPPED),
            ("patch_project", Result.SKIPPED),
        ]
        assert run.acme.actions[1].message == "changed since the plan was made: compute.max_cu of branch main"

    def test_one_that_moves_down_gets_all_that_was_planned_in_parts(self, tmp_path: Path) -> None:
        """A plan that is made after the move patches the project once, and this one does so twice."""
        run = late(tmp_path, PRO, DOWN, request=LOWERING, seconds=0, latency=Latency(6, 6))
        assert [kind for kind, _, _ in run.told].count("patch_project") == 2
        assert {result for _, result, _ in run.told} == {Result.APPLIED}

    def test_a_compute_that_was_resized_while_others_moved_down_is_left(self, tmp_path: Path) -> None:
        resized = once("endpoints", "autoscaling_limit_max_cu", 4, 3)
        run = late(
            tmp_path,
            PRO,
            DOWN,
            request=LOWERING,
            seconds=0,
            latency=Latency(6, 6),
            act=resized,
            behaviour=MOVED_AT_ONCE,
        )
        assert {result for _, result, _ in run.told[1:]} == {Result.SKIPPED}
        assert run.acme.actions[1].message == "changed since the plan was made: compute.max_cu of branch main"


DOWN = a_fleet(a_tenant(accept=HISTORY_MAY_GO))
LOWERING = Request(permissions=Permissions(lowering=True))


def test_what_a_person_permits_once_the_plan_is_on_the_screen_is_permitted_at_a_late_turn(tmp_path: Path) -> None:
    async def main() -> Report:
        world = World.open(tmp_path)
        await world.apply(PRO)
        async with world.client() as neon:
            fleet = Fleet(DOWN, neon, now=now)
            differing = await fleet.drift()
            assert fleet.permit(differing, Request()).plan.empty
            await asyncio.sleep(LATE)
            planned = fleet.permit(differing, LOWERING)
            return await fleet.apply(planned, RunOptions(id="late", journal=tmp_path / "late.jsonl"))

    (acme,) = virtually(main()).outcomes
    assert {outcome.result for outcome in acme.actions} == {Result.APPLIED}


LESS = a_fleet(a_tenant(overrides=Overrides({"logical_size_bytes": GIB // 4}, Compute(min_cu=0.25, max_cu=0.25))))


def once(
    table: str,
    member: str,
    old: object,
    new: object,
    others: Mapping[str, object] = MappingProxyType({}),
    **columns: object,
) -> Callable[[World], Act]:
    """A row of the project changes while the first write of the run is under way; ``others`` are by path."""

    def prepare(world: World) -> Act:
        def change() -> None:
            stored = Stored.of(world.simulator)
            (id_,) = [row["id"] for row in stored.rows(table) if row["body"].get(member) == old]
            stored.change(table, id_, {member: new, **others}, **columns)

        return first(writes, also_before(change))

    return prepare


def test_the_first_compute_of_a_new_project_is_sized_at_a_late_turn(tmp_path: Path) -> None:
    """A run died before it sized the compute: no list shows that, at the late turn either."""

    async def main() -> tuple[World, Report]:
        world = World.open(tmp_path)
        await world.apply(FREE, run="0123abcd")
        project = await seen(world)
        async with world.client() as neon:
            assert project.endpoints
            key = (project.organization, project.id, project.endpoints[0].id)
            await neon.update_endpoint(*key, {"compute.max_cu": 0.25})
            fleet = Fleet(FREE, neon, now=now)
            planned = await fleet.plan(Request(base=a_fleet(), reach=Reach(few_tenants=0, small_fleet=0)))
            await asyncio.sleep(LATE)
            world.forget()
            return world, await fleet.apply(planned, RunOptions(journal=tmp_path / "late.jsonl"))

    world, report = virtually(main())
    assert [action.result for outcome in report.outcomes for action in outcome.actions] == [Result.APPLIED]
    assert [exchange.method for exchange in world.writes()] == ["PATCH"]
