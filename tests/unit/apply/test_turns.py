"""Tenants whose turn comes late: what is done to them is what a plan that is made then would do, and no more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.apply.stop import StopSignal
from reconciler.desired.tenant import DevBranch, Overrides, Snapshot
from reconciler.desired.tier import Tier
from reconciler.fleet import Fleet, Request, Run
from reconciler.live.project import Compute
from reconciler.plan.looks import looks
from reconciler.plan.outcome import Result
from reconciler.plan.ownership import creation_annotations
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.branches import resize
from reconciler.simulator.faults import AnswerWith
from reconciler.simulator.front import Latency
from reconciler.simulator.seed import BranchSeed, ProjectSeed, add_branch, add_project
from tests.builders import (
    DAY,
    FREE_COMPUTE,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HERE,
    HISTORY_MAY_GO,
    HOUR,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_tenant,
)
from tests.unit.apply.plans import calls, seen
from tests.unit.apply.world import INSTANT, World, never, now, virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon
    from reconciler.plan.outcome import Report, TenantOutcome
    from tests.unit.apply.world import Striking

ALL: Final = Request()
LATE: Final = 11.0
"""The default of api.look_again_after is ten seconds."""

SCALE_QUOTA = replace(PRO_QUOTA, active_time_seconds=0, logical_size_bytes=100 * GIB)
SCALE = Tier("scale", "paid", HERE, quota=SCALE_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=7 * DAY)
RAISED = replace(PRO_TIER, quota=replace(PRO_QUOTA, data_transfer_bytes=60 * GIB))
PRO = a_fleet(a_tenant("acme", "pro"))
NEW_PRICES = a_fleet(a_tenant("acme", "pro"), tiers=(RAISED, SCALE))
FREE = a_fleet(a_tenant("acme"))
LARGER = a_fleet(a_tenant("acme", overrides=Overrides(compute=Compute(max_cu=1))))
GONE = a_fleet(a_tenant("acme", absent=True))


def with_branches(*branches: DevBranch, tier: str = "pro", **fields: Any) -> DesiredState:
    """Tenant acme with these development branches."""
    return a_fleet(a_tenant("acme", tier, dev_branches=branches, **fields))


def with_snapshots(*names: str) -> DesiredState:
    """Tenant acme with these snapshots."""
    return a_fleet(a_tenant("acme", "pro", snapshots=tuple(map(Snapshot, names))))


@dataclass(frozen=True, slots=True)
class Late:
    """A run whose first turn came late."""

    world: World
    planned: Planned
    report: Report

    @property
    def acme(self) -> TenantOutcome:
        """What became of acme."""
        return next(outcome for outcome in self.report.outcomes if outcome.tenant == "acme")

    @property
    def told(self) -> list[tuple[str, Result, str]]:
        """What became of each of its actions."""
        return [(one.action.kind, one.result, one.message) for one in self.acme.actions]

    @property
    def reads(self) -> list[str]:
        """The looks, without polls of operations."""
        lines = [exchange.line for exchange in self.world.simulator.requests if exchange.method == "GET"]
        return [line for line in lines if "/operations" not in line]


async def nothing(_neon: Neon, _project: LiveProject) -> None:
    """Nobody does anything."""


def late(
    folder: Path,
    before: DesiredState,
    after: DesiredState,
    meddling: Callable[[Neon, LiveProject], Coroutine[Any, Any, object]] = nothing,
    request: Request = ALL,
    *,
    seconds: float = LATE,
    latency: Latency = INSTANT,
    arrange: Callable[[World], None] = World.forget,
    striking: Callable[[World], Striking] = lambda _: never,
) -> Late:
    """Somebody meddles with acme's project between the plan that leads from one state to another and its apply."""

    async def main() -> Late:
        world = World.open(folder, latency=latency)
        await world.apply(before)
        project = await seen(world)
        async with world.client() as person, world.client(striking(world)) as neon:
            fleet = Fleet(after, neon, now=now)
            planned = await fleet.plan(replace(request, base=before))
            assert planned.plan.tenants, planned.plan.refusals
            await asyncio.sleep(seconds)
            await meddling(person, project)
            arrange(world)
            world.forget()
            report = await fleet.apply(planned, Run(id="late", journal=folder / "late.jsonl"))
        return Late(world, planned, report)

    return virtually(main())


async def paid_for_more(neon: Neon, project: LiveProject) -> None:
    """What a checkout for tier scale does in the same organization."""
    await neon.update_project(project.organization, project.id, {"quota.active_time_seconds": 0})


