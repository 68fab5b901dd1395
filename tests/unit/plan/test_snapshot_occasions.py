"""Snapshots before a downgrade and before a deletion: taken first where they fit, and no change of their own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import Overrides, Snapshot
from reconciler.desired.tier import AtLimit, Occasion, SnapshotMethod, SnapshotPolicy
from reconciler.live.project import LiveSnapshot
from reconciler.model.annotations import Purpose, creation_annotations
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.approval import approve
from reconciler.plan.concerns.snapshot_occasions import NONE_TAKEN
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from reconciler.plan.stage import Stage
from tests.harness.builders import (
    FREE_LIMITS,
    FREE_TIER,
    GIB,
    HISTORY_MAY_GO,
    NOON,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_organization,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

DAY = timedelta(days=1)
BOTH = (Occasion.DOWNGRADE, Occasion.DELETE)
ASKS = SnapshotPolicy(before=BOTH)
SILENT = SnapshotPolicy()
TODAY = f"before-downgrade-{NOON:%Y-%m-%d}"
LESS = Overrides(quota={"logical_size_bytes": 5 * GIB})
ROOT = a_branch(annotations=creation_annotations(fleet="prod", tenant="acme", run="run0"))


def fleet(
    tier: str = "pro", *, pro: SnapshotPolicy = ASKS, free: SnapshotPolicy = SILENT, **tenant: Any
) -> DesiredState:
    return a_fleet(
        a_tenant("acme", tier, **tenant),
        tiers=(replace(FREE_TIER, snapshots=free), replace(PRO_TIER, snapshots=pro)),
        organizations=(
            an_organization("free", limits=FREE_LIMITS),
            an_organization(
                "paid", limits=replace(FREE_LIMITS, snapshots=10, max_cu=16, restore_window_seconds=None)
            ),
        ),
    )


def taken(name: str, ago: timedelta) -> LiveSnapshot:
    return LiveSnapshot(f"snap-{name}", name, "br-p-acme", NOON - ago)


def earlier(days: int) -> LiveSnapshot:
    return taken(f"before-downgrade-{NOON - days * DAY:%Y-%m-%d}", days * DAY)


def pro(*snapshots: LiveSnapshot, **fields: Any) -> LiveProject:
    return a_pro_project(**{"branches": (ROOT,), "snapshots": snapshots, **fields})


def plan(
    now: DesiredState, project: LiveProject, base: DesiredState | None = None, at: datetime = NOON, **given: Any
) -> Plan:
    history = History(base if base is not None else fleet())
    made = make_plan(now, a_view(project), now=at, history=history)
    permissions = given.pop("permissions", Permissions())
    return guard(made, now, a_view(project), permissions, history=history, now=at)


def told(found: Plan) -> list[str]:
    return [
        {CreateSnapshot: "+", DeleteSnapshot: "-"}.get(type(action), "") + getattr(action, "snapshot", action.kind)
        for action in found.actions
    ]


def reasons(found: Plan) -> list[str]:
    return [note.message for note in found.notes if note.message.startswith(NONE_TAKEN)]


def test_it_comes_before_the_transfer_and_everything_that_takes_something() -> None:
    found = plan(fleet("free", accept=HISTORY_MAY_GO), pro())
    first, *others = found.actions
    assert isinstance(first, CreateSnapshot)
    assert (first.snapshot, first.branch, first.expires_at) == (TODAY, ROOT.name, None)
    assert first.reason == "before the downgrade: it stays until the next one"
    assert any(action.lowering for action in others)
    assert all(action.stage > Stage.SNAPSHOT_BEFORE for action in others)


def test_a_smaller_limit_in_the_same_tier_is_a_downgrade_and_a_larger_one_is_none() -> None:
    assert told(plan(fleet(overrides=LESS), pro()))[0] == f"+{TODAY}"
    more = Overrides(quota={"logical_size_bytes": 50 * GIB})
    assert told(plan(fleet(overrides=more), pro())) == ["patch_project"]


@pytest.mark.parametrize(("pro_policy", "free_policy"), [(ASKS, SILENT), (SILENT, ASKS)], ids=["left", "entered"])
def test_the_tier_that_is_left_or_entered_asks_for_it(
    pro_policy: SnapshotPolicy, free_policy: SnapshotPolicy
) -> None:
    base = fleet(pro=pro_policy, free=free_policy)
    now = fleet("free", pro=pro_policy, free=free_policy, accept=HISTORY_MAY_GO)
    assert told(plan(now, pro(), base))[0] == f"+{TODAY}"


def test_no_tier_asks_for_it_by_default() -> None:
    now = fleet("free", pro=SILENT, accept=HISTORY_MAY_GO)
    assert not [one for one in told(plan(now, pro(), fleet(pro=SILENT))) if "before" in one]


def test_the_tenants_own_file_decides_over_both_tiers() -> None:
    none = Overrides(quota=LESS.quota, snapshots_before=())
    assert told(plan(fleet(overrides=none), pro())) == ["patch_project"]
    own = Overrides(quota=LESS.quota, snapshots_before=(Occasion.DOWNGRADE,))
    assert told(plan(fleet(overrides=own, pro=SILENT), pro(), fleet(pro=SILENT)))[0] == f"+{TODAY}"


def test_a_suspension_is_no_downgrade() -> None:
    found = plan(fleet(suspended=True, reason="overdue"), pro())
    assert not [one for one in told(found) if "before" in one]


class TestRoom:
    def test_where_the_destination_has_none_the_plan_says_so_and_the_downgrade_goes_ahead(self) -> None:
        found = plan(fleet("free", accept=HISTORY_MAY_GO), pro(taken("mine", 9 * DAY)))
        assert "transfer_project" in told(found)
        assert not [one for one in told(found) if "before" in one]
        (why,) = reasons(found)
        assert "organization free allows 1 snapshot per project, and it has 1" in why
        assert "delete a snapshot by hand, or set tiers.free.snapshots.at_limit: replace_oldest" in why

    def test_a_declared_snapshot_that_has_still_to_be_taken_comes_first(self) -> None:
        now = fleet("free", accept=HISTORY_MAY_GO, snapshots=(Snapshot("v1"),))
        found = plan(now, pro())
        assert "+v1" in told(found)
        assert reasons(found)

    def test_the_oldest_goes_before_it_where_the_tier_says_so_and_nothing_moves(self) -> None:
        replacing = SnapshotPolicy(AtLimit.REPLACE_OLDEST, before=BOTH)
        base = fleet("free", free=replacing, overrides=Overrides(quota={"data_transfer_bytes": 9 * GIB}))
        live = replace(a_project(branches=(ROOT,)), snapshots=(taken("mine", 9 * DAY),))
        live = replace(live, quota=replace(live.quota, data_transfer_bytes=9 * GIB))  # type: ignore[type-var]
        found = plan(fleet("free", free=replacing), live, base)
        assert told(found) == ["-mine", f"+{TODAY}", "patch_project"]

    def test_before_a_transfer_nothing_goes_that_the_transfer_itself_does_not_need(self) -> None:
        replacing = SnapshotPolicy(AtLimit.REPLACE_OLDEST)
        now = fleet("free", free=replacing, accept=HISTORY_MAY_GO)
        found = list(plan(now, pro(taken("mine", 9 * DAY)), fleet(free=replacing)).actions)
        assert isinstance(found[0], CreateSnapshot)
        (leaving,) = [action for action in found if isinstance(action, DeleteSnapshot)]
        assert (leaving.snapshot, leaving.stage) == ("mine", Stage.MAKE_ROOM)


class TestRetention:
    def test_the_oldest_of_its_kind_goes_right_after_it(self) -> None:
        found = plan(fleet(overrides=LESS), pro(earlier(20), taken("mine", 30 * DAY)))
        assert told(found) == [f"+{TODAY}", f"-{earlier(20).name}", "patch_project"]

    def test_as_many_stay_as_the_tier_says(self) -> None:
        policy = replace(ASKS, keep_before=2)
        found = plan(fleet(overrides=LESS, pro=policy), pro(earlier(30), earlier(20)), fleet(pro=policy))
        assert told(found) == [f"+{TODAY}", f"-{earlier(30).name}", "patch_project"]

    def test_a_declared_one_never_goes_and_neither_does_one_that_is_older_than_its_name(self) -> None:
        forged = taken(f"before-downgrade-{NOON - 3 * DAY:%Y-%m-%d}", 40 * DAY)
        now = fleet(overrides=LESS, snapshots=(Snapshot(earlier(20).name),))
        assert told(plan(now, pro(earlier(20), forged))) == [f"+{TODAY}", "patch_project"]

    def test_one_of_the_last_day_is_enough_and_the_older_ones_still_go(self) -> None:
        fresh = earlier(0)
        assert told(plan(fleet(overrides=LESS), pro(fresh))) == ["patch_project"]
        late = NOON.replace(hour=0) + DAY + timedelta(hours=1)
        assert told(plan(fleet(overrides=LESS), pro(fresh), at=late)) == ["patch_project"]
        assert told(plan(fleet(overrides=LESS), pro(earlier(9), fresh))) == [
            f"-{earlier(9).name}",
            "patch_project",
        ]

    def test_without_a_downgrade_nothing_is_planned(self) -> None:
        assert plan(fleet(), pro(earlier(30), earlier(20))).empty


class TestARefusedDowngrade:
    def test_takes_no_snapshot_and_does_not_show_one(self) -> None:
        found = plan(fleet("free"), pro(taken("mine", DAY)))
        assert found.empty
        assert [refusal.rule for refusal in found.refusals] == [Rule.DOWNGRADE_PROOF]
        assert all("before" not in getattr(a, "snapshot", "") for r in found.refusals for a in r.actions)
        assert not reasons(found)

    def test_nor_does_one_without_a_cause(self) -> None:
        raised = pro()
        raised = replace(raised, quota=replace(raised.quota, logical_size_bytes=99 * GIB))  # type: ignore[type-var]
        assert plan(fleet(), raised).empty
        permitted = plan(fleet(), raised, permissions=Permissions(lowering=True))
        assert told(permitted) == [f"+{TODAY}", "patch_project"]

    def test_of_a_protected_tenant_nothing_goes(self) -> None:
        found = plan(fleet(overrides=LESS, protect=True), pro(earlier(20)))
        assert found.empty


class TestADeletion:
    def test_is_preceded_by_one_of_the_tier_that_the_tenant_had(self) -> None:
        first, second = plan(fleet("-", absent=True), pro(), fleet()).actions
        assert isinstance(first, CreateSnapshot)
        assert first.snapshot == f"before-delete-{NOON:%Y-%m-%d}"
        assert first.reason == "before the deletion: it is deleted with the project"
        assert second.kind == "delete_project"

    def test_goes_ahead_without_one_where_there_is_no_room(self) -> None:
        base = fleet("free", free=ASKS)
        live = a_project(branches=(ROOT,), snapshots=(taken("mine", DAY),))
        found = plan(fleet("-", absent=True), live, base)
        assert told(found) == ["delete_project"]
        (why,) = reasons(found)
        assert why.startswith(
            f"{NONE_TAKEN}deletion: organization free allows 1 snapshot per project, and it has 1"
        )
        assert "for a copy that stays, use `apply --dump-to`" in why

    def test_that_is_refused_takes_none(self) -> None:
        found = plan(fleet("-", absent=True), pro(branches=(a_branch(annotations={}),)), fleet())
        assert found.empty
        assert [refusal.rule for refusal in found.refusals] == [Rule.OWNERSHIP]


def test_by_the_method_of_branches_it_is_a_branch_without_a_compute() -> None:
    policy = SnapshotPolicy(method=SnapshotMethod.BRANCH, before=BOTH)
    first, second = plan(fleet(overrides=LESS, pro=policy), pro(), fleet(pro=policy)).actions
    assert isinstance(first, CreateBranch)
    assert (first.branch, first.purpose, first.with_compute) == (TODAY, Purpose.SNAPSHOT, False)
    assert second.kind == "patch_project"


def test_a_child_branch_as_the_default_one_has_no_snapshot_and_the_plan_says_why() -> None:
    child = replace(ROOT, parent_id="br-old")
    old = a_branch(id="br-old", name="old", default=False)
    found = plan(fleet(overrides=LESS), pro(branches=(child, old)))
    assert told(found) == ["patch_project"]
    assert "has a parent branch" in reasons(found)[0]


def test_a_saved_plan_of_the_day_before_permits_the_snapshot_of_today() -> None:
    saved = plan(fleet(overrides=LESS), pro(), at=NOON - DAY)
    fresh = plan(fleet(overrides=LESS), pro())
    assert told(saved) != told(fresh)
    approval = approve(fresh, saved)
    assert not approval.stale
    assert told(approval.plan) == told(fresh)


def test_snapshots_are_read_only_of_a_tenant_that_loses_something_in_such_a_tier() -> None:
    unread = pro(snapshots=None, branches=None, endpoints=None)
    history = History(fleet())

    def reads(now: DesiredState) -> tuple[str, ...]:
        return PlanRequirements(history=history).details(now, a_view(unread)).snapshots

    assert reads(fleet(overrides=LESS)) == (unread.id,)
    assert reads(fleet()) == ()
    assert reads(fleet(overrides=LESS, pro=SILENT)) == (unread.id,)
    assert (
        PlanRequirements(history=History(fleet(pro=SILENT)))
        .details(fleet(overrides=LESS, pro=SILENT), a_view(unread))
        .snapshots
        == ()
    )
    assert reads(fleet("-", absent=True)) == (unread.id,)
