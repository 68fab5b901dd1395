""" "In sync" is earned: what an apply has not told of, no later look finds, however deep and on whichever Neon."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli import exit_codes
from reconciler.desired.selection import Depth
from reconciler.desired.tenant import DevBranch, Overrides, Snapshot
from reconciler.errors import ExitCode
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.neon.project_lists import LISTING_TIMEOUT_MILLISECONDS
from reconciler.plan.actions.project import AdoptProject, TransferProject
from reconciler.plan.guards import guard
from reconciler.views.sentences import drift_summary
from tests import profiles, switches
from tests.harness.builders import DAY, GIB, HISTORY_MAY_GO, a_fleet, a_tenant, make_plan
from tests.harness.runs import World, now, virtually
from tests.property import accounts, filled_accounts, fleets
from tests.property.accounts import CAREFUL, LOWERING, PRUNING, opened, through_http

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan
    from reconciler.simulator.behaviour import Behaviour
    from tests.property.accounts import Case

ANY = (CAREFUL, LOWERING, PRUNING)


ACCOUNTS = st.one_of(accounts.cases(*ANY), filled_accounts.cases(*ANY))
MANY = settings(through_http, max_examples=profiles.size(10, 30, 600))
IN_SYNC: Final = ("In sync", "No tenants")
BRANCHES = (DevBranch("feature"), DevBranch("old"))
BEFORE = a_fleet(
    a_tenant("amber"),
    a_tenant("birch", "pro"),
    a_tenant("cedar"),
    a_tenant("elder", "pro"),
)
AFTER = a_fleet(
    a_tenant("amber", "pro", dev_branches=BRANCHES, snapshots=(Snapshot("v1"), Snapshot("v2"))),
    a_tenant("birch", dev_branches=BRANCHES[:1], snapshots=(Snapshot("v1"),), accept=HISTORY_MAY_GO),
    a_tenant("cedar", absent=True),
    a_tenant("dogwood", dev_branches=BRANCHES),
    a_tenant("elder", "pro", overrides=Overrides({"data_transfer_bytes": 60 * GIB}, Compute(0.5, 2, 600))),
)
HINDERING: Final = {
    ("transfers_refused_to", ("free",)),
    ("transfers_refused_to", ("free", "paid")),
    ("transfer_lag_seconds", 45.0),  # a run waits half a minute for a project that has moved
    ("list_seconds_per_project", 45.0),  # no list is complete: nobody is created
}
"""Values with which not everything can be done, which an apply says."""


def ends_in_sync(case: Case) -> bool:
    """Whether its apply ends with 0; then drift with ``--depth deep`` does, unless the apply named what stays."""
    with opened(case) as opening:
        scene = dataclasses.replace(opening, request=replace(opening.request, depth=Depth.DEEP))
        planned = scene.plan()
        report = scene.apply(planned)
        scene.wait(case.behaviour.list_lag_seconds)
        drifted = scene.drift().plan
    if exit_codes.of_apply(planned.plan, report, ()) is not ExitCode.DONE:
        return False
    found = exit_codes.of_drift(drifted, ())
    if found is ExitCode.INCOMPLETE_VIEW and hides(case.behaviour):
        return False
    if not case.behaviour.transfer_keeps_annotations and lost_marks(drifted, planned.plan):
        return False
    differs = told(planned.plan) or drifted.coverage.undeclared
    assert found is (ExitCode.CHANGES if differs else ExitCode.DONE), drifted
    assert found is ExitCode.CHANGES or drift_summary(drifted, 0).startswith(IN_SYNC)
    return True


@pytest.mark.drawn(4, ci=8, each=("name",))
@pytest.mark.parametrize(("name", "value"), switches.OTHERWISE, ids=str)
def test_drift_finds_nothing_after_an_apply_that_ends_with_0_whatever_a_switch_is(
    tmp_path: Path, name: str, value: object
) -> None:
    applied, drifted = virtually(_lived(tmp_path, switches.otherwise(name, value)))
    assert applied is ExitCode.DONE or (name, value) in HINDERING
    assert drifted is ExitCode.DONE or applied is not ExitCode.DONE


async def _lived(folder: Path, behaviour: Behaviour) -> tuple[ExitCode, ExitCode]:
    """How an upgrade, a downgrade, new limits, a farewell and a sign-up end, and drift after them."""
    world = World.open(folder, behaviour)
    world.seed(BEFORE)
    await asyncio.sleep(DAY)
    async with world.client() as neon:
        fleet = Fleet(AFTER, neon, now=now)
        request = Request(base=BEFORE, permissions=CAREFUL)
        planned = await fleet.plan(request)
        report = await fleet.apply(planned, RunOptions(journal=folder / "run.jsonl"))
        await asyncio.sleep(behaviour.list_lag_seconds)
        drifted = await fleet.drift(replace(request, base=AFTER, depth=Depth.DEEP))
    return exit_codes.of_apply(planned.plan, report, ()), exit_codes.of_drift(drifted.plan, ())


@pytest.mark.slow
def test_drift_finds_nothing_after_an_apply_that_ends_with_0_whatever_all_switches_are() -> None:
    ended = []

    @MANY
    @given(ACCOUNTS, switches.vectors)
    def holds(case: Case, behaviour: Behaviour) -> None:
        ended.append(ends_in_sync(dataclasses.replace(case, behaviour=behaviour)))

    holds()
    assert sum(ended) >= len(ended) / 5


def hides(behaviour: Behaviour) -> bool:
    """Whether neither a list nor a single read shows the quota, or the compute defaults.

    A list that takes longer for one project than a client can wait shows no project at all, only ids.
    """
    lists = behaviour.list_seconds_per_project <= LISTING_TIMEOUT_MILLISECONDS / 1000
    quota = (lists and behaviour.list_shows_quota) or behaviour.get_shows_settings
    compute = (lists and not behaviour.list_zero_compute) or behaviour.get_shows_compute
    return not (quota and compute)


def lost_marks(drifted: Plan, applied: Plan) -> bool:
    """Whether nothing differs but that transferred projects are to be marked again."""
    transferred = {action.tenant for action in applied.actions if isinstance(action, TransferProject)}
    left = tuple(drifted.actions)
    return bool(left) and all(isinstance(each, AdoptProject) and each.tenant in transferred for each in left)


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
