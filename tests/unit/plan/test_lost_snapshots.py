"""A declared snapshot that was there and vanished is lost: reported, and not taken again of today by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.cli import exit_codes
from reconciler.desired.tenant import Snapshot
from reconciler.desired.tier import AtLimit, SnapshotMethod
from reconciler.errors import ExitCode
from reconciler.model.values import replace
from reconciler.plan.actions.snapshot import CreateSnapshot
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from reconciler.views import markdown
from reconciler.views.view import PlanView
from tests.harness.builders import NOON, a_project, a_tenant, a_view, guarded_plan, make_plan
from tests.unit.plan.test_snapshots import METHODS, fleet, kept, steps

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.plan.plan import Plan

RETAKEN = Snapshot("v1", retake=True)


def planned(now: DesiredState, base: DesiredState | None, method: SnapshotMethod = SnapshotMethod.API) -> Plan:
    history, view = History(base), a_view(kept(method))
    return guarded_plan(now, view, history=history)


@METHODS
def test_one_that_the_base_declares_is_not_taken_again(method: SnapshotMethod) -> None:
    files = fleet("v1", method=method)
    plan = planned(files, files, method)
    assert plan.empty
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.LOST_SNAPSHOT
    assert "'v1' was declared before and no longer exists" in refusal.message
    assert "retake: true" in refusal.remedy
    assert not refusal.asked_for, "no commit asks for it"
    assert exit_codes.of_drift(plan, ()) is ExitCode.CHANGES
    assert exit_codes.of_plan(plan, (), detailed=False) is ExitCode.DONE
    assert "lost-snapshot" in markdown.render(PlanView(plan))


@METHODS
def test_one_that_a_commit_declares_for_the_first_time_is_taken(method: SnapshotMethod) -> None:
    now, base = fleet("v1", "v2", method=method, limit=2), fleet("v1", method=method, limit=2)
    view = a_view(kept(method, "v1"))
    assert steps(make_plan(now, view, base=base)) == ["+v2"]
    assert steps(make_plan(now, view)) == ["+v2"], "without a base nothing was declared"


def test_the_others_of_the_tenant_are_taken_all_the_same() -> None:
    plan = planned(fleet("v1", "v2", limit=2), fleet("v1", limit=2))
    assert steps(plan) == ["+v2"]
    assert [refusal.rule for refusal in plan.refusals] == [Rule.LOST_SNAPSHOT]


def test_nothing_gives_way_to_one_that_is_lost() -> None:
    view = a_view(kept(SnapshotMethod.API, "old"))
    files = fleet("v1", at_limit=AtLimit.REPLACE_OLDEST)
    plan = make_plan(files, view, base=files)
    assert plan.empty


@METHODS
@pytest.mark.parametrize("base", [("v1",), (RETAKEN,)], ids=["a commit adds retake", "it stands there"])
def test_the_file_can_have_it_taken_again(method: SnapshotMethod, base: tuple[str | Snapshot, ...]) -> None:
    plan = planned(fleet(RETAKEN, method=method), fleet(*base, method=method), method)
    assert steps(plan) == ["+v1"]
    assert not plan.refusals


def test_a_commit_that_says_retake_asks_for_it_and_what_stands_there_is_drift() -> None:
    for base, origin in ((fleet("v1"), Origin.CONFIG), (fleet(RETAKEN), Origin.DRIFT)):
        (take,) = planned(fleet(RETAKEN), base).actions
        assert isinstance(take, CreateSnapshot)
        assert [change.origin for change in take.changes] == [origin]


def test_retake_takes_nothing_while_the_snapshot_is_there() -> None:
    view = a_view(kept(SnapshotMethod.API, "v1"))
    plan = make_plan(fleet(RETAKEN), view, base=fleet("v1"))
    assert plan.empty
    assert [change.path for change in plan.file_changes] == ["retake"], "and is told"


def test_one_that_has_expired_is_not_taken_again_by_a_later_expiry() -> None:
    ended, longer = NOON - timedelta(days=1), NOON + timedelta(days=9)
    base = fleet(Snapshot("v1", expires_at=ended))
    assert planned(base, base).empty
    assert not planned(base, base).refusals, "it is wanted no more"
    for until in (longer, None):
        plan = planned(fleet(Snapshot("v1", expires_at=until)), base)
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.LOST_SNAPSHOT]


def test_where_the_history_is_not_known_nobody_can_tell_whether_it_was_there() -> None:
    files = fleet("v1")
    view = a_view(kept(SnapshotMethod.API))
    for history in (History(lost=True), History(files, owed={"acme": None})):
        plan = guarded_plan(files, view, history=history)
        assert plan.empty
        (refusal,) = plan.refusals
        assert refusal.rule is Rule.LOST_SNAPSHOT
        assert "cannot be read here" in refusal.message
        assert refusal.asked_for


def test_a_tenant_keeps_what_its_own_base_says() -> None:
    files = fleet("v1")
    bare = replace(files, tenants={"acme": a_tenant(snapshots=())})
    view = a_view(kept(SnapshotMethod.API))
    assert steps(make_plan(files, view, history=History(files, owed={"acme": Baseline(bare)}))) == ["+v1"]
    assert make_plan(files, view, history=History(bare, owed={"acme": Baseline(files)})).empty


def test_a_project_that_is_made_anew_gets_its_snapshots() -> None:
    files = fleet("v1")
    assert steps(make_plan(files, a_view(), base=files)) == ["create_project", "+v1"]


def test_what_was_not_read_is_not_lost() -> None:
    files = fleet("v1")
    assert not make_plan(files, a_view(a_project(snapshots=None)), base=files).refusals
