"""Policies over plans: what is denied, what is only warned of, and what a policy knows of a plan."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policies import OnViolation, Scope
from reconciler.errors import PolicyError
from reconciler.model.values import replace
from reconciler.plan.costs import with_cost
from reconciler.plan.guards import guard, guard_tenants
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from reconciler.policies.judge import MOST_SECONDS
from reconciler.policies.variables import VARIABLES, known_in, variables_schema
from tests.harness.builders import (
    FREE_COMPUTE,
    NOON,
    a_fleet,
    a_judge,
    a_policy,
    a_project,
    a_tenant,
    a_view,
    make_plan,
)
from tests.unit.plan.test_costs import PRICES

if TYPE_CHECKING:
    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

EVERYTHING = Permissions(
    lowering=True, counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
)
ACME, DUNE, NEW = a_tenant("acme", "pro", labels={"team": "eu"}), a_tenant("dune"), a_tenant("elm")
FLEET = a_fleet(ACME, DUNE, NEW)
BEFORE = History(a_fleet(a_tenant("acme", labels={"team": "eu", "vip": "yes"}), DUNE))
VIEW = a_view(a_project("acme"), a_project("dune", compute=FREE_COMPUTE, restore_window_seconds=0))


def judged(
    *policies: DeclaredPolicy, desired: DesiredState = FLEET, live: LiveState = VIEW, **around: Any
) -> Plan:
    plan = make_plan(desired, live, history=BEFORE)
    judge = a_judge(desired, *policies, history=BEFORE, **around)
    return guard(plan, desired, live, EVERYTHING, history=BEFORE, now=NOON, policies=judge)


def said_of(text: str, scope: Scope, tenant: str = "acme", **given: Any) -> str:
    """The value of an expression in the scope, by the first warning about the tenant."""
    warned = a_policy("false", scope=scope, effect=OnViolation.WARN, message=f"{{{text}}}")
    found = judged(warned, **given).warnings
    return next(one.message for one in found if not one.tenants or tenant in one.tenants)


def test_a_plan_that_complies_is_the_plan_without_policies() -> None:
    assert judged(a_policy("true"), a_policy("plan.tenants > 0", name="b", scope=Scope.PLAN)) == judged()


def test_a_denied_tenant_keeps_nothing_and_others_keep_all() -> None:
    plan = judged(a_policy("tenant.tier != 'pro'", message="no {tenant.tier}"))
    assert [planned.tenant for planned in plan.tenants] == ["dune", "elm"]
    (refusal,) = plan.refusals
    assert (refusal.rule, refusal.tenants, refusal.message) == (Rule.POLICY, ("acme",), "policy rule: no pro")
    assert "policies/rule.yaml:1" in refusal.remedy
    assert refusal.asked_for
    assert refusal.actions == next(one for one in judged().tenants if one.tenant == "acme").actions


def test_a_denied_change_refuses_its_call_and_what_belongs_to_the_same_change_of_tier() -> None:
    plan = judged(a_policy("change.path != 'quota.logical_size_bytes' || tenant.new", scope=Scope.CHANGE))
    assert [planned.tenant for planned in plan.tenants] == ["dune", "elm"]
    assert {action.kind for one in plan.refusals for action in one.actions} >= {
        "transfer_project",
        "patch_project",
    }


def test_a_denied_action_refuses_no_other_of_the_same_tenant() -> None:
    fleet = a_fleet(a_tenant("dune", snapshots=(), dev_branches=()), a_tenant("elm"))
    plan = judged(a_policy("action.verb != 'create'", scope=Scope.ACTION), desired=fleet)
    assert [planned.tenant for planned in plan.tenants] == ["dune"]
    assert [one.tenants for one in plan.refusals] == [("elm",)]


def test_a_denied_plan_refuses_the_tenants_that_it_selects() -> None:
    everyone = judged(a_policy("plan.tenants < 3", scope=Scope.PLAN))
    assert everyone.empty
    free = judged(a_policy("plan.tenants < 3", scope=Scope.PLAN, tiers=frozenset({"free"})))
    assert "acme" in free.refusals[0].tenants or [one.tenant for one in free.tenants] == []


def test_labels_and_tiers_select_as_the_files_or_the_base_declare_them() -> None:
    """Else the commit that a policy would deny could take the tenant out of the selection."""
    plan = judged(a_policy("false", labels=(("vip", None),)))
    assert [one.tenants for one in plan.refusals] == [("acme",)]
    assert judged(a_policy("false", labels=(("vip", "no"),))).refusals == ()
    of_base = judged(a_policy("false", tiers=frozenset({"free"}), labels=(("team", "eu"),)))
    assert [one.tenants for one in of_base.refusals] == [("acme",)]


def test_a_warning_refuses_nothing_and_names_its_tenants() -> None:
    plan = judged(a_policy("false", effect=OnViolation.WARN, message="look"))
    assert plan.tenants == judged().tenants
    (warning,) = plan.warnings
    assert (warning.policy, warning.message, warning.tenants) == ("rule", "look", ("acme", "dune", "elm"))


def test_a_denial_beats_a_warning_and_all_policies_that_deny_are_named() -> None:
    policies = [
        a_policy("false", name="b", message="two"),
        a_policy("false", name="a", message="one"),
        a_policy("false", name="c", effect=OnViolation.WARN),
    ]
    plan = judged(*policies)
    assert plan.empty
    assert {one.message for one in plan.refusals} == {"policy a: one; policy b: two"}
    assert plan == judged(*policies[::-1])


@pytest.mark.parametrize(
    "require",
    ["tenant.labels['none'] == 'x'", "tenant.usage_share < 0.5", "plan.cost_after < 100.0"],
    ids=["missing key", "usage that was not read", "no prices"],
)
def test_a_policy_that_cannot_be_evaluated_denies_whatever_its_severity(require: str) -> None:
    plan = judged(a_policy(require, effect=OnViolation.WARN), live=a_view(listed=True))
    assert plan.empty
    assert all("cannot evaluate" in one.message and require in one.message for one in plan.refusals)


def test_a_message_that_cannot_be_evaluated_denies() -> None:
    plan = judged(a_policy("false", effect=OnViolation.WARN, message="{tenant.labels['none']}"))
    assert plan.empty
    assert plan.warnings == ()


def test_a_policy_that_takes_too_long_denies_what_is_left() -> None:
    ticks = count(0, 15)
    plan = judged(a_policy("tenant.name != ''"), spent=lambda: float(next(ticks)))
    assert MOST_SECONDS < 30
    assert [one.tenant for one in plan.tenants] == ["acme", "dune"]
    assert "processor time" in plan.refusals[0].message


def test_a_policy_that_cannot_be_compiled_stops_the_plan() -> None:
    with pytest.raises(PolicyError, match="policy rule"):
        a_judge(FLEET, a_policy("tenant.nane == ''"))


def test_a_late_turn_is_judged_again_with_what_is_known_of_the_first_plan() -> None:
    judge = a_judge(
        FLEET,
        a_policy("plan.tenants == 3", name="a"),
        a_policy("plan.tenants == 3", name="of-plans", scope=Scope.PLAN),
        a_policy("tenant.project != 'myapp-dune'", name="b"),
        history=BEFORE,
    )
    first = make_plan(FLEET, VIEW, history=BEFORE)
    judge.of_plan(first)
    alone = replace(first, tenants=tuple(one for one in first.tenants if one.tenant == "dune"))
    turn = guard_tenants(alone, FLEET, VIEW, EVERYTHING, history=BEFORE, now=NOON, policies=judge)
    assert turn.empty
    assert [one.message for one in turn.refusals] == ["policy b: not allowed"]


def test_what_a_policy_knows_of_a_plan() -> None:
    friday = datetime.fromisoformat("2030-05-03T23:30:00-05:00").astimezone(NOON.tzinfo)
    assert said_of("plan.weekday", Scope.PLAN, now=friday) == "Saturday"
    assert said_of("plan.time.getFullYear()", Scope.PLAN) == "2030"
    assert said_of("plan.declared", Scope.PLAN) == "3"
    assert said_of("plan.transitions['free -> pro']", Scope.PLAN) == "1"
    assert said_of("plan.actions['create_project']", Scope.PLAN) == "1"
    assert said_of("plan.risks['destructive']", Scope.PLAN) == "0"
    assert said_of("plan.commit", Scope.PLAN, commit="1f2e") == "1f2e"
    assert said_of("approvals.by", Scope.PLAN, approvals=("ada", "bob")) == "ada, bob"
    assert said_of("approvals.count", Scope.PLAN) == "0"


def test_what_a_policy_knows_of_a_tenant_an_action_and_a_change() -> None:
    assert said_of("tenant.tier_before + ' ' + tenant.tier", Scope.TENANT) == "free pro"
    assert said_of("tenant.labels_before['vip']", Scope.TENANT) == "yes"
    assert said_of("tenant.organization", Scope.TENANT) == "paid"
    assert said_of("tenant.new", Scope.TENANT, "elm") == "true"
    assert said_of("tenant.project", Scope.TENANT) == "myapp-acme"
    assert said_of("tenant.usage['active_time_seconds']", Scope.TENANT) == "0"
    assert said_of("action.kind", Scope.ACTION, "elm") == "create_project"
    paths = a_policy("false", scope=Scope.CHANGE, effect=OnViolation.WARN, message="{change.path}")
    assert "compute.max_cu" in {one.message for one in judged(paths).warnings}


def test_cost_is_known_where_tiers_yaml_has_prices() -> None:
    """Two sizes of compute for 750 instead of 100 hours, and so on: as the plan itself says it."""
    fleet = replace(FLEET, prices=PRICES)
    cost = with_cost(judged(desired=fleet), fleet).monthly_cost
    assert cost is not None
    assert said_of("plan.cost_after", Scope.PLAN, desired=fleet) == f"{float(cost.after.high):.15g}"
    change = float(cost.after.high - cost.before.high)
    assert said_of("plan.cost_change", Scope.PLAN, desired=fleet) == f"{change:.15g}"


def test_a_suspension_is_counted() -> None:
    fleet = a_fleet(a_tenant("dune", suspended=True, reason="unpaid"))
    assert said_of("plan.suspends", Scope.PLAN, desired=fleet) == "1"
    assert said_of("tenant.suspended", Scope.TENANT, "dune", desired=fleet) == "true"
    assert said_of("plan.suspends", Scope.PLAN) == "0"


def test_every_variable_is_in_the_schema_and_has_a_value_in_its_scope() -> None:
    assert set(variables_schema()["properties"]) == {one.name for one in VARIABLES}
    for scope in Scope:
        for name in known_in(scope):
            if not name.startswith("plan.cost"):
                assert judged(a_policy(f"dyn({name}) == 'no such value'", scope=scope)).refusals
