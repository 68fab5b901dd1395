"""Idle development branches: the tier says when they go, and only those that nobody asked to keep."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.selection import Depth, Reach
from reconciler.desired.tenant import DevBranch
from reconciler.desired.tier import BranchCleanup, Cleanup, DevBranchPolicy, WhenCrowded
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.change import Origin
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_LIMITS,
    FREE_TIER,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_organization,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject
    from reconciler.plan.plan import Plan

DAY = timedelta(days=1)
TWO_WEEKS = BranchCleanup(14 * 86_400)
CROWDED = BranchCleanup(None, WhenCrowded.OLDEST_IDLE)
BOTH = BranchCleanup(14 * 86_400, WhenCrowded.OLDEST_IDLE)
TRYOUT = DevBranch("tryout", disposable=True)


def fleet(
    policy: BranchCleanup = TWO_WEEKS, *declared: DevBranch, limit: int = 10, managed: bool = False, **tenant: Any
) -> DesiredState:
    return a_fleet(
        a_tenant(dev_branches=declared if declared or managed else None, **tenant),
        tiers=(replace(FREE_TIER, cleanup=Cleanup(dev_branches=policy)),),
        organizations=(an_organization("free", limits=replace(FREE_LIMITS, branches=limit)),),
    )


def dev(name: str, /, **fields: Any) -> LiveBranch:
    """A branch that a run created for the tenant three months ago."""
    note = branch_annotations(fleet="prod", tenant="acme", run="r0", purpose=Purpose.DEV_BRANCH, branch=name)
    given = {"id": f"br-{name}", "name": name, "default": False, "parent_id": "br-p-acme", "annotations": note}
    return a_branch(**{**given, "created_at": NOON - 90 * DAY, **fields})


def compute(name: str, idle: timedelta | None, **fields: Any) -> LiveEndpoint:
    at = None if idle is None else NOON - idle
    given = {"id": f"ep-{name}", "branch_id": f"br-{name}", "active": False, "last_active_at": at}
    return an_endpoint(**{**given, **fields})


def live(*used: tuple[LiveBranch, timedelta | None], **fields: Any) -> LiveProject:
    """A project with development branches, each with the time since somebody used it."""
    branches = (a_branch(), *(branch for branch, _ in used))
    computes = (an_endpoint(), *(compute(branch.name, idle) for branch, idle in used))
    return a_project(**{"branches": branches, "endpoints": computes, "snapshots": (), **fields})


def plan(now: DesiredState, project: LiveProject, base: DesiredState | None = None, at: datetime = NOON) -> Plan:
    return guarded_plan(now, a_view(project), base=base or now, now=at)


def told(found: Plan) -> list[str]:
    return [f"{action.verb} {getattr(action, 'branch', '')}: {action.reason}" for action in found.actions]


def names(found: Plan) -> list[str]:
    return [getattr(action, "branch", action.kind) for action in found.actions]


class TestWhileTheEarlierFilesAreNotKnown:
    """As in a run without a base in a first commit, or in a shallow clone."""

    def notes(self, project: LiveProject, *declared: DevBranch, **unknown: Any) -> list[str]:
        desired = fleet(TWO_WEEKS, *declared, managed=True)
        made = make_plan(desired, a_view(project), now=NOON, history=History(**unknown))
        assert made.empty
        return [note.message for note in made.notes if "and stays" in note.message]

    @pytest.mark.parametrize("unknown", [{"without_base": True}, {"lost": True}], ids=str)
    def test_an_idle_branch_stays_and_the_plan_says_what_lets_it_go(self, unknown: dict[str, bool]) -> None:
        [said] = self.notes(live((dev("tryout"), 15 * DAY)), TRYOUT, **unknown)
        assert said == (
            f"branch 'tryout' is idle since {NOON - 15 * DAY:%Y-%m-%d}, longer than 14d, and stays: what earlier "
            "files declare is not known; name the last applied commit with --base, in a clone that has the whole "
            "history"
        )

    def test_of_others_nothing_is_said(self) -> None:
        kept = DevBranch("kept")
        assert (
            self.notes(live((dev("tryout"), DAY), (dev("kept"), 99 * DAY)), TRYOUT, kept, without_base=True) == []
        )

    def test_a_file_that_git_ignores_is_the_reason(self) -> None:
        names = frozenset({"acme"})
        [said] = self.notes(live((dev("tryout"), 15 * DAY)), TRYOUT, uncommitted=names, ignored=names)
        assert "git ignores the tenant's file" in said


class TestAnUndeclaredBranch:
    def test_goes_once_nobody_has_used_it_for_the_time_of_the_tier(self) -> None:
        (delete,) = plan(fleet(), live((dev("old"), 15 * DAY))).actions
        assert isinstance(delete, DeleteBranch)
        assert (delete.branch, delete.branch_id) == ("old", "br-old")
        assert delete.reason == f"idle since {NOON - 15 * DAY:%Y-%m-%d}, longer than 14d"
        assert [change.origin for change in delete.changes] == [Origin.CONFIG]

    def test_stays_until_then_and_by_default_for_ever(self) -> None:
        assert plan(fleet(), live((dev("old"), 14 * DAY - timedelta(seconds=1)))).empty
        assert plan(fleet(BranchCleanup()), live((dev("old"), 900 * DAY))).empty

    @pytest.mark.parametrize(
        "used",
        [{"created_at": NOON - 3 * DAY}, {"reset_at": NOON - 3 * DAY}],
        ids=["created", "reset"],
    )
    def test_a_creation_and_a_reset_are_uses(self, used: dict[str, Any]) -> None:
        assert plan(fleet(), live((dev("old", **used), 15 * DAY))).empty

    @pytest.mark.parametrize(
        "what",
        [
            {"protected": True},
            {"name": "renamed"},
            {"annotations": {}},
            {"parent_id": None},
        ],
        ids=["protected", "renamed by hand", "made by hand", "a root branch"],
    )
    def test_stays_where_it_is(self, what: dict[str, Any]) -> None:
        assert plan(fleet(), live((dev("old", **what), 90 * DAY))).empty

    def test_with_a_child_stays_and_the_child_goes(self) -> None:
        child = dev("child", parent_id="br-old")
        found = plan(fleet(), live((dev("old"), 90 * DAY), (child, 90 * DAY)))
        assert names(found) == ["child"]

    def test_that_runs_stays(self) -> None:
        project = live((dev("old"), 90 * DAY))
        running = (an_endpoint(), compute("old", 90 * DAY, active=True))
        assert plan(fleet(), replace(project, endpoints=running)).empty

    def test_without_a_compute_is_idle_since_its_creation(self) -> None:
        project = replace(live((dev("old"), DAY)), endpoints=(an_endpoint(),))
        assert [f"idle since {NOON - 90 * DAY:%Y-%m-%d}, longer than 14d"] == [
            action.reason for action in plan(fleet(), project).actions
        ]

    def test_of_which_neon_does_not_say_when_it_was_used_stays_and_that_is_said(self) -> None:
        found = plan(fleet(), live((dev("old"), None)))
        assert found.empty
        assert "branch 'old' stays: Neon does not say when its compute was last active" in [
            note.message for note in found.notes
        ]

    def test_of_a_protected_or_suspended_tenant_stays(self) -> None:
        assert plan(fleet(protect=True), live((dev("old"), 90 * DAY))).empty
        suspended = plan(fleet(suspended=True, reason="overdue"), live((dev("old"), 90 * DAY)))
        assert not [action for action in suspended.actions if isinstance(action, DeleteBranch)]

    def test_beside_declared_ones_goes_without_a_commit(self) -> None:
        now = fleet(TWO_WEEKS, DevBranch("kept"))
        found = plan(now, live((dev("kept"), 90 * DAY), (dev("stray"), 90 * DAY)))
        assert [action.branch for action in found.actions if isinstance(action, DeleteBranch)] == ["stray"]
        assert not found.refusals


class TestADisposableBranch:
    def test_goes_like_an_undeclared_one_and_is_not_created_again(self) -> None:
        now = fleet(TWO_WEEKS, TRYOUT, DevBranch("kept"))
        both = live((dev("tryout"), 15 * DAY), (dev("kept"), 15 * DAY))
        assert [action.branch for action in plan(now, both).actions if isinstance(action, DeleteBranch)] == [
            "tryout"
        ]
        after = plan(now, live((dev("kept"), 15 * DAY)))
        assert after.empty
        (note,) = [note.message for note in after.notes if "disposable" in note.message]
        assert "'tryout' does not exist and is not created: its declaration has not changed since the base" in note

    @pytest.mark.parametrize("policy", [TWO_WEEKS, CROWDED])
    def test_is_not_created_again_because_the_tenant_is_suspended(self, policy: BranchCleanup) -> None:
        suspended = fleet(policy, TRYOUT, suspended=True, reason="overdue")
        found = plan(suspended, live(), fleet(policy, TRYOUT))
        assert not [action for action in found.actions if isinstance(action, CreateBranch)]
        assert any("'tryout' does not exist and is not created" in note.message for note in found.notes)

    def test_is_created_when_it_is_new_or_its_entry_changes(self) -> None:
        now = fleet(TWO_WEEKS, TRYOUT)
        assert told(plan(now, live(), fleet())) == ["create tryout: declared"]
        changed = fleet(TWO_WEEKS, replace(TRYOUT, reset=1))
        assert told(plan(changed, live(), now)) == ["create tryout: declared"]
        larger = fleet(TWO_WEEKS, replace(TRYOUT, compute=Compute(max_cu=1)))
        assert told(plan(larger, live(), now)) == ["create tryout: declared"]

    def test_does_not_come_back_because_the_tier_sizes_branches_otherwise(self) -> None:
        """A change of the tier would create the deleted branches of all its tenants."""
        now, smaller = fleet(TWO_WEEKS, TRYOUT), DevBranchPolicy(compute=Compute(max_cu=0.5))
        tiers = {name: replace(tier, dev_branches=smaller) for name, tier in now.tiers.items()}
        found = plan(replace(now, tiers=tiers), live(), now)
        assert not [action for action in found.actions if isinstance(action, CreateBranch)]
        assert any("'tryout' does not exist and is not created" in note.message for note in found.notes)

    def test_does_not_go_while_the_base_lacks_it_as_it_would_come_back_at_once(self) -> None:
        now = fleet(TWO_WEEKS, TRYOUT)
        for base in (fleet(), fleet(TWO_WEEKS, DevBranch("tryout")), fleet(TWO_WEEKS, replace(TRYOUT, reset=4))):
            found = plan(now, live((dev("tryout"), 90 * DAY)), base)
            assert not [action for action in found.actions if isinstance(action, DeleteBranch)]

    def test_is_an_ordinary_one_where_the_tier_cleans_nothing(self) -> None:
        now = fleet(BranchCleanup(), TRYOUT)
        assert told(plan(now, live())) == ["create tryout: declared"]


class TestAtTheLimit:
    def test_the_branch_that_was_used_longest_ago_goes_for_a_declared_one(self) -> None:
        now = fleet(CROWDED, DevBranch("new"), limit=3)
        found = plan(now, live((dev("a"), 3 * DAY), (dev("b"), 5 * DAY)), fleet(CROWDED, limit=3, managed=True))
        assert told(found) == [
            f"delete b: idle since {NOON - 5 * DAY:%Y-%m-%d}: makes room for 'new'",
            "create new: declared",
        ]
        assert [refusal.rule for refusal in found.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]

    def test_only_as_many_go_as_are_needed(self) -> None:
        now = fleet(CROWDED, DevBranch("new"), DevBranch("newer"), limit=4)
        found = plan(now, live((dev("a"), 3 * DAY), (dev("b"), 5 * DAY)), fleet(CROWDED, limit=4, managed=True))
        assert names(found) == ["b", "new", "newer"]

    def test_one_that_was_used_within_a_day_stays_and_the_new_one_waits(self) -> None:
        now = fleet(CROWDED, DevBranch("new"), limit=2)
        found = plan(now, live((dev("a"), DAY - timedelta(seconds=1))), fleet(CROWDED, limit=2, managed=True))
        assert found.empty

    def test_a_declared_one_goes_only_where_it_is_disposable(self) -> None:
        base = fleet(CROWDED, TRYOUT, DevBranch("kept"), limit=3)
        now = fleet(CROWDED, TRYOUT, DevBranch("kept"), DevBranch("new"), limit=3)
        found = plan(now, live((dev("kept"), 90 * DAY), (dev("tryout"), 9 * DAY)), base)
        assert names(found) == ["tryout", "new"]
        settled = plan(now, live((dev("kept"), 90 * DAY), (dev("new"), DAY)), now)
        assert settled.empty

    def test_by_default_the_new_one_is_refused(self) -> None:
        now = fleet(TWO_WEEKS, TRYOUT, DevBranch("new"), limit=2)
        found = plan(now, live((dev("tryout"), 3 * DAY)), fleet(TWO_WEEKS, TRYOUT, limit=2))
        assert found.empty
        assert [refusal.rule for refusal in found.refusals] == [Rule.BRANCH_LIMIT]

    def test_the_parent_of_the_new_one_stays(self) -> None:
        base = fleet(CROWDED, TRYOUT, limit=2)
        now = fleet(CROWDED, TRYOUT, DevBranch("new", parent="tryout"), limit=2)
        found = plan(now, live((dev("tryout"), 90 * DAY)), base)
        assert found.empty
        assert [refusal.rule for refusal in found.refusals] == [Rule.BRANCH_LIMIT]

    def test_nothing_goes_for_one_that_no_commit_asks_for(self) -> None:
        now = fleet(CROWDED, TRYOUT, DevBranch("lost"), limit=2)
        found = plan(now, live((dev("tryout"), 90 * DAY)), now)
        assert not [action for action in found.actions if isinstance(action, DeleteBranch)]


def test_computes_are_read_only_where_such_a_branch_is_and_the_tier_asks_for_it() -> None:
    def reads(desired: DesiredState, project: LiveProject, depth: Depth = Depth.DECLARED) -> tuple[int, int]:
        many = replace(project, endpoints=None)
        needs = PlanRequirements(depth=depth, reach=Reach(small_fleet=0)).details(desired, a_view(many))
        return len(needs.branches), len(needs.endpoints)

    quiet = replace(FREE_TIER, compute=None)
    with_dev, without = live((dev("old"), DAY)), live()

    def bare(desired: DesiredState) -> DesiredState:
        return replace(desired, tiers={"free": replace(quiet, cleanup=desired.tiers["free"].cleanup)})

    asked, not_asked = bare(fleet()), bare(fleet(BranchCleanup()))
    assert reads(asked, with_dev) == (0, 1)
    assert reads(asked, without) == (0, 0)
    assert reads(not_asked, with_dev) == (0, 0)
    assert reads(asked, replace(with_dev, branches=None)) == (1, 0)
    assert reads(not_asked, replace(with_dev, branches=None)) == (0, 0)
    assert reads(asked, replace(with_dev, branches=None), Depth.LIST) == (0, 0)
