"""A boost raises until its end. Its end is the cause that takes back what it granted, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply.run.planned import Planned
from reconciler.desired.policy import Policy, Threshold, Thresholds
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import Accepted, Boost, Overrides, Reduction
from reconciler.fleet.context import Files
from reconciler.fleet.planning import differences, permit
from reconciler.fleet.request import Request
from reconciler.model.compute import Compute
from reconciler.model.quota import Consumption
from reconciler.model.values import replace
from reconciler.plan.applied import Applied, FinishedRun, advanced
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.late_turn import judge
from reconciler.plan.outcome import ActionOutcome, Report, Result, TenantOutcome
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HOUR,
    NOON,
    PRO_TIER,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    make_plan,
)

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

DAY = timedelta(days=1)
LAUNCH = Boost(NOON + DAY, {"active_time_seconds": 500 * HOUR}, reason="a launch")
PLAIN = a_fleet(a_tenant())
BOOSTED = a_fleet(a_tenant(boosts=(LAUNCH,)))
RAISED = a_project(quota=replace(FREE_QUOTA, active_time_seconds=500 * HOUR))
BESIDE_ANOTHER = a_fleet(a_tenant(), a_tenant("zoe", absent=True, boosts=(replace(LAUNCH, until=NOON + 9 * DAY),)))
"""The same as PLAIN, in a fleet in which something else will end."""
DURING, AFTER = NOON, NOON + 2 * DAY


def planned(
    now: DesiredState, project: LiveProject, before: DesiredState | None, at: datetime, **history: Any
) -> Plan:
    live, past = a_view(project), History(before, **history)
    plan = make_plan(now, live, history=past, now=at)
    dated = now.at(at)
    return guard(plan, dated, live, history=past.under(dated), now=at)


def recorded(now: DesiredState, project: LiveProject, before: DesiredState, at: datetime) -> Applied:
    """The base after a run on the next commit in which everything that is planned is applied."""
    plan, dated = planned(now, project, before, at), now.at(at)
    done = [
        TenantOutcome(
            one.tenant, Result.APPLIED, tuple(ActionOutcome(a, Result.APPLIED) for a in one.actions), None
        )
        for one in plan.tenants
    ]
    ended = FinishedRun(
        desired=dated,
        history=History(before).under(dated),
        plan=plan,
        report=Report("run", at, at, tuple(done), 1),
        selection=Selection(),
        complete=True,
    )
    return advanced(Applied("base"), "head", ended, lambda older, newer: (older, newer) == ("base", "head"))


def changes(plan: Plan) -> dict[str, tuple[Any, Any, Origin]]:
    return {c.path: (c.before, c.after, c.origin) for action in plan.actions for c in action.changes}


def test_a_boost_raises_until_its_end() -> None:
    plan = planned(BOOSTED, a_project(), PLAIN, DURING)
    assert changes(plan) == {"quota.active_time_seconds": (100 * HOUR, 500 * HOUR, Origin.CONFIG)}
    assert [a.reason for a in plan.actions] == [
        "differs from tier free, boost until 2030-05-05T12:00:00Z (a launch)"
    ]
    assert planned(BOOSTED, RAISED, BOOSTED, NOON + DAY - timedelta(seconds=1)).empty


@pytest.mark.parametrize("now", [PLAIN, BESIDE_ANOTHER], ids=["alone", "beside another one"])
def test_who_takes_an_ended_one_out_of_the_file_asks_for_nothing(now: DesiredState) -> None:
    """Nothing in these files may end any more: the earlier ones are judged by the same time all the same."""
    granted = a_project(quota=replace(FREE_QUOTA, active_time_seconds=700 * HOUR))
    found = planned(now, granted, BOOSTED, AFTER)
    assert found.empty
    assert [one.rule for one in found.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
    assert changes(planned(now, RAISED, BOOSTED, AFTER)) == {
        "quota.active_time_seconds": (500 * HOUR, 100 * HOUR, Origin.CONFIG)
    }


def test_ended_ones_that_nothing_declares_any_more_fill_no_threshold() -> None:
    """The guards judge earlier files by the time of the plan, also where nothing in these files ends."""
    one = Policy(thresholds=Thresholds(disruptive=Threshold(1, 0)))
    larger = a_tenant("acme", overrides=Overrides(compute=Compute(max_cu=1)))
    others = [a_tenant(name, boosts=(LAUNCH,)) for name in ("ben", "cleo")]
    before = a_fleet(a_tenant("acme"), *others, policy=one)
    files = Files(desired=a_fleet(larger, a_tenant("ben"), a_tenant("cleo"), policy=one), moment=AFTER)
    granted = replace(FREE_QUOTA, active_time_seconds=700 * HOUR)
    live = a_view(a_project(), *(a_project(each.name, quota=granted) for each in others))
    request = Request(history=History(before), selection=Selection(tenants=("acme",)))
    inputs, plan = differences(files, live, request, AFTER)
    permitted = permit(files, Planned(plan, live, AFTER, 0.0, inputs), request).plan
    assert [action.tenant for action in permitted.actions] == ["acme", "acme"]


def test_its_end_alone_takes_back_what_it_granted() -> None:
    plan = planned(BOOSTED, RAISED, BOOSTED, NOON + DAY)
    assert changes(plan) == {"quota.active_time_seconds": (500 * HOUR, 100 * HOUR, Origin.CONFIG)}
    assert [a.reason for a in plan.actions] == [
        "differs from tier free, boost until 2030-05-05T12:00:00Z (a launch) has ended"
    ]
    assert not plan.refusals


def test_a_boost_that_ended_before_anybody_applied_it_does_nothing() -> None:
    plan = planned(BOOSTED, a_project(), PLAIN, AFTER)
    assert plan.empty
    assert not plan.refusals
    assert "boost until 2030-05-05T12:00:00Z (a launch) has ended: remove it" in [n.message for n in plan.notes]


def test_its_end_takes_nothing_that_somebody_else_gave() -> None:
    more = a_project(quota=replace(FREE_QUOTA, active_time_seconds=600 * HOUR))
    plan = planned(BOOSTED, more, BOOSTED, AFTER)
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]


def test_its_end_takes_no_other_field() -> None:
    more = replace(RAISED, quota=replace(FREE_QUOTA, data_transfer_bytes=500 * HOUR * GIB))
    plan = planned(BOOSTED, more, BOOSTED, AFTER)
    assert plan.empty


@pytest.mark.parametrize(
    ("before", "history"),
    [
        (PLAIN, {}),  # the base never had it: what is live comes from elsewhere
        (None, {}),
        (BOOSTED, {"uncommitted": frozenset({"acme"})}),
        (BOOSTED, {"fork": PLAIN}),
        (BOOSTED, {"documents": frozenset({"acme"}), "files": BOOSTED}),
    ],
)
def test_a_boost_that_no_commit_declared_is_no_cause(before: DesiredState | None, history: dict[str, Any]) -> None:
    assert planned(BOOSTED, RAISED, before, AFTER, **history).empty


def test_files_that_are_older_than_a_longer_boost_take_nothing() -> None:
    longer = a_fleet(a_tenant(boosts=(replace(LAUNCH, until=NOON + 9 * DAY),)))
    plan = planned(BOOSTED, RAISED, longer, AFTER, fork=BOOSTED)
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.BASE_AHEAD]


def test_a_commit_that_ends_it_earlier_is_a_cause_like_any_other() -> None:
    for now in (PLAIN, a_fleet(a_tenant(boosts=(replace(LAUNCH, until=NOON - DAY),)))):
        plan = planned(now, RAISED, BOOSTED, DURING)
        assert changes(plan) == {"quota.active_time_seconds": (500 * HOUR, 100 * HOUR, Origin.CONFIG)}


def test_the_file_can_be_cleaned_up_at_the_end() -> None:
    plan = planned(PLAIN, RAISED, BOOSTED, AFTER)
    assert changes(plan) == {"quota.active_time_seconds": (500 * HOUR, 100 * HOUR, Origin.CONFIG)}


def test_an_owed_tenant_is_judged_by_its_own_base() -> None:
    plan = planned(BOOSTED, RAISED, BOOSTED, AFTER, owed={"acme": Baseline(PLAIN)})
    assert plan.empty


class TestUseAboveTheOldQuota:
    used = replace(RAISED, consumption=Consumption(200 * HOUR, 0, 0, 0))

    def test_is_refused_at_the_end(self) -> None:
        plan = planned(BOOSTED, self.used, BOOSTED, AFTER)
        assert plan.empty
        [refusal] = plan.refusals
        assert (refusal.rule, refusal.asked_for) == (Rule.DOWNGRADE_PROOF, True)
        assert "accept: {suspension: 500h -> 100h}" in refusal.remedy

    def test_unless_the_file_accepts_it(self) -> None:
        accepting = Accepted(suspension=(Reduction("500h", "100h"),))
        now = a_fleet(a_tenant(boosts=(LAUNCH,), accept=accepting))
        assert len(list(planned(now, self.used, BOOSTED, AFTER).actions)) == 1

    def test_is_no_drift_once_the_file_no_longer_declares_the_boost(self) -> None:
        """The run that refuses it keeps the tenant's base: no other commit tells what the boost granted."""
        for files in (PLAIN, BESIDE_ANOTHER):
            assert recorded(files, self.used, BOOSTED, AFTER).owed == {"acme": "base"}
        history = {"owed": {"acme": Baseline(BOOSTED)}}
        [refusal] = planned(BESIDE_ANOTHER, self.used, BESIDE_ANOTHER, AFTER, **history).refusals
        assert (refusal.rule, refusal.asked_for) == (Rule.DOWNGRADE_PROOF, True)

    def test_is_done_with_the_boost_once_it_is_taken_back(self) -> None:
        for project in (RAISED, a_project()):
            assert recorded(BESIDE_ANOTHER, project, BOOSTED, AFTER) == Applied("head")

    def test_or_a_new_period_begins(self) -> None:
        fresh = replace(self.used, consumption=Consumption(0, 0, 0, 0))
        assert len(list(planned(BOOSTED, fresh, BOOSTED, AFTER).actions)) == 1


