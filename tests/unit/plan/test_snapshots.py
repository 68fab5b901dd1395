"""Snapshots: what is taken, what makes room, and what is never touched; the same however they are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import Snapshot
from reconciler.desired.tier import AtLimit, SnapshotMethod, SnapshotPolicy
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import Origin, Risk
from reconciler.plan.concerns import NAMES
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_LIMITS,
    FREE_TIER,
    HISTORY_MAY_GO,
    NOON,
    PAID,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_organization,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.plan.plan import Plan

METHODS = pytest.mark.parametrize("method", list(SnapshotMethod), ids=lambda method: method.value)


def fleet(
    *declared: str | Snapshot,
    method: SnapshotMethod = SnapshotMethod.API,
    at_limit: AtLimit = AtLimit.REFUSE,
    limit: int = 1,
    **tenant: Any,
) -> DesiredState:
    """One free tenant that declares these snapshots, in an organization that allows so many."""
    policy = SnapshotPolicy(at_limit, method)
    snapshots = tuple(Snapshot(s) if isinstance(s, str) else s for s in declared)
    free = an_organization("free", replace(FREE_LIMITS, snapshots=limit))
    return a_fleet(
        a_tenant(snapshots=snapshots, **tenant),
        tiers=(replace(FREE_TIER, snapshots=policy), replace(PRO_TIER, snapshots=policy)),
        organizations=(free, PAID),
    )


def kept(method: SnapshotMethod, *names: str, project: LiveProject | None = None) -> LiveProject:
    """A project that holds these snapshots, the first the oldest."""
    project = project or a_project()
    days = [NOON - timedelta(days=len(names) - i) for i in range(len(names))]
    if method is SnapshotMethod.API:
        live = tuple(
            LiveSnapshot(f"snap-{name}", name, "br-p-acme", day) for name, day in zip(names, days, strict=True)
        )
        return replace(project, snapshots=live)
    branches = tuple(_as_branch(name, day) for name, day in zip(names, days, strict=True))
    return replace(project, branches=(a_branch(), *branches), snapshots=())


def _as_branch(name: str, day: datetime) -> Any:
    notes = branch_annotations(fleet="prod", tenant="acme", run="r0", branch=name, purpose=Purpose.SNAPSHOT)
    return a_branch(
        id=f"br-{name}", name=name, default=False, parent_id="br-p-acme", annotations=notes, created_at=day
    )


def steps(plan: Plan) -> list[str]:
    """The actions on snapshots, in a word each."""
    words = []
    for action in plan.actions:
        match action:
            case CreateSnapshot():
                words.append(f"+{action.snapshot}")
            case DeleteSnapshot():
                words.append(f"-{action.snapshot}")
            case CreateBranch(purpose=Purpose.SNAPSHOT):
                words.append(f"+{action.branch}")
            case DeleteBranch(purpose=Purpose.SNAPSHOT):
                words.append(f"-{action.branch}")
            case _:
                words.append(action.kind)
    return words


@METHODS
class TestEitherMethod:
    def test_a_declared_snapshot_is_taken(self, method: SnapshotMethod) -> None:
        plan = make_plan(fleet("v1", method=method), a_view(kept(method)))
        assert steps(plan) == ["+v1"]
        assert next(plan.actions).risk is Risk.SAFE

    def test_a_live_one_is_not_taken_again(self, method: SnapshotMethod) -> None:
        assert make_plan(fleet("v1", method=method), a_view(kept(method, "v1"))).empty

    def test_a_new_tenant_gets_it_after_its_project(self, method: SnapshotMethod) -> None:
        plan = make_plan(fleet("v1", method=method), a_view())
        assert steps(plan) == ["create_project", "+v1"]
        assert isinstance(next(plan.actions), CreateProject)

    def test_undeclared_ones_stay_where_there_is_room(self, method: SnapshotMethod) -> None:
        plan = make_plan(fleet(method=method, at_limit=AtLimit.REPLACE_OLDEST), a_view(kept(method, "a", "b")))
        assert plan.empty, "more than allowed, but nobody needs the room"

    def test_at_the_limit_a_refusal_lists_the_candidates(self, method: SnapshotMethod) -> None:
        plan = make_plan(fleet("v2", method=method), a_view(kept(method, "v1")))
        assert plan.empty
        (refusal,) = plan.refusals
        assert refusal.rule is Rule.SNAPSHOT_LIMIT
        assert "'v1'" in refusal.remedy
        assert "at_limit: replace_oldest" in refusal.remedy

    def test_the_oldest_gives_way_right_before_the_new_one(self, method: SnapshotMethod) -> None:
        desired = fleet("v2", "v3", method=method, at_limit=AtLimit.REPLACE_OLDEST, limit=3)
        plan = make_plan(desired, a_view(kept(method, "a", "b", "c")))
        assert steps(plan) == ["-a", "+v2", "-b", "+v3"]
        assert next(plan.actions).risk is Risk.DESTRUCTIVE

    def test_a_project_that_holds_too_many_loses_several_for_one(self, method: SnapshotMethod) -> None:
        desired = fleet("new", method=method, at_limit=AtLimit.REPLACE_OLDEST)
        assert steps(make_plan(desired, a_view(kept(method, "a", "b", "c")))) == ["-a", "-b", "-c", "+new"]

    def test_a_declared_one_never_gives_way(self, method: SnapshotMethod) -> None:
        desired = fleet("a", "new", method=method, at_limit=AtLimit.REPLACE_OLDEST)
        plan = make_plan(desired, a_view(kept(method, "a")))
        assert plan.empty
        assert plan.refusals[0].rule is Rule.SNAPSHOT_LIMIT

    def test_nothing_is_deleted_for_a_snapshot_that_cannot_be_taken(self, method: SnapshotMethod) -> None:
        early = Snapshot("v2", at=NOON - timedelta(days=9))
        desired = fleet(early, method=method, at_limit=AtLimit.REPLACE_OLDEST)
        plan = make_plan(desired, a_view(kept(method, "v1")))
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.CANNOT_BE_DONE]
        assert "is before the start of the restore window" in plan.refusals[0].message

    def test_replace_declared_replaces_only_what_a_commit_once_declared(self, method: SnapshotMethod) -> None:
        now = fleet("v2", method=method, at_limit=AtLimit.REPLACE_DECLARED)
        before = fleet("v1", method=method, at_limit=AtLimit.REPLACE_DECLARED)
        assert steps(make_plan(now, a_view(kept(method, "v1")), base=before)) == ["-v1", "+v2"]
        assert make_plan(now, a_view(kept(method, "by hand")), base=before).empty
        assert make_plan(now, a_view(kept(method, "v1"))).empty, "without a base nothing was declared"

    def test_an_expired_one_is_neither_taken_nor_missed(self, method: SnapshotMethod) -> None:
        past = Snapshot("v1", expires_at=NOON)
        assert make_plan(fleet(past, method=method), a_view(kept(method))).empty
        assert steps(make_plan(fleet(past, method=method), a_view(kept(method)), now=NOON - timedelta(seconds=1)))

    def test_a_replacement_has_the_cause_of_what_it_makes_room_for(self, method: SnapshotMethod) -> None:
        now = fleet("v2", method=method, at_limit=AtLimit.REPLACE_OLDEST)
        view = a_view(kept(method, "v1"))
        asked_for = make_plan(now, view, base=fleet("v1", method=method, at_limit=AtLimit.REPLACE_OLDEST))
        assert {c.origin for action in asked_for.actions for c in action.changes} == {Origin.CONFIG}
        assert not guard(asked_for, now, view).refusals

    def test_a_held_back_deletion_holds_back_what_it_makes_room_for(self, method: SnapshotMethod) -> None:
        desired = fleet("v2", method=method, at_limit=AtLimit.REPLACE_OLDEST, protect=True)
        view = a_view(kept(method, "v1"))
        held = guarded_plan(desired, view, base=fleet("v1", method=method))
        assert held.empty
        assert [(r.rule, len(r.actions)) for r in held.refusals] == [(Rule.PROTECTED, 2)]

    def test_a_tenant_that_manages_none_is_left_alone(self, method: SnapshotMethod) -> None:
        bare = replace(fleet(method=method), tenants={"acme": a_tenant()})
        assert make_plan(bare, a_view(kept(method, "a", "b"))).empty


def test_neon_takes_snapshots_of_root_branches_only() -> None:
    child = a_project(branches=(a_branch(parent_id="br-old"),), snapshots=())
    plan = make_plan(fleet("v1"), a_view(child))
    assert plan.empty
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.ROOT_BRANCH
    by_branch = make_plan(fleet("v1", method=SnapshotMethod.BRANCH), a_view(child))
    assert steps(by_branch) == ["+v1"]


def test_scheduled_snapshots_do_not_count() -> None:
    project = a_project(snapshots=(LiveSnapshot("s1", "daily", "br-p-acme", NOON, manual=False),))
    assert steps(make_plan(fleet("v1"), a_view(project))) == ["+v1"]


def test_a_branch_snapshot_is_a_branch_without_a_compute() -> None:
    (create,) = make_plan(fleet("v1", method=SnapshotMethod.BRANCH), a_view(kept(SnapshotMethod.BRANCH))).actions
    assert isinstance(create, CreateBranch)
    assert (create.purpose, create.with_compute, create.parent) == (Purpose.SNAPSHOT, False, "main")


def test_a_branch_snapshot_is_no_development_branch() -> None:
    desired = fleet("v1", method=SnapshotMethod.BRANCH, dev_branches=())
    assert make_plan(desired, a_view(kept(SnapshotMethod.BRANCH, "v1"))).empty


def test_a_branch_made_by_hand_under_the_name_counts_and_never_gives_way() -> None:
    by_hand = a_branch(id="br-x", name="v1", default=False, parent_id="br-p-acme", annotations={})
    project = a_project(branches=(a_branch(), by_hand))
    assert make_plan(fleet("v1", method=SnapshotMethod.BRANCH), a_view(project)).empty
    ending = Snapshot("v1", expires_at=NOON + timedelta(days=1))
    now, before = fleet(ending, method=SnapshotMethod.BRANCH), fleet(method=SnapshotMethod.BRANCH)
    found = make_plan(now, a_view(project), history=History(before))
    assert found.empty
    assert "no run created it: the expiry would delete it" in found.notes[0].message


class TestDowngrade:
    def downgraded(self, *names: str, at_limit: AtLimit, declared: tuple[str, ...] = ()) -> Plan:
        desired = fleet(*declared, at_limit=at_limit, accept=HISTORY_MAY_GO)
        view = a_view(kept(SnapshotMethod.API, *names, project=a_pro_project()))
        return guarded_plan(desired, view, Permissions(lowering=True))

    def test_what_the_destination_has_no_room_for_goes_the_oldest_first(self) -> None:
        plan = self.downgraded("a", "b", "c", at_limit=AtLimit.REPLACE_OLDEST)
        assert steps(plan)[:3] == ["transfer_project", "-a", "-b"]

    def test_declared_ones_stay(self) -> None:
        plan = self.downgraded("a", "b", at_limit=AtLimit.REPLACE_OLDEST, declared=("a",))
        assert steps(plan)[:2] == ["transfer_project", "-b"]

    def test_where_nothing_may_give_way_the_move_is_refused(self) -> None:
        plan = self.downgraded("a", "b", at_limit=AtLimit.REFUSE)
        assert plan.empty
        assert plan.refusals[0].rule is Rule.SNAPSHOT_LIMIT
        assert "'a', 'b'" in plan.refusals[0].message

    def test_a_new_one_replaces_what_is_left_after_the_move(self) -> None:
        plan = self.downgraded("a", "b", at_limit=AtLimit.REPLACE_OLDEST, declared=("new",))
        words = steps(plan)
        assert words[:2] == ["transfer_project", "-a"]
        assert words[-2:] == ["-b", "+new"]
        assert words.index("transfer_project") < words.index("-b")


class TestAfterAMove:
    """A run ended between a transfer and its deletions: the project is in the smaller organization."""

    def planned(
        self,
        method: SnapshotMethod,
        *names: str,
        base: DesiredState,
        only: tuple[str, ...] = NAMES,
        **files: Any,
    ) -> Plan:
        after = fleet(method=method, **{"at_limit": AtLimit.REPLACE_OLDEST, **files})
        view, history = a_view(kept(method, *names)), History(base=base)
        return guarded_plan(after, view, history=history, only=only)

    @METHODS
    def test_what_exceeds_the_limit_goes_as_it_would_have_gone(self, method: SnapshotMethod) -> None:
        plan = self.planned(method, "a", "b", "c", base=fleet(method=method, tier="pro"))
        assert steps(plan) == ["-a", "-b"]
        assert {change.origin for action in plan.actions for change in action.changes} == {Origin.CONFIG}
        assert {action.reason for action in plan.actions} == {"organization free allows 1 snapshot per project"}

    def test_it_goes_of_a_tenant_whose_files_say_nothing_of_snapshots(self) -> None:
        silent = a_tenant(snapshots=None)
        after = replace(fleet(at_limit=AtLimit.REPLACE_OLDEST), tenants={"acme": silent})
        view = a_view(kept(SnapshotMethod.API, "a", "b"))
        assert steps(make_plan(after, view, history=History(base=fleet(tier="pro")))) == ["-a"]

    def test_what_the_tier_does_not_let_go_stays(self) -> None:
        plan = self.planned(SnapshotMethod.API, "a", "b", base=fleet(tier="pro"), at_limit=AtLimit.REFUSE)
        assert plan.empty

    def test_of_a_protected_tenant_nothing_goes(self) -> None:
        plan = self.planned(SnapshotMethod.API, "a", "b", base=fleet(tier="pro"), protect=True)
        assert plan.empty
        assert {refusal.rule for refusal in plan.refusals} == {Rule.PROTECTED}

    @METHODS
    @pytest.mark.parametrize("earlier", [1, 3], ids=["nothing changed", "a lower limit in tiers.yaml"])
    def test_without_a_commit_that_moved_the_tenant_it_stays(self, method: SnapshotMethod, earlier: int) -> None:
        plan = self.planned(method, "a", "b", "c", base=fleet(method=method, limit=earlier))
        assert plan.empty
        assert not plan.refusals

    def test_a_move_that_takes_no_snapshots_deletes_none(self) -> None:
        plan = self.planned(SnapshotMethod.API, *"abcdefghijklm", base=fleet(tier="pro"), limit=10)
        assert plan.empty

    def test_where_the_project_is_still_elsewhere_it_waits_for_the_move(self) -> None:
        after = fleet(at_limit=AtLimit.REPLACE_OLDEST, accept=HISTORY_MAY_GO)
        view = a_view(kept(SnapshotMethod.API, *"abcdefghijkl", project=a_pro_project()))
        plan = make_plan(after, view, history=History(base=fleet(tier="pro")), only=("snapshots",))
        assert plan.empty


def test_an_upgrade_takes_what_there_was_no_room_for() -> None:
    desired = fleet("v1", "v2", tier="pro")
    plan = make_plan(desired, a_view(kept(SnapshotMethod.API, "v1")))
    assert steps(plan)[0] == "transfer_project"
    assert steps(plan)[-1] == "+v2"


def test_a_branch_snapshot_needs_room_for_a_branch() -> None:
    others = [a_branch(id=f"br-{i}", name=f"b{i}", default=False, annotations={}) for i in range(9)]
    full = a_project(branches=(a_branch(), *others))
    plan = make_plan(fleet("v1", method=SnapshotMethod.BRANCH), a_view(full))
    assert plan.empty
    assert plan.refusals[0].rule is Rule.BRANCH_LIMIT
    assert "allows 10 branches" in plan.refusals[0].message


@METHODS
def test_a_moment_before_the_default_branch_was_created_is_refused(method: SnapshotMethod) -> None:
    """As after a restore, and in a project that this plan creates."""
    desired = fleet(Snapshot("v1", at=NOON - timedelta(hours=2)), method=method)
    restored = a_project(branches=(a_branch(created_at=NOON - timedelta(hours=1)),), snapshots=())
    for live in (a_view(restored), a_view()):
        plan = make_plan(desired, live)
        assert not [step for step in steps(plan) if step.startswith("+")]
        assert [(refusal.rule, len(refusal.actions)) for refusal in plan.refusals] == [(Rule.CANNOT_BE_DONE, 1)]
        assert "is before the creation of branch 'main'" in plan.refusals[0].message


@pytest.mark.parametrize(("until", "sooner"), [(None, False), (NOON + timedelta(days=1), True)])
def test_the_expiry_of_a_branch_snapshot_moves_as_that_of_any_branch(until: datetime | None, sooner: bool) -> None:
    by_branch, stated = SnapshotMethod.BRANCH, NOON + timedelta(days=3)
    old = replace(_as_branch("v1", NOON - timedelta(days=1)), expires_at=stated)
    base = fleet(Snapshot("v1", expires_at=stated), method=by_branch)
    now = fleet(Snapshot("v1", expires_at=until), method=by_branch)
    view = a_view(a_project(branches=(a_branch(), old)))
    assert make_plan(base, view, base=base).empty
    (patch,) = make_plan(now, view, base=base).actions
    assert isinstance(patch, PatchBranch)
    assert patch.expires_at == until
    assert patch.expires_no_more is (until is None)
    assert patch.lowering is sooner
    assert [change.origin for change in patch.changes] == [Origin.CONFIG]
