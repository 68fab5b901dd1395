""" "In sync" is earned: what an apply has not told of, no later look finds, however deep and on whichever Neon."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli import exit_codes
from reconciler.desired.selection import Depth
from reconciler.errors import ExitCode
from reconciler.plan.guards import guard
from reconciler.views.sentences import drift_summary
from tests.builders import make_plan
from tests.property import accounts, filled_accounts, fleets
from tests.property.accounts import CAREFUL, LOWERING, PRUNING, opened, through_http

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan
    from tests.property.accounts import Case

ANY = (CAREFUL, LOWERING, PRUNING)


@pytest.mark.slow
@through_http
@given(st.one_of(accounts.cases(*ANY), filled_accounts.cases(*ANY)))
def test_after_an_apply_that_ends_with_0_drift_to_the_depth_ends_with_0_unless_the_apply_told_of_something(
    case: Case,
) -> None:
    with opened(case) as opening:
        scene = replace(opening, request=replace(opening.request, depth=Depth.DEEP))
        planned = scene.plan()
        report = scene.apply(planned)
        drifted = scene.drift().plan
    if exit_codes.of_apply(planned.plan, report, ()) is ExitCode.DONE:
        found = exit_codes.of_drift(drifted, ())
        assert found is (ExitCode.CHANGES if told(planned.plan) else ExitCode.DONE), drifted
        assert found is ExitCode.CHANGES or drift_summary(drifted, 0).startswith(("In sync", "No tenants"))


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
