"""What a plan says of branches and snapshots that fit only if Neon counts them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.live.project import LiveSnapshot
from reconciler.model.values import replace
from reconciler.plan.counted_as_branches import notes_on_places
from reconciler.plan.outcome import Result
from reconciler.plan.planner import make_plan
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.types import Organization
from tests.harness.builders import (
    DAY,
    FREE_COMPUTE,
    FREE_LIMITS,
    FREE_QUOTA,
    NOON,
    PAID,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_organization,
)
from tests.harness.simulated import simulated_compute, simulated_limits, simulated_quota
from tests.unit.test_moves import account, messages, results

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject

LIMIT: Final = 3
SMALL: Final = an_organization("free", replace(FREE_LIMITS, branches=LIMIT, snapshots=2))


def files(branches: int, snapshots: Sequence[str] | None = ("v1",)) -> DesiredState:
    """One tenant, in an organization that allows three branches."""
    declared = tuple(DevBranch(f"b{number}") for number in range(branches))
    saved = None if snapshots is None else tuple(map(Snapshot, snapshots))
    return a_fleet(a_tenant(dev_branches=declared, snapshots=saved), organizations=(SMALL, PAID))


def notes(desired: DesiredState, *projects: LiveProject) -> list[str]:
    live = a_view(*projects)
    plan = make_plan(desired, live, now=NOON)
    return [note.message for note in notes_on_places(plan, desired, live, NOON)]


class TestANewTenant:
    def test_whose_branches_and_snapshots_exceed_the_limit_together_is_told_so(self) -> None:
        (message,) = notes(files(LIMIT - 1))
        assert message == (
            "3 branches and 1 snapshot: organization free allows 3 branches per project, and Neon does not "
            "document whether snapshots count; if they do, it refuses the last of them: declare fewer to be sure"
        )

    @pytest.mark.parametrize("snapshots", [("v1",), (), None])
    def test_whose_branches_and_snapshots_fit_together_is_not(self, snapshots: Sequence[str] | None) -> None:
        assert notes(files(LIMIT - 2, snapshots)) == []

    def test_without_snapshots_is_not(self) -> None:
        assert notes(files(LIMIT - 1, ())) == []


class TestATenantWithAProject:
    def test_that_gets_a_branch_is_told_of_its_snapshots(self) -> None:
        assert len(notes(files(LIMIT - 1), project(saved=1))) == 1

    def test_that_gets_nothing_is_not(self) -> None:
        there = project(*(f"b{number}" for number in range(LIMIT - 1)), saved=1)
        assert notes(files(LIMIT - 1), there) == []

    def test_is_not_told_where_a_project_of_the_organization_shows_that_they_are_counted_apart(self) -> None:
        proof = project("x", "y", saved=2)
        other = replace(proof, id="p-other", name="myapp-other")
        assert notes(files(LIMIT - 1), project(saved=1), other) == []


def project(*names: str, saved: int) -> LiveProject:
    branches = [a_branch("p-acme")]
    branches += [a_branch(id=f"br-{name}", name=name, default=False, parent_id="br-p-acme") for name in names]
    snapshots = tuple(
        LiveSnapshot(f"s-{number}", f"v{number}", "br-p-acme", NOON) for number in range(1, saved + 1)
    )
    return a_project(branches=tuple(branches), snapshots=snapshots)


@pytest.mark.parametrize(
    ("counted", "result"), [(True, Result.FAILED), (False, Result.APPLIED)], ids=["counted", "apart"]
)
def test_what_the_plan_says_is_what_neon_does(tmp_path: Path, counted: bool, result: Result) -> None:
    """And once Neon has taken them, no plan says it again."""
    organizations = [Organization(one.name, simulated_limits(one.limits)) for one in (SMALL, PAID)]
    before, after, behaviour = files(0, ()), files(LIMIT - 1), Behaviour(snapshots_count_as_branches=counted)
    with account(tmp_path, *organizations, behaviour=behaviour) as here:
        here.project(
            "acme",
            "free",
            quota=simulated_quota(FREE_QUOTA),
            compute=simulated_compute(FREE_COMPUTE),
            restore_window_seconds=DAY,
        )
        said = [note.message for note in here.plan(before, after).plan.notes]
        report = here.apply(before, after)
        again = [note.message for note in here.plan(before, after).plan.notes]
    assert any("whether snapshots count" in message for message in said)
    assert results(report) == {"acme": result}, messages(report)
    assert any("whether snapshots count" in message for message in again) is counted
