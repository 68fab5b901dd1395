"""``drift_policy: repair`` repairs drift: not what a document asks for, nor by a policy that the base has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.tenant import Overrides
from reconciler.model.values import replace
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_QUOTA,
    HOUR,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

ACME: Final = frozenset({"acme"})
REPAIRED: Final = Policy(drift=dict.fromkeys(("quota", "organization"), DriftPolicy.REPAIR))
LESS: Final = Overrides(quota={"active_time_seconds": HOUR})
RAISED: Final = a_project(quota=replace(FREE_QUOTA, active_time_seconds=900 * HOUR))


def files(policy: Policy = REPAIRED, **tenant: Any) -> DesiredState:
    return a_fleet(a_tenant(**tenant), policy=policy)


def plan(now: DesiredState, project: LiveProject, history: History) -> Plan:
    live = a_view(project)
    return guarded_plan(now, live, history=history)


def test_a_value_that_somebody_raised_is_set_back() -> None:
    assert [one.kind for one in plan(files(), RAISED, History(files())).actions] == ["patch_project"]


@pytest.mark.parametrize("policy", [Policy(), Policy(drift={"quota": DriftPolicy.REPORT})], ids=["none", "report"])
def test_not_by_files_that_are_older_than_the_end_of_the_policy(policy: Policy) -> None:
    found = plan(files(), RAISED, History(files(policy), fork=files()))
    assert found.empty
    assert [one.rule for one in found.refusals] in ([Rule.LOWERING_NEEDS_A_CAUSE], [Rule.DRIFT_POLICY])


def test_not_by_files_that_are_older_than_its_beginning() -> None:
    """What the base repairs, a run of the base repairs."""
    assert plan(files(Policy()), RAISED, History(files(), fork=files(Policy()))).empty


def test_by_a_commit_that_states_the_policy() -> None:
    behind = History(files(Policy()), fork=files(Policy()))
    assert [one.kind for one in plan(files(), RAISED, behind).actions] == ["patch_project"]


@pytest.mark.parametrize(
    ("held", "given", "project"),
    [
        (files(), files(overrides=LESS), a_project()),
        (files(tier="pro"), files(tier="free"), a_pro_project()),
    ],
    ids=["a quota", "a tier"],
)
def test_what_a_document_reduces_is_no_drift(
    held: DesiredState, given: DesiredState, project: LiveProject
) -> None:
    said = History(held, files=held, documents=ACME, committed=ACME)
    found = plan(given, project, said)
    assert found.empty
    assert [one.rule for one in found.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
    alone = a_fleet(policy=REPAIRED)
    assert plan(given, project, History(alone, files=alone, documents=ACME)).empty


def test_drift_is_repaired_where_a_document_says_what_the_file_says() -> None:
    said = History(files(), files=files(), documents=ACME, committed=ACME)
    assert [one.kind for one in plan(files(), RAISED, said).actions] == ["patch_project"]


@pytest.mark.parametrize("at", ["base", "fork", "tried", "lost"])
def test_not_where_an_earlier_file_of_the_tenant_cannot_be_used(at: str) -> None:
    broken = replace(files(), tenants={}, held_back=ACME)
    histories = {
        "base": History(broken),
        "fork": History(files(), fork=broken),
        "tried": History(files(), tried={"acme": (Baseline(broken),)}),
        "lost": History(files(), owed={"acme": None}),
    }
    found = plan(files(), RAISED, histories[at])
    assert found.empty
    assert [one.rule for one in found.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