class TestSeveralBoosts:
    sale = Boost(NOON + 3 * DAY, {"active_time_seconds": 300 * HOUR, "data_transfer_bytes": 0})
    files = a_fleet(a_tenant(boosts=(LAUNCH, sale)))

    def quota(self, at: datetime) -> tuple[int, int]:
        quota = self.files.at(at).settings(self.files.tenants["acme"]).quota
        assert quota is not None
        return quota.active_time_seconds // HOUR, quota.data_transfer_bytes // GIB

    def test_the_largest_counts_and_each_ends_by_itself(self) -> None:
        assert self.quota(NOON) == (500, 0)
        assert self.quota(NOON + DAY) == (300, 0)
        assert self.quota(NOON + 3 * DAY) == (100, 5)

    def test_the_end_of_the_larger_one_leaves_the_other(self) -> None:
        quota = replace(FREE_QUOTA, active_time_seconds=500 * HOUR, data_transfer_bytes=0)
        plan = planned(self.files, a_project(quota=quota), self.files, NOON + 2 * DAY)
        assert changes(plan) == {"quota.active_time_seconds": (500 * HOUR, 300 * HOUR, Origin.CONFIG)}

    def test_the_end_of_both_takes_what_either_left(self) -> None:
        for hours in (500, 300):
            quota = replace(FREE_QUOTA, active_time_seconds=hours * HOUR, data_transfer_bytes=0)
            plan = planned(self.files, a_project(quota=quota), self.files, NOON + 4 * DAY)
            assert changes(plan).keys() == {"quota.active_time_seconds", "quota.data_transfer_bytes"}
            assert not plan.refusals