async def resized(neon: Neon, project: LiveProject) -> None:
    """Somebody gives the compute another size in the console."""
    assert project.endpoints
    await neon.update_endpoint(
        project.organization, project.id, project.endpoints[0].id, {"compute.min_cu": 1, "compute.max_cu": 2}
    )


async def renamed(neon: Neon, project: LiveProject) -> None:
    """Somebody gives the project another name in the console."""
    await neon.update_project(project.organization, project.id, {"name": "kept"})


async def moved(neon: Neon, project: LiveProject) -> None:
    """A checkout moves the project."""
    await neon.transfer_projects(project.organization, "paid", [project.id])


async def done_already(neon: Neon, project: LiveProject) -> None:
    """Another run has carried out the same plan."""
    await neon.update_project(project.organization, project.id, {"quota.data_transfer_bytes": 60 * GIB})


async def deleted(neon: Neon, project: LiveProject) -> None:
    """Somebody deletes the project in the console."""
    await neon.delete_project(project.organization, project.id)


async def replaced(neon: Neon, project: LiveProject) -> None:
    """Somebody deletes the project, and a stranger gets one of its name."""
    await deleted(neon, project)
    await neon.create_project(project.organization, {"name": project.name}, {})


def branch_renamed(old: str, new: str) -> Callable[[Neon, LiveProject], Coroutine[Any, Any, object]]:
    """Somebody renames a branch in the console."""

    async def meddling(neon: Neon, project: LiveProject) -> None:
        (branch,) = [branch for branch in project.branches or () if branch.name == old]
        await neon.update_branch(project.organization, project.id, branch.id, name=new)

    return meddling


def branch_extended(name: str, days: int) -> Callable[[Neon, LiveProject], Coroutine[Any, Any, object]]:
    """Somebody gives the branch another time to live in the console."""

    async def meddling(neon: Neon, project: LiveProject) -> None:
        (branch,) = [branch for branch in project.branches or () if branch.name == name]
        await neon.update_branch(
            project.organization, project.id, branch.id, expires_at=now() + timedelta(days=days)
        )

    return meddling


def branch_removed(name: str) -> Callable[[Neon, LiveProject], Coroutine[Any, Any, object]]:
    """Somebody deletes the branch in the console."""

    async def meddling(neon: Neon, project: LiveProject) -> None:
        (branch,) = [branch for branch in project.branches or () if branch.name == name]
        await neon.delete_branch(project.organization, project.id, branch.id)

    return meddling


def applied_meanwhile(state: DesiredState, folder: Path) -> Any:
    """Another run brings the project into this state."""

    async def meddling(neon: Neon, _project: LiveProject) -> None:
        other = Fleet(state, neon, now=now)
        await other.apply(await other.plan(), Run(id="other", journal=folder / "other.jsonl"))

    return meddling


class TestWithinTheTime:
    def test_a_patch_takes_no_other_call(self, tmp_path: Path) -> None:
        run = late(tmp_path, PRO, NEW_PRICES, seconds=LATE - 2)
        assert [exchange.method for exchange in run.world.simulator.requests] == ["PATCH"]

    def test_it_is_what_the_files_say(self, tmp_path: Path) -> None:
        longer = replace(NEW_PRICES, api=replace(NEW_PRICES.api, look_again_after_seconds=60.0))
        run = late(tmp_path, PRO, longer, seconds=59)
        assert [exchange.method for exchange in run.world.simulator.requests] == ["PATCH"]


