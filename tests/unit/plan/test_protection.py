"""Neon's protection of branches: who states it, what a change of it takes, and what it stands in the way of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.selection import Depth, Reach
from reconciler.desired.tenant import DevBranch, Overrides
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, PatchBranch
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.change import Origin, Risk
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_TIER,
    NOON,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

LATER = NOON + timedelta(days=3)


def fleet(*, tier: bool | None = None, own: bool | None = None, **tenant: Any) -> DesiredState:
    """What the tier and the tenant's own file state of the default branch."""
    stated = a_tenant(overrides=Overrides(protected=own), **tenant)
    return a_fleet(stated, tiers=(replace(FREE_TIER, protected=tier), PRO_TIER))


def live(*, protected: bool = False) -> LiveProject:
    """A project whose default branch is protected or not."""
    return a_project(branches=(a_branch(protected=protected),))


def with_dev(**dev: Any) -> LiveProject:
    """A project with development branch ``dev``."""
    notes = branch_annotations(fleet="prod", tenant="acme", run="r0", branch="dev", purpose=Purpose.DEV_BRANCH)
    given = {"name": "dev", "default": False, "parent_id": "br-p-acme", "annotations": notes, **dev}
    return a_project(branches=(a_branch(), a_branch(id="br-dev", **given)))


def judged(now: DesiredState, project: LiveProject, before: DesiredState | None = None) -> Plan:
    """The plan after the guards; ``before`` is the base."""
    history, view = History() if before is None else History(before), a_view(project)
    return guarded_plan(now, view, history=history)


def changed(plan: Plan) -> list[tuple[str, str, object, object]]:
    return [
        (action.branch, change.path, change.before, change.after)
        for action in plan.actions
        if isinstance(action, PatchBranch)
        for change in action.changes
    ]


@pytest.mark.parametrize(
    ("tier", "own", "becomes"),
    [(None, None, None), (True, None, True), (None, True, True), (True, False, None), (False, True, True)],
)
def test_the_tenants_own_value_replaces_the_tiers(
    tier: bool | None, own: bool | None, becomes: bool | None
) -> None:
    plan = make_plan(fleet(tier=tier, own=own), a_view(live()))
    assert changed(plan) == ([] if becomes is None else [("main", "protected", False, becomes)])


def test_what_nobody_states_is_left_alone_and_counted() -> None:
    plan = make_plan(fleet(), a_view(live(protected=True)))
    assert plan.empty
    assert plan.coverage.protected_branches == 1
    assert make_plan(fleet(tier=True), a_view(live(protected=True))).coverage.protected_branches == 0


def test_a_new_project_is_protected_before_its_branches_are_made() -> None:
    plan = make_plan(fleet(tier=True, dev_branches=(DevBranch("dev", protected=True),)), a_view())
    create, protect, branch = plan.actions
    assert isinstance(create, CreateProject)
    assert "protected" not in {change.path for change in create.changes}
    assert isinstance(protect, PatchBranch)
    assert (protect.branch, protect.protected, protect.risk) == ("main", True, Risk.SAFE)
    assert isinstance(branch, CreateBranch)
    assert branch.protected


def test_a_commit_ends_the_protection_and_nothing_else_does() -> None:
    project = live(protected=True)
    plan = judged(fleet(tier=False), project, before=fleet(tier=True))
    assert changed(plan) == [("main", "protected", True, False)]
    (action,) = plan.actions
    assert (action.lowering, action.changes[0].origin) == (True, Origin.CONFIG)
    for before in (fleet(tier=False), None):
        held = judged(fleet(tier=False), project, before=before)
        assert held.empty
        assert [refusal.rule for refusal in held.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]


def test_a_protected_tenant_keeps_its_protection_in_neon() -> None:
    plan = judged(fleet(tier=False, protect=True), live(protected=True), before=fleet(tier=True, protect=True))
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.PROTECTED]


def test_protecting_needs_no_commit() -> None:
    plan = judged(fleet(tier=True), live(), before=fleet(tier=True))
    assert changed(plan) == [("main", "protected", False, True)]


def test_the_project_of_a_protected_branch_is_not_deleted() -> None:
    gone = replace(fleet(), tenants={"acme": a_tenant(absent=True)})
    plan = judged(gone, live(protected=True), before=fleet(tier=True))
    (refusal,) = plan.refusals
    assert plan.empty
    assert refusal.rule is Rule.PROTECTED
    assert "first apply protected: false" in refusal.remedy
    assert not judged(gone, live(), before=fleet(tier=False)).empty


def test_branches_are_read_where_their_protection_is_stated() -> None:
    listed = replace(live(), branches=None, endpoints=None)
    for stated, depth, read in (
        (None, Depth.DECLARED, ()),
        (True, Depth.DECLARED, ("p-acme",)),
        (False, Depth.DECLARED, ("p-acme",)),
        (True, Depth.LIST, ()),
    ):
        found = PlanRequirements(depth=depth, reach=Reach(small_fleet=0)).details(
            fleet(tier=stated), a_view(listed)
        )
        assert found.branches == read, (stated, depth)


class TestDevelopmentBranches:
    """A branch that states it."""

    def test_its_protection_is_set_and_ended(self) -> None:
        for before, after in ((False, True), (True, False)):
            now = fleet(dev_branches=(DevBranch("dev", protected=after),))
            base = fleet(dev_branches=(DevBranch("dev", protected=before),))
            plan = judged(now, with_dev(protected=before), before=base)
            assert changed(plan) == [("dev", "dev_branches.dev.protected", before, after)]

    def test_it_is_not_deleted_while_it_is_protected(self) -> None:
        plan = judged(fleet(dev_branches=()), with_dev(protected=True))
        assert plan.empty
        assert "it is protected in Neon" in plan.refusals[0].message

    def test_one_commit_can_end_the_protection_and_set_an_expiry(self) -> None:
        base = fleet(dev_branches=(DevBranch("dev", protected=True),))
        now = fleet(dev_branches=(DevBranch("dev", protected=False, expires_at=LATER),))
        project = with_dev(protected=True)
        (patch,) = judged(now, project, before=base).actions
        assert isinstance(patch, PatchBranch)
        assert (patch.protected, patch.expires_at) == (False, LATER)

    def test_it_gets_no_expiry_while_its_protection_stays(self) -> None:
        now = fleet(dev_branches=(DevBranch("dev", protected=False, expires_at=LATER),))
        base = fleet(dev_branches=(DevBranch("dev", protected=False),))
        plan = judged(now, with_dev(protected=True), before=base)
        assert plan.empty
        assert {refusal.rule for refusal in plan.refusals} == {Rule.CANNOT_BE_DONE, Rule.LOWERING_NEEDS_A_CAUSE}

    def test_one_commit_can_end_the_expiry_and_set_the_protection(self) -> None:
        base = fleet(dev_branches=(DevBranch("dev", expires_at=LATER),))
        now = fleet(dev_branches=(DevBranch("dev", protected=True),))
        project = with_dev(expires_at=LATER)
        (patch,) = judged(now, project, before=base).actions
        assert isinstance(patch, PatchBranch)
        assert (patch.protected, patch.expires_no_more) == (True, True)

    def test_it_is_not_protected_while_its_expiry_stays(self) -> None:
        now = fleet(dev_branches=(DevBranch("dev", protected=True),))
        plan = judged(now, with_dev(expires_at=LATER), before=now)
        assert plan.empty
        assert Rule.CANNOT_BE_DONE in {refusal.rule for refusal in plan.refusals}