class TestACompute:
    boost = Boost(NOON + DAY, compute=Compute(min_cu=2, max_cu=8))
    files = a_fleet(a_tenant(tier="pro", boosts=(boost,)))

    def test_is_raised_with_the_project_and_taken_back_with_it(self) -> None:
        raised = Compute(2, 8, 300)
        during = planned(self.files, a_pro_project(), a_fleet(a_tenant(tier="pro")), DURING)
        assert {a.kind for a in during.actions} == {"patch_project", "patch_endpoint"}
        project = a_pro_project(compute=raised, endpoints=(an_endpoint(compute=raised),))
        after = planned(self.files, project, self.files, AFTER)
        assert changes(after) == {
            "compute.min_cu": (2, 0.5, Origin.CONFIG),
            "compute.max_cu": (8, 4, Origin.CONFIG),
        }
        assert not after.refusals


def test_a_boost_is_on_top_of_an_override_and_never_below_it() -> None:
    own = Overrides(quota={"active_time_seconds": 900 * HOUR})
    files = a_fleet(a_tenant(boosts=(LAUNCH,), overrides=own))
    quota = files.settings(files.tenants["acme"]).quota
    assert quota is not None
    assert quota.active_time_seconds == 900 * HOUR


def test_a_raise_is_planned_of_a_tenant_whose_turn_comes_late() -> None:
    first = planned(BOOSTED, a_project(), PLAIN, DURING)
    again = planned(BOOSTED, a_project(), PLAIN, DURING + timedelta(hours=1))
    assert judge(first.tenants[0], again, a_project()).clear


def test_a_plan_is_the_same_at_any_time_before_the_end() -> None:
    plans = [planned(BOOSTED, a_project(), PLAIN, NOON + n * timedelta(hours=7)) for n in range(3)]
    assert plans[0].tenants == plans[1].tenants == plans[2].tenants


def test_tiers_that_changed_meanwhile_are_what_the_tenant_returns_to() -> None:
    larger = replace(FREE_TIER, quota=replace(FREE_QUOTA, active_time_seconds=200 * HOUR))
    now = a_fleet(a_tenant(boosts=(LAUNCH,)), tiers=(larger, PRO_TIER))
    plan = planned(now, RAISED, now, AFTER)
    assert changes(plan) == {"quota.active_time_seconds": (500 * HOUR, 200 * HOUR, Origin.CONFIG)}
