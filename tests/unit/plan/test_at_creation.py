"""What counts at creation only and is changed by a commit is refused, never in sync."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.cli import exit_codes
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import DevBranch, Pins, Snapshot
from reconciler.errors import ExitCode
from reconciler.live.project import LiveSnapshot
from reconciler.model.values import replace
from reconciler.plan.applied import FinishedRun, tenant_states
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from reconciler.plan.outcome import Report
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

PLAIN = DevBranch("dev")
DEV = a_branch(id="br-dev", name="dev", default=False, parent_id="br-p-acme")
COMPUTES = (an_endpoint(), an_endpoint(id="ep-dev", branch_id="br-dev"))
LIVE = a_view(a_project(branches=(a_branch(), DEV), endpoints=COMPUTES))


def planned(now: Tenant, before: Tenant, fork: Tenant | None = None, live: LiveState = LIVE) -> Plan:
    history = History(a_fleet(before), None if fork is None else a_fleet(fork))
    return guarded_plan(a_fleet(now), live, history=history)


def with_branch(branch: DevBranch = PLAIN) -> Tenant:
    return a_tenant(dev_branches=(branch,))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (replace(PLAIN, schema_only=True), "schema_only"),
        (replace(PLAIN, parent="staging"), "parent"),
        (replace(PLAIN, at=NOON - timedelta(hours=1)), "at"),
    ],
)
def test_a_live_branch_that_is_to_have_been_made_otherwise(changed: DevBranch, word: str) -> None:
    plan = planned(with_branch(changed), with_branch())
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.MADE_AT_CREATION
    assert refusal.asked_for
    assert f"branch 'dev' exists, and the file changes its {word}" in refusal.message
    assert not planned(with_branch(changed), with_branch(changed)).refusals, "as it was applied"
    assert not planned(with_branch(changed), with_branch(), with_branch(changed)).refusals, "older than the base"


def test_a_branch_that_a_commit_made_which_is_half_done() -> None:
    fleet, tried = a_fleet(with_branch(replace(PLAIN, schema_only=True))), (Baseline(a_fleet(with_branch())),)
    known, new = (History(a_fleet(*before), tried={"acme": tried}) for before in ([a_tenant()], []))
    for history in (known, new):
        (refusal,) = make_plan(fleet, LIVE, history=history).refusals
        assert refusal.rule is Rule.MADE_AT_CREATION


def after_a_try(now: Tenant, base: Tenant, tried: Tenant) -> Plan:
    """Of files of which the commit before was tried, and something else of it was done."""
    history = History(a_fleet(base), tried={"acme": (Baseline(a_fleet(tried)),)})
    return guarded_plan(a_fleet(now), LIVE, history=history)


def test_a_change_that_was_refused_can_be_taken_back() -> None:
    otherwise = with_branch(replace(PLAIN, schema_only=True))
    assert not after_a_try(with_branch(), with_branch(), otherwise).refusals
    (refusal,) = after_a_try(otherwise, with_branch(), otherwise).refusals
    assert refusal.rule is Rule.MADE_AT_CREATION


def test_a_pin_that_was_refused_is_refused_again() -> None:
    first, other, default = (a_tenant(pins=Pins(database=name)) for name in ("first", "other", "neondb"))
    for now in (other, default):
        (refusal,) = after_a_try(now, first, other).refusals
        assert refusal.rule is Rule.MADE_AT_CREATION
    assert not after_a_try(first, first, other).refusals


@pytest.mark.parametrize(
    ("pins", "told"),
    [
        (Pins(database="other"), "database is other in the file, but the project was created with neondb"),
        (Pins(branch="other"), "branch is other in the file, but the project was created with main"),
        (Pins(role="other"), "role is other in the file, but the project was created with neondb_owner"),
        (
            Pins(region="elsewhere"),
            "region is elsewhere in the file, but the project was created with aws-us-east-2",
        ),
        (Pins(pg_version=18), "pg_version is 18 in the file, but the project was created with 17"),
    ],
)
def test_a_pin_that_a_commit_changed(pins: Pins, told: str) -> None:
    plan = planned(a_tenant(pins=pins), a_tenant())
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.MADE_AT_CREATION
    assert told in refusal.message
    assert "a project is never deleted" in refusal.remedy
    assert not plan.conflicts
    assert not planned(a_tenant(pins=Pins(database="neondb")), a_tenant()).refusals, "it says what is so"


def test_a_pin_that_no_commit_changed_and_that_differs_is_a_conflict() -> None:
    pinned = a_tenant(pins=Pins(region="elsewhere"))
    plan = planned(pinned, pinned)
    assert not plan.refusals
    assert [conflict.asked_for for conflict in plan.conflicts] == [False]
    both = planned(a_tenant(pins=Pins(region="elsewhere", pg_version=18)), pinned)
    assert ["region" in conflict.message for conflict in both.conflicts] == [True], "of what no commit changed"
    assert [conflict.asked_for for conflict in both.conflicts] == [True], "beside it, one changed the version"


SOON, LATER = NOON + timedelta(days=1), NOON + timedelta(days=2)
TAKEN = LiveSnapshot("snap-1", "v1", "br-p-acme", NOON - timedelta(days=1), SOON)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (Snapshot("v1", expires_at=LATER), "expires_at"),
        (Snapshot("v1"), "expires_at"),
        (Snapshot("v1", at=NOON - timedelta(hours=1), expires_at=SOON), "at"),
    ],
)
def test_a_live_snapshot_that_is_to_have_been_taken_otherwise(changed: Snapshot, word: str) -> None:
    """Neon changes no expiry of a snapshot, and none holds another moment than the one it was taken of."""
    before = a_tenant(snapshots=(Snapshot("v1", expires_at=SOON),))
    live = a_view(a_project(snapshots=(TAKEN,)))
    plan = planned(a_tenant(snapshots=(changed,)), before, live=live)
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.MADE_AT_CREATION
    assert f"snapshot 'v1' exists, and the file changes its {word}" in refusal.message
    assert refusal.asked_for
    assert plan.empty
    alike = planned(before, before, live=live)
    assert not alike.refusals
    assert not alike.notes


def test_an_expiry_of_a_snapshot_that_differs_by_itself_is_reported() -> None:
    """Neon deletes it then, whatever the file says."""
    tenant = a_tenant(snapshots=(Snapshot("v1"),))
    plan = planned(tenant, tenant, live=a_view(a_project(snapshots=(TAKEN,))))
    (refusal,) = plan.refusals
    assert "expires_at of snapshot 'v1' is 2030-05-05T12:00:00Z, but not set in the file" in refusal.message
    assert refusal.rule is Rule.SNAPSHOT_EXPIRY
    assert not refusal.asked_for
    assert exit_codes.of_drift(plan, ()) is ExitCode.CHANGES


def test_a_tenant_who_was_refused_is_refused_again_by_its_own_base() -> None:
    """The fleet's base has moved on to the files at hand; this tenant's has not."""
    now, before = a_fleet(with_branch(replace(PLAIN, schema_only=True))), a_fleet(with_branch())
    history = History(now, owed={"acme": Baseline(before)})
    assert [refusal.rule for refusal in make_plan(now, LIVE, history=history).refusals] == [Rule.MADE_AT_CREATION]


def test_a_tenant_with_such_a_change_keeps_its_base() -> None:
    """Else the next run would find nothing that changed, and call it in sync."""
    now, before = a_fleet(with_branch(replace(PLAIN, schema_only=True))), a_fleet(with_branch())
    history = History(before)
    plan = guarded_plan(now, LIVE, history=history)
    report = Report("r1", NOON, NOON, (), 0)
    ended = FinishedRun(
        desired=now, history=history, plan=plan, report=report, selection=Selection(), complete=True
    )
    assert dict(tenant_states(ended)) == {"acme": False}


def test_without_a_base_nobody_can_tell() -> None:
    files = a_fleet(with_branch(replace(PLAIN, schema_only=True)))
    assert not make_plan(files, LIVE).refusals