def test_a_checkout_twenty_seconds_into_a_price_change_is_not_put_back(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(PRO)
        async with world.client() as slow, world.client() as quick:
            fleet = Fleet(NEW_PRICES, slow, now=now)
            planned = await fleet.plan(Request(base=PRO))
            await asyncio.sleep(20)
            checkout = Fleet(NEW_PRICES, quick, now=now)
            paid = await checkout.converge({"tenant": "acme", "tier": "scale"}, run=Run(journal=tmp_path / "c"))
            assert [outcome.result for outcome in paid.report.outcomes] == [Result.APPLIED]
            report = await fleet.apply(planned, Run(journal=tmp_path / "f"))
        ((action,),) = [outcome.actions for outcome in report.outcomes]
        assert action.result is Result.SKIPPED
        assert action.message == (
            "changed since the plan was made: quota.active_time_seconds, quota.logical_size_bytes"
        )
        assert action.hint == "run again: it is planned afresh"
        quota = (await world.live(PRO))["myapp-acme"].quota
        assert quota is not None
        assert (quota.active_time_seconds, quota.logical_size_bytes) == (0, 100 * GIB)

    virtually(main())


def test_a_branch_that_was_renamed_since_the_plan_is_not_deleted(tmp_path: Path) -> None:
    run = late(
        tmp_path, with_branches(DevBranch("feature")), with_branches(), branch_renamed("feature", "keep-this")
    )
    told = "somebody has renamed the branch: it is 'keep-this' now"
    assert run.told == [("delete_branch", Result.UNCHANGED, told)]
    assert calls(run.world) == []


DEV, TWO = DevBranch("dev"), DevBranch("two")


@pytest.mark.parametrize(
    ("before", "after", "meddling", "words"),
    [
        pytest.param(PRO, NEW_PRICES, paid_for_more, "quota.active_time_seconds", id="a companion"),
        pytest.param(FREE, LARGER, resized, "compute.min_cu of branch main", id="a compute"),
        pytest.param(FREE, LARGER, branch_renamed("main", "old"), "branch main, branch old", id="its branch"),
        pytest.param(FREE, LARGER, moved, "organization", id="moved"),
        pytest.param(FREE, GONE, renamed, "name", id="to be deleted"),
        pytest.param(FREE, PRO, paid_for_more, "quota.active_time_seconds", id="to be transferred"),
        pytest.param(FREE, LARGER, deleted, "in organization free is gone since the plan was made", id="gone"),
        pytest.param(FREE, LARGER, replaced, "in organization free is gone since the plan was made", id="a name"),
        pytest.param(FREE, PRO, deleted, "in organization free is gone since the plan was made", id="no transfer"),
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
        told = "nothing is left to do for it since the plan was made"
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
        assert virtually(run.world.settled(PRO)) == {"myapp-acme"}

    def test_a_part_of_one_patch_leaves_the_tenant_to_the_next_run(self, tmp_path: Path) -> None:
        both = replace(RAISED, restore_window_seconds=6 * DAY)
        after = a_fleet(a_tenant("acme", "pro", accept=HISTORY_MAY_GO), tiers=(both,))
        run = late(tmp_path, PRO, after, done_already, Request(permissions=Permissions(lowering=True)))
        assert run.told == [
            ("patch_project", Result.SKIPPED, "changed since the plan was made: quota.data_transfer_bytes")
        ]

    def test_the_deletion_of_a_branch_that_is_gone_is_said(self, tmp_path: Path) -> None:
        run = late(tmp_path, with_branches(DEV), with_branches(), branch_removed("dev"))
        assert run.told == [("delete_branch", Result.UNCHANGED, "it was gone already")]

    def test_a_snapshot_that_was_taken_meanwhile_is_not_taken_twice(self, tmp_path: Path) -> None:
        after = with_snapshots("v1")
        run = late(tmp_path, PRO, after, applied_meanwhile(after, tmp_path))
        assert [(kind, result) for kind, result, _ in run.told] == [("create_snapshot", Result.UNCHANGED)]
        assert calls(run.world) == []


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
        assert len(run.reads) == sum(looks(tenant) for tenant in run.planned.plan.tenants)


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
            with world.simulator.world.writing() as transaction:
                row = world.simulator.world.store.row("SELECT * FROM branches WHERE id = ?", branch.id)
                assert row is not None
                resize(transaction, row, 5 * GIB)
            report = await fleet.apply(planned, Run(journal=tmp_path / "j"))
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
            striking=once("branches", '"name":"old"', '"name":"keep-this"', name="keep-this"),
        )
        assert [result for _, result, _ in run.told] == [Result.APPLIED, Result.UNCHANGED]
        assert run.told[1][2] == "somebody has renamed the branch: it is 'keep-this' now"
        assert len(run.world.writes()) == 1

    def test_a_compute_that_was_resized_while_others_moved_is_left(self, tmp_path: Path) -> None:
        resized = once("endpoints", '"autoscaling_limit_max_cu":2', '"autoscaling_limit_max_cu":3')
        run = late(tmp_path, FREE, PRO, seconds=0, latency=Latency(6, 6), striking=resized)
        assert [(kind, result) for kind, result, _ in run.told] == [
            ("transfer_project", Result.APPLIED),
            ("patch_endpoint", Result.SKIPPED),
            ("patch_project", Result.SKIPPED),
        ]
        assert run.acme.actions[1].message == "changed since the plan was made: compute.max_cu of branch main"


def once(table: str, old: str, new: str, **columns: object) -> Any:
    """A row below the project changes while the first write of the run is under way."""

    def prepare(world: World) -> Callable[[int, httpx.Request], None]:
        rows: list[str] = []

        def striking(_number: int, request: httpx.Request) -> None:
            if request.method == "GET" or rows:
                return
            live = world.simulator.world.store.rows(f"SELECT id, body FROM {table} WHERE deleted_at IS NULL")  # noqa: S608
            ((id_, body),) = [(row["id"], row["body"]) for row in live if old in row["body"]]
            rows.append(id_)
            with world.simulator.world.writing() as transaction:
                transaction.update(table, id_, body=body.replace(old, new), **columns)

        return striking

    return prepare


class TestAList:
    """One page tells of up to 400 projects."""

    NAMES: Final = tuple(f"t{number}" for number in range(8))

    def run(self, folder: Path, behaviour: Behaviour, *, tiers: tuple[Tier, ...]) -> tuple[World, Report, str]:
        async def main() -> tuple[World, Report, str]:
            world = World.open(folder, behaviour)
            world.seed(a_fleet(*map(a_tenant, self.NAMES), tiers=tiers))
            wanted = a_fleet(*(a_tenant(name, "pro") for name in self.NAMES), tiers=tiers)
            allowed = Permissions(lowering=True, counts={"disruptive": len(self.NAMES)})
            async with world.client() as neon:
                fleet = Fleet(wanted, neon, now=now)
                planned = await fleet.plan(Request(permissions=allowed))
                assert planned.plan.refusals == ()
                ids = {tenant.tenant: tenant.project.id for tenant in planned.plan.tenants if tenant.project}
                await asyncio.sleep(LATE)
                await neon.update_project("free", ids["t3"], {"quota.active_time_seconds": 3600})
                world.forget()
                report = await fleet.apply(planned, Run(journal=folder / "j"))
            return world, report, ids["t3"]

        return virtually(main())

    def test_is_read_once_for_tenants_that_move_together(self, tmp_path: Path) -> None:
        world, report, changed = self.run(tmp_path, Behaviour(rate_limit=None), tiers=(FREE_TIER, PRO_TIER))
        assert [o.tenant for o in report.outcomes if o.result is not Result.APPLIED] == ["t3"]
        reads = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
        assert [path for path in reads if "/operations" not in path][:3] == [
            "/projects",
            "/projects",
            f"/projects/{changed}",
        ]

    def test_that_shows_no_quotas_clears_nobody_whose_quota_is_sent(self, tmp_path: Path) -> None:
        blind = Behaviour(rate_limit=None, list_shows_quota=False)
        _, report, _ = self.run(tmp_path, blind, tiers=(replace(FREE_TIER, quota=None), PRO_TIER))
        skipped = {o.tenant: o.actions[0].message for o in report.outcomes if o.result is not Result.APPLIED}
        assert skipped == {"t3": "changed since the plan was made: quota.active_time_seconds"}

    def test_serves_tenants_that_have_nothing_in_common(self, tmp_path: Path) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            before = a_fleet(*(a_tenant(name, "pro") for name in self.NAMES))
            world.seed(before)
            async with world.client() as neon:
                after = a_fleet(*(a_tenant(name, "pro") for name in self.NAMES), tiers=(RAISED,))
                fleet = Fleet(after, neon, now=now)
                planned = await fleet.plan(Request(base=before))
                await asyncio.sleep(LATE)
                world.forget()
                report = await fleet.apply(planned, Run(journal=tmp_path / "j"))
            assert {outcome.result for outcome in report.outcomes} == {Result.APPLIED}
            reads = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
            assert [path for path in reads if "/operations" not in path] == ["/projects", "/projects"]

        virtually(main())


class TestPruning:
    ORPHAN: Final = ProjectSeed("myapp-gone", quota=PRO_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=7 * DAY)

    @pytest.mark.parametrize(
        ("meddling", "left"), [(nothing, []), (renamed, ["kept"])], ids=["nothing", "renamed"]
    )
    def test_an_orphan_goes_as_long_as_it_is_one(self, tmp_path: Path, meddling: Any, left: list[str]) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            world.seed(PRO)
            before = a_fleet(a_tenant("acme", "pro"), a_tenant("gone", "pro"))
            world.seed(a_fleet(a_tenant("gone", "pro")))
            await asyncio.sleep(30 * DAY)
            async with world.client() as neon:
                fleet = Fleet(PRO, neon, now=now)
                request = Request(base=before, permissions=Permissions(prune=True, counts={"deletes": 1}))
                planned = await fleet.plan(request)
                ((plan),) = planned.plan.tenants
                await asyncio.sleep(LATE)
                assert plan.project
                await meddling(neon, plan.project)
                await fleet.apply(planned, Run(journal=tmp_path / "j"))
            assert [p.name for p in (await world.observe(PRO)).projects if p.name != "myapp-acme"] == left

        virtually(main())


MANY = [f"t{number:02}" for number in range(60)]


@pytest.mark.parametrize(
    ("before", "after", "last"),
    [
        pytest.param(a_fleet(*map(a_tenant, MANY)), a_fleet(*(a_tenant(n, "pro") for n in MANY)), 2, id="a move"),
        pytest.param(a_fleet(), a_fleet(*map(a_tenant, MANY)), 3, id="creates"),
        pytest.param(FREE, LARGER, 1, id="the compute of one"),
    ],
)
def test_after_a_signal_nobody_else_is_looked_at(
    tmp_path: Path, before: DesiredState, after: DesiredState, last: int
) -> None:
    stop = StopSignal()
    calls_of_run: list[str] = []

    def striking(_number: int, request: httpx.Request) -> None:
        if armed:
            calls_of_run.append(request.method)
            if len(calls_of_run) == last:
                stop.signal("SIGTERM")

    armed: list[bool] = []

    async def main() -> Report:
        world = World.open(tmp_path)
        world.seed(before)
        async with world.client(striking) as neon:
            fleet = Fleet(after, neon, now=now)
            allowed = Permissions(expect_empty=True, counts={"creates": 99, "transfers": 99, "disruptive": 99})
            planned = await fleet.plan(Request(base=before, permissions=allowed))
            await asyncio.sleep(LATE)
            armed.append(True)
            return await fleet.apply(planned, Run(journal=tmp_path / "j", stop=stop))

    report = virtually(main())
    assert len(calls_of_run) == last
    for outcome in report.outcomes:
        assert {(a.result, a.message) for a in outcome.actions} == {
            (Result.SKIPPED, "the run was stopped: by SIGTERM")
        }


class TestASecondProject:
    @pytest.mark.parametrize(
        ("used", "result"), [(False, Result.APPLIED), (True, Result.SKIPPED)], ids=["nothing", "used"]
    )
    def test_goes_as_long_as_it_holds_nothing(self, tmp_path: Path, used: bool, result: Result) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            ids = []
            for run in ("r1", "r2"):
                notes = creation_annotations(fleet="prod", tenant="acme", run=run)
                seed = ProjectSeed("myapp-acme", quota=FREE_QUOTA, compute=FREE_COMPUTE, annotations=notes)
                ids.append(add_project(world.simulator, "free", seed).project_id)
                await asyncio.sleep(2)
            await asyncio.sleep(3 * HOUR)
            async with world.client() as neon:
                fleet = Fleet(FREE, neon, now=now)
                planned = await fleet.plan(Request(base=FREE, dead_runs=frozenset({"r2"})))
                assert [action.kind for action in planned.plan.actions] == ["delete_duplicate"]
                await asyncio.sleep(LATE)
                if used:
                    add_branch(world.simulator, ids[1], BranchSeed("dev"))
                report = await fleet.apply(planned, Run(journal=tmp_path / "j"))
            ((action,),) = [outcome.actions for outcome in report.outcomes]
            assert action.result is result, action.message
            left = {project.id for project in (await world.observe(FREE)).projects}
            assert left == ({*ids} if used else {ids[0]})

        virtually(main())


class TestAnAdoption:
    @pytest.mark.parametrize(
        ("meddling", "result"),
        [(nothing, Result.APPLIED), (renamed, Result.SKIPPED)],
        ids=["nothing", "renamed"],
    )
    def test_marks_the_project_as_long_as_its_name_is_the_tenants(
        self, tmp_path: Path, meddling: Any, result: Result
    ) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            found = ProjectSeed("myapp-acme", quota=FREE_QUOTA, compute=FREE_COMPUTE)
            add_project(world.simulator, "free", found)
            async with world.client() as neon:
                fleet = Fleet(FREE, neon, now=now)
                planned = await fleet.plan()
                ((plan),) = planned.plan.tenants
                assert [action.kind for action in plan.actions] == ["adopt_project"]
                assert plan.project
                await asyncio.sleep(LATE)
                await meddling(neon, plan.project)
                report = await fleet.apply(planned, Run(journal=tmp_path / "j"))
            assert [outcome.result for outcome in report.outcomes] == [result]

        virtually(main())
