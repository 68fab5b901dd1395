"""A snapshot gives way only to one that is sure to come; what has expired goes first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import AtLimit, SnapshotMethod
from reconciler.live.project import SnapshotRestore
from reconciler.model.values import replace
from reconciler.plan.concerns.snapshots import SURE_FOR
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE_TIER,
    HOUR,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)
from tests.unit.plan.test_snapshots import METHODS, fleet, kept, steps

API, BRANCH = SnapshotMethod.API, SnapshotMethod.BRANCH
REPLACING = AtLimit.REPLACE_OLDEST


@METHODS
class TestTheWindow:
    def test_that_a_policy_keeps_from_growing_is_the_one_that_counts(self, method: SnapshotMethod) -> None:
        """The file says a day; live it is six hours, and stays so."""
        now = fleet(Snapshot("new", at=NOON - timedelta(hours=18)), method=method, at_limit=REPLACING)
        now = replace(now, policy=Policy(drift={"restore_window": DriftPolicy.REPORT}))
        view = a_view(replace(kept(method, "old"), restore_window_seconds=6 * HOUR))
        history = History(fleet("old", method=method))
        plan = guarded_plan(now, view, history=history)
        assert plan.empty
        assert any("is before the start of the restore window" in refusal.message for refusal in plan.refusals)

    def test_that_this_plan_raises_does_not_reach_back(self, method: SnapshotMethod) -> None:
        now = fleet(Snapshot("new", at=NOON - timedelta(days=3)), method=method, at_limit=REPLACING, tier="pro")
        view = a_view(kept(method, *(f"s{number}" for number in range(10))))
        assert not [step for step in steps(make_plan(now, view)) if step.startswith("-")]

    def test_that_this_plan_shortens_is_the_shorter_one(self, method: SnapshotMethod) -> None:
        tier = replace(fleet(method=method).tiers["free"], restore_window_seconds=HOUR)
        now = fleet(Snapshot("new", at=NOON - timedelta(hours=2)), method=method, at_limit=REPLACING)
        now = replace(now, tiers={**now.tiers, "free": tier})
        assert not [step for step in steps(make_plan(now, a_view(kept(method, "old")))) if step[0] in "+-"]

    @pytest.mark.parametrize(("inside", "comes"), [(SURE_FOR / 2, False), (SURE_FOR * 2, True)])
    def test_has_to_hold_the_moment_for_a_while(
        self, method: SnapshotMethod, inside: timedelta, comes: bool
    ) -> None:
        now = fleet(Snapshot("new", at=NOON - timedelta(days=1) + inside), method=method, at_limit=REPLACING)
        plan = make_plan(now, a_view(kept(method, "old")))
        assert steps(plan) == (["-old", "+new"] if comes else [])
        assert [refusal.rule for refusal in plan.refusals] == ([] if comes else [Rule.SNAPSHOT_LIMIT])
        assert steps(make_plan(now, a_view(kept(method)))) == ["+new"], "where nothing gives way it is worth a try"

    def test_is_read_where_a_moment_of_the_past_is_declared(self, method: SnapshotMethod) -> None:
        tier = replace(FREE_TIER, restore_window_seconds=None)
        for copy in ({"snapshots": (Snapshot("new", at=NOON),)}, {"dev_branches": (DevBranch("new", at=NOON),)}):
            now = a_fleet(a_tenant(**copy), tiers=(tier,))
            unread = replace(kept(method), restore_window_seconds=None)
            assert PlanRequirements().details(now, a_view(unread)).projects == ("p-acme",)


def test_a_branch_of_a_moment_that_a_raised_window_does_not_reach_is_not_made() -> None:
    tenant = a_tenant(dev_branches=(DevBranch("dev", at=NOON - timedelta(hours=18)),))
    plan = make_plan(a_fleet(tenant), a_view(a_project(restore_window_seconds=6 * HOUR)))
    assert [action.kind for action in plan.actions] == ["patch_project"]


@METHODS
def test_nothing_gives_way_to_one_that_expires_at_once(method: SnapshotMethod) -> None:
    now = fleet(Snapshot("new", expires_at=NOON + timedelta(minutes=2)), method=method, at_limit=REPLACING)
    plan = make_plan(now, a_view(kept(method, "old")))
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.SNAPSHOT_LIMIT]


@METHODS
@pytest.mark.parametrize(
    ("default", "word"),
    [
        (a_branch(reset_at=NOON - timedelta(hours=1)), "the reset of branch"),
        (a_branch(restore=SnapshotRestore("snap-1", None)), "was restored from a snapshot"),
        (a_branch(created_at=NOON - timedelta(hours=1)), "the creation of branch"),
    ],
    ids=["reset", "restored", "young"],
)
def test_nothing_gives_way_to_a_moment_that_the_branch_does_not_hold(
    method: SnapshotMethod, default: object, word: str
) -> None:
    old = kept(method, "old")
    branches = tuple(default if branch.default else branch for branch in old.branches or ())
    now = fleet(Snapshot("new", at=NOON - timedelta(hours=2)), method=method, at_limit=REPLACING)
    plan = make_plan(now, a_view(replace(old, branches=branches)))  # type: ignore[arg-type]
    assert plan.empty
    assert word in plan.refusals[-1].message


def test_nothing_gives_way_to_a_branch_of_a_name_that_is_taken() -> None:
    plan = make_plan(fleet("main", method=BRANCH, at_limit=REPLACING), a_view(kept(BRANCH, "old")))
    assert plan.empty
    assert "the default branch has this name" in plan.refusals[-1].message


@METHODS
class TestTheOrder:
    def test_what_the_file_has_let_expire_goes_first(self, method: SnapshotMethod) -> None:
        ended = Snapshot("b", expires_at=NOON)
        now = fleet(ended, "new", method=method, at_limit=REPLACING, limit=2)
        assert steps(make_plan(now, a_view(kept(method, "a", "b")))) == ["-b", "+new"]

    def test_what_neon_is_about_to_delete_goes_first_whatever_the_tier_says(self, method: SnapshotMethod) -> None:
        old = kept(method, "a", "b")
        ended = NOON - timedelta(seconds=1)
        snapshots = tuple(replace(s, expires_at=ended) if s.name == "b" else s for s in old.snapshots or ())
        branches = tuple(replace(b, expires_at=ended) if b.name == "b" else b for b in old.branches or ())
        view = a_view(replace(old, snapshots=snapshots, branches=branches))
        for at_limit in AtLimit:
            assert steps(make_plan(fleet("new", method=method, at_limit=at_limit, limit=2), view)) == [
                "-b",
                "+new",
            ]

    def test_each_is_followed_by_what_it_makes_room_for(self, method: SnapshotMethod) -> None:
        now = fleet("v1", "v2", "v3", method=method, at_limit=REPLACING, limit=3)
        view = a_view(kept(method, "a", "b"))
        assert steps(make_plan(now, view)) == ["+v1", "-a", "+v2", "-b", "+v3"]


def test_the_shorter_of_two_windows_counts_whatever_is_managed() -> None:
    early = Snapshot("new", at=NOON - timedelta(hours=18))
    view = a_view(replace(kept(API), restore_window_seconds=6 * HOUR))
    assert not steps(make_plan(fleet(early), view, only=["snapshots"]))
    longer = a_view(replace(kept(API), restore_window_seconds=2 * DAY))
    assert steps(make_plan(fleet(early), longer, only=["snapshots"])) == ["+new"]
