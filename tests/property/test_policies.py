"""Properties of policies over generated fleets and generated, also hostile, expressions."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.policies import OnViolation, Scope
from reconciler.errors import PolicyError
from reconciler.plan.guards import guard
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from reconciler.policies.cel import EvaluationError, InvalidExpressionError, compiled
from reconciler.policies.variables import known_in, types_in
from tests.harness.builders import NOON, a_fleet, a_judge, a_policy, a_tenant, a_view, make_plan
from tests.property.fleets import desired_states, views

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

EVERYTHING = Permissions(
    lowering=True, counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
)
REQUIREMENTS = {
    Scope.PLAN: ["plan.tenants < 2", "plan.risks['destructive'] == 0", "plan.suspends == 0"],
    Scope.TENANT: ["tenant.tier == 'free'", "!tenant.reduces", "tenant.labels['team'] == 'eu'", "tenant.new"],
    Scope.ACTION: ["action.verb != 'delete'", "action.thing == 'project'", "action.risk == 'safe'"],
    Scope.CHANGE: ["change.after == change.before", "change.path.startsWith('quota')", "change.after <= 2.0"],
}


@st.composite
def policies(draw: st.DrawFn) -> list[DeclaredPolicy]:
    """Some, of every scope."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        scope = draw(st.sampled_from(Scope))
        require = draw(st.sampled_from(REQUIREMENTS[scope]))
        effect = draw(st.sampled_from(OnViolation))
        found.append(a_policy(require, name=f"p{number}", scope=scope, effect=effect))
    return found


def judged(
    desired: DesiredState,
    live: LiveState,
    declared: Sequence[DeclaredPolicy],
    spent: Callable[[], float] = lambda: 0.0,
) -> Plan:
    plan = make_plan(desired, live)
    judge = a_judge(desired, *declared, spent=spent) if declared else None
    return guard(plan, desired, live, EVERYTHING, now=NOON, policies=judge)


@given(desired_states(), views(), policies())
def test_policies_take_from_a_plan_and_add_only_refusals_and_warnings(
    desired: DesiredState, live: LiveState, declared: list[DeclaredPolicy]
) -> None:
    without, plan = judged(desired, live, ()), judged(desired, live, declared)
    before = {action for one in without.tenants for action in one.actions}
    kept = {action for one in plan.tenants for action in one.actions}
    parts = {(action.tenant, action.kind, change) for action in before for change in action.changes}
    assert {(action.tenant, action.kind, change) for action in kept for change in action.changes} <= parts
    denied = [one for one in plan.refusals if one.rule is Rule.POLICY]
    assert tuple(one for one in plan.refusals if one.rule is not Rule.POLICY) == without.refusals
    if not denied:
        assert (plan.tenants, plan.budget) == (without.tenants, without.budget)
    assert not kept & {action for one in denied for action in one.actions}


@given(desired_states(), views(), policies(), st.randoms())
def test_the_order_of_policies_and_warnings_beside_them_change_nothing(
    desired: DesiredState, live: LiveState, declared: list[DeclaredPolicy], random: Random
) -> None:
    shuffled = random.sample(declared, len(declared))
    plan = judged(desired, live, declared)
    assert judged(desired, live, shuffled) == plan
    denying = [one for one in declared if one.effect is OnViolation.DENY]
    warning = [a_policy("true == false", name="w", scope=Scope.ACTION, effect=OnViolation.WARN), *denying]
    beside, alone = judged(desired, live, warning), judged(desired, live, denying)
    assert (beside.tenants, beside.refusals) == (alone.tenants, alone.refusals)


@given(desired_states(), views(), policies(), st.integers(1, 30))
def test_a_policy_without_time_denies_and_never_lets_pass(
    desired: DesiredState, live: LiveState, declared: list[DeclaredPolicy], stride: int
) -> None:
    ticks = count(0, stride)
    hurried = judged(desired, live, declared, spent=lambda: float(next(ticks)))
    kept = {action for one in judged(desired, live, declared).tenants for action in one.actions}
    assert {action.tenant for one in hurried.tenants for action in one.actions} <= {one.tenant for one in kept}


words = st.sampled_from(
    [*known_in(Scope.CHANGE), *("true", "1", "2.0", "'a'", "null", "[1, 2]", "{'a': 1}", "x", "timestamp('x')")]
)
signs = st.sampled_from(["==", "<", "+", "&&", "||", "in", "*", "/"])
pieces = st.recursive(
    words,
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["==", "<", "+", "&&", "||", "in", "*", "/"]), inner
        ),
        st.builds("{}.{}(x, {})".format, inner, st.sampled_from(["all", "exists", "map", "filter"]), inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.matches({})".format, inner, inner),
        st.builds("size({})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
    ),
    max_leaves=12,
)
VALUES = {
    **{name: "a" * 100 for name, kind in types_in(Scope.CHANGE).items() if kind == "string"},
    **{name: 3 for name, kind in types_in(Scope.CHANGE).items() if kind == "int"},
    **{name: True for name, kind in types_in(Scope.CHANGE).items() if kind == "bool"},
    "change.after": ["(a+)+$"] * 1000,
}


@given(st.one_of(pieces, st.text(max_size=60)))
def test_any_expression_is_refused_or_has_a_value_or_denies(text: str) -> None:
    """Whatever it is, nothing else is raised; a fleet with it is planned, or the file is refused."""
    try:
        program = compiled(text, types_in(Scope.CHANGE), boolean=True)
    except InvalidExpressionError:
        return
    with suppress(EvaluationError):
        assert program.value(VALUES) in (True, False)


@given(st.text(max_size=60))
def test_any_message_is_refused_or_told(text: str) -> None:
    declared = a_policy("false", message=text or "x")
    try:
        judge = a_judge(FLEET, declared)
    except PolicyError:
        return
    (denials,) = judge.of_plan(make_plan(FLEET, VIEW)).tenants.values()
    assert [denial.policy for denial in denials] == [declared.name]


FLEET = a_fleet(a_tenant())
VIEW = a_view()
