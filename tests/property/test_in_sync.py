""" "In sync" is earned: what an apply has not told of, no later look finds, however deep and on whichever Neon."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli import exit_codes
from reconciler.desired.selection import Depth
from reconciler.errors import ExitCode
from reconciler.plan.guards import guard
from reconciler.views.sentences import drift_summary
from tests import switches
from tests.builders import make_plan
from tests.property import accounts, filled_accounts, fleets
from tests.property.accounts import CAREFUL, LOWERING, PRUNING, opened, through_http

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan
    from reconciler.simulator.behaviour import Behaviour
    from tests.property.accounts import Case

ANY = (CAREFUL, LOWERING, PRUNING)


ACCOUNTS = st.one_of(accounts.cases(*ANY), filled_accounts.cases(*ANY))
FEW = settings(through_http, max_examples=2)
MANY = settings(through_http, max_examples=60)


def ends_in_sync(case: Case) -> bool:
    """Whether its apply ends with 0; then drift with ``--depth deep`` does, unless the apply named what stays."""
    with opened(case) as opening:
        scene = replace(opening, request=replace(opening.request, depth=Depth.DEEP))
        planned = scene.plan()
        report = scene.apply(planned)
        scene.wait(case.behaviour.list_lag_seconds)
        drifted = scene.drift().plan
    if exit_codes.of_apply(planned.plan, report, ()) is not ExitCode.DONE:
        return False
    found = exit_codes.of_drift(drifted, ())
    assert found is (ExitCode.CHANGES if told(planned.plan) else ExitCode.DONE), drifted
    assert found is ExitCode.CHANGES or drift_summary(drifted, 0).startswith(("In sync", "No tenants"))
    return True


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), switches.OTHERWISE, ids=str)
def test_drift_finds_nothing_after_an_apply_that_ends_with_0_whatever_a_switch_is(
    name: str, value: object
) -> None:
    @FEW
    @given(ACCOUNTS)
    def holds(case: Case) -> None:
        ends_in_sync(replace(case, behaviour=switches.otherwise(name, value)))

    holds()


@pytest.mark.slow
def test_drift_finds_nothing_after_an_apply_that_ends_with_0_whatever_all_switches_are() -> None:
    ended = []

    @MANY
    @given(ACCOUNTS, switches.vectors)
    def holds(case: Case, behaviour: Behaviour) -> None:
        ended.append(ends_in_sync(replace(case, behaviour=behaviour)))

    holds()
    assert sum(ended) >= len(ended) / 5


def told(plan: Plan) -> bool:
    """Whether it said that something stays as it is: reported, in doubt, or in no file."""
    ours = any(orphan.owned is not False for orphan in plan.orphans)
    return bool(plan.refusals or plan.conflicts or ours)


@given(fleets.desired_states(), fleets.views(), st.sampled_from(ANY))
def test_drift_and_a_plan_agree_whether_anything_differs(
    desired: DesiredState, live: LiveState, permissions: Permissions
) -> None:
    """Without a permission to prune: drift is given none."""
    differing = make_plan(desired, live)
    planned = guard(differing, desired, live, replace(permissions, prune=False))
    of_drift = exit_codes.of_drift(differing, ())
    of_plan = exit_codes.of_plan(planned, (), detailed=True)
    assert (of_drift is ExitCode.DONE) == (of_plan is ExitCode.DONE)
