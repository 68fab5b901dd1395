"""Late turns: what is said of the actions of the first plan that a plan made now lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tier import AtLimit, SnapshotPolicy
from reconciler.live.project import SNAPSHOTS as WITH_SNAPSHOTS
from reconciler.live.project import LiveSnapshot, Needs
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.plan.late_turn import DONE, UNREAD, Halt, judge, with_unread
from reconciler.plan.outcome import GONE
from reconciler.plan.plan import Refusal, Rule
from tests.harness.builders import (
    FREE_TIER,
    NOON,
    PRO_TIER,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan, TenantPlan

SNAPSHOTS = tuple(LiveSnapshot(f"snap-{name}", name, "br-p-acme", NOON) for name in ("a", "b"))
BEFORE = a_pro_project(snapshots=SNAPSHOTS)
TIERS = (replace(FREE_TIER, snapshots=SnapshotPolicy(AtLimit.REPLACE_OLDEST)), PRO_TIER)


def deletion() -> tuple[TenantPlan, Plan]:
    """A plan of one deletion, which a move needs, and a later one that needs none."""
    plan = make_plan(a_fleet(a_tenant(), tiers=TIERS), a_view(BEFORE))
    (tenant,) = plan.tenants
    actions = tuple(action for action in tenant.actions if action.kind == "delete_snapshot")
    assert len(actions) == 1
    return replace(tenant, actions=actions), replace(plan, tenants=())


@pytest.mark.parametrize(("left", "told"), [((), GONE), (SNAPSHOTS[1:], GONE), (SNAPSHOTS, DONE)])
def test_a_snapshot_is_told_as_gone_where_the_project_has_it_no_more(
    left: tuple[LiveSnapshot, ...], told: str
) -> None:
    planned, fresh = deletion()
    turn = judge(planned, fresh, replace(BEFORE, snapshots=left))
    assert (turn.done, turn.held) == ({planned.actions[0]: told}, {})


def test_a_snapshot_of_which_nothing_was_read_is_not_told_as_gone() -> None:
    planned, fresh = deletion()
    turn = judge(planned, fresh, replace(BEFORE, snapshots=None))
    assert not turn.done
    assert [halt.message for halt in turn.held.values()] == [UNREAD]
    assert not turn.clear


def test_details_that_actions_need_are_asked_for_once_and_not_where_they_are_known() -> None:
    unread, known = a_project(details=False), a_project(snapshots=())
    wanted = with_unread(Needs(branches=("p-acme",), projects=("x",)), unread, WITH_SNAPSHOTS)
    assert wanted == Needs(branches=("p-acme",), projects=("x",), snapshots=("p-acme",))
    assert with_unread(Needs(), known, WITH_SNAPSHOTS) == Needs()


@pytest.mark.parametrize(
    "changed",
    [
        {"organization": "free"},
        {"name": "mine"},
        {"restore_window_seconds": 3600},
        {"quota": Quota(active_time_seconds=1)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_project_that_is_no_longer_what_the_plan_has_shown_is_not_deleted(changed: dict[str, Any]) -> None:
    absent = a_fleet(a_tenant(absent=True, project_id=BEFORE.id))
    plan = make_plan(absent, a_view(BEFORE))
    (tenant,) = plan.tenants
    assert [action.kind for action in tenant.actions] == ["delete_project"]
    assert judge(tenant, plan, BEFORE).clear
    turn = judge(tenant, plan, replace(BEFORE, **changed))
    assert turn.halt is not None
    assert "changed since the plan was made" in turn.halt.message


@pytest.mark.parametrize("command", ["restore", "rollback"])
def test_a_command_that_is_refused_as_a_whole_halts_its_turn_and_one_value_that_stays_does_not(
    command: str,
) -> None:
    tenant, plan = deletion()
    refused = replace(
        plan, command=command, refusals=(Refusal(Rule.CANNOT_BE_DONE, (tenant.tenant,), "no", "wait", ()),)
    )
    assert judge(tenant, replace(refused, tenants=(tenant,)), BEFORE).clear
    assert judge(tenant, refused, BEFORE).halt == Halt("no", "wait")
