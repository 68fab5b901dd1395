"""A copy that exists counts, however it is kept: it is not deleted, and not replaced by a copy of today."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import AtLimit, SnapshotMethod
from reconciler.model.annotations import Purpose
from reconciler.model.values import replace
from reconciler.plan.actions.branch import PatchBranch
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import NOON, a_branch, a_project, a_view, guarded_plan, make_plan
from tests.unit.plan.test_branches import by_hand, ours
from tests.unit.plan.test_snapshots import METHODS, fleet, kept, steps

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject

API, BRANCH = SnapshotMethod.API, SnapshotMethod.BRANCH
WAYS = pytest.mark.parametrize(("was", "becomes"), [(API, BRANCH), (BRANCH, API)], ids=["to branch", "to api"])


@WAYS
def test_another_method_is_that_of_new_ones(was: SnapshotMethod, becomes: SnapshotMethod) -> None:
    live = a_view(kept(was, "v1"))
    now, base = fleet("v1", "v2", method=becomes), fleet("v1", method=was)
    plan = make_plan(now, live, base=base)
    assert steps(plan) == ["+v2"]
    assert not plan.refusals
    assert ["'v1' exists as" in note.message for note in plan.notes] == [True], "told once"
    assert not make_plan(fleet("v1", method=becomes), live, base=fleet("v1", method=becomes)).notes


@WAYS
def test_nothing_is_lost_by_another_method(was: SnapshotMethod, becomes: SnapshotMethod) -> None:
    live = a_view(kept(was, "v1"))
    for base in (fleet("v1", method=was), fleet("v1", method=becomes)):
        plan = make_plan(fleet("v1", method=becomes, at_limit=AtLimit.REPLACE_OLDEST), live, base=base)
        assert plan.empty
        assert not plan.refusals


@WAYS
def test_one_that_is_kept_the_other_way_is_lost_once_it_vanishes(
    was: SnapshotMethod, becomes: SnapshotMethod
) -> None:
    plan = make_plan(fleet("v1", method=becomes), a_view(kept(was)), base=fleet("v1", method=was))
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.LOST_SNAPSHOT]


def test_the_expiry_of_one_that_is_kept_the_other_way_is_compared_too() -> None:
    until, later = NOON + timedelta(days=3), NOON + timedelta(days=4)
    base = fleet(Snapshot("v1", expires_at=until), method=BRANCH)
    branch = kept(BRANCH, "v1").branches
    assert branch is not None
    live = a_view(a_project(branches=(branch[0], replace(branch[1], expires_at=until))))
    (patch,) = make_plan(fleet(Snapshot("v1", expires_at=later)), live, base=base).actions
    assert isinstance(patch, PatchBranch)
    assert patch.expires_at == later


def test_neons_own_snapshots_are_read_where_one_is_not_among_the_branches() -> None:
    files = fleet("v1", method=BRANCH)
    unread = replace(kept(BRANCH), snapshots=None)
    assert PlanRequirements().details(files, a_view(unread)).snapshots == ("p-acme",)
    assert make_plan(files, a_view(unread)).empty, "nobody knows whether it is there"
    assert not PlanRequirements().details(files, a_view(replace(kept(BRANCH, "v1"), snapshots=None)))


class TestADevelopmentBranchThatBecomesASnapshot:
    BASE = replace(fleet(), tenants=fleet(dev_branches=(DevBranch("v1"),)).tenants)
    LIVE = a_view(a_project(branches=(a_branch(), ours("v1"))))

    @METHODS
    def test_is_the_snapshot_and_neither_deleted_nor_replaced(self, method: SnapshotMethod) -> None:
        now = fleet("v1", method=method, dev_branches=())
        history = History(self.BASE)
        plan = guarded_plan(now, self.LIVE, history=history)
        assert plan.empty
        assert not plan.refusals
        assert ["'v1'" in note.message for note in plan.notes] == [True], "told once"
        second = make_plan(now, self.LIVE, base=now)
        assert second.empty, "nor by the next run"
        assert not second.notes

    @METHODS
    def test_that_was_renamed_is_it_too(self, method: SnapshotMethod) -> None:
        live = a_view(a_project(branches=(a_branch(), ours("keep-this", "v1"))))
        assert make_plan(fleet("v1", method=method, dev_branches=()), live, base=self.BASE).empty

    @METHODS
    def test_goes_where_there_is_another_copy(self, method: SnapshotMethod) -> None:
        other = kept(method, "v1")
        branches = (*(other.branches or ()), replace(ours("dev", "v1"), name="dev"))
        live = a_view(replace(other, branches=branches))
        base = fleet("v1", method=method, dev_branches=(DevBranch("v1"),))
        plan = make_plan(fleet("v1", method=method, dev_branches=()), live, base=base)
        assert not steps(plan)

    def test_goes_where_nothing_is_called_so_any_more(self) -> None:
        assert steps(make_plan(fleet(dev_branches=()), self.LIVE, base=self.BASE)) == ["delete_branch"]


@METHODS
def test_a_snapshot_that_becomes_a_development_branch_gives_way_to_none(method: SnapshotMethod) -> None:
    """It was made as a snapshot, and is a branch now because the file says so."""
    now = fleet("new", method=method, at_limit=AtLimit.REPLACE_OLDEST, limit=1, dev_branches=(DevBranch("v1"),))
    plan = make_plan(now, a_view(kept(BRANCH, "v1")), base=fleet("v1", method=BRANCH))
    assert steps(plan) == ["+new"]


class TestASnapshotBranchThatSomebodyRenamed:
    def live(self, *names: str) -> LiveProject:
        found = [ours("keep-this", "v1", purpose=Purpose.SNAPSHOT), *(by_hand(name) for name in names)]
        return a_project(branches=(a_branch(), *found))

    def test_still_is_the_snapshot(self) -> None:
        files = fleet("v1", method=BRANCH)
        plan = make_plan(files, a_view(self.live()), base=files)
        assert plan.empty
        assert not plan.refusals

    def test_gets_its_expiry_under_its_new_name(self) -> None:
        until = NOON + timedelta(days=3)
        now, base = fleet(Snapshot("v1", expires_at=until), method=BRANCH), fleet("v1", method=BRANCH)
        (patch,) = make_plan(now, a_view(self.live()), base=base).actions
        assert isinstance(patch, PatchBranch)
        assert patch.branch == "keep-this"

    def test_never_gives_way(self) -> None:
        files = fleet("v2", method=BRANCH, at_limit=AtLimit.REPLACE_OLDEST)
        plan = make_plan(files, a_view(self.live()), base=fleet("v1", method=BRANCH))
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.SNAPSHOT_LIMIT]

    def test_leaves_its_name_to_a_branch_that_has_it(self) -> None:
        files = fleet("v1", method=BRANCH, limit=2)
        plan = make_plan(files, a_view(self.live("v1")), base=files)
        assert plan.empty
