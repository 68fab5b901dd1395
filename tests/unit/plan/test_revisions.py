"""Revisions: an older file of a tenant than was accepted last is refused, where somebody remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.selection import Selection
from reconciler.live.state import UnknownProject
from reconciler.model.values import replace
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from reconciler.plan.registration import unchanged_revisions
from tests.harness.builders import a_fleet, a_project, a_tenant, a_view, make_plan

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

LIVE = a_view(a_project("acme"), a_project("zoe"))


@pytest.mark.parametrize(
    ("stated", "applied", "refused"),
    [
        (6, {"acme": 7}, True),
        (7, {"acme": 7}, False),
        (8, {"acme": 7}, False),
        (6, {}, False),
        (6, {"zoe": 7}, False),
        (None, {"acme": 7}, False),
    ],
)
def test_a_revision_below_the_one_accepted_last_is_refused(
    stated: int | None, applied: dict[str, int], refused: bool
) -> None:
    desired = a_fleet(a_tenant("acme", "pro", revision=stated), a_tenant("zoe", "pro"))
    history = History(a_fleet(a_tenant("acme"), a_tenant("zoe")))
    plan = make_plan(desired, LIVE, history=history)
    plan = guard(plan, desired, replace(LIVE, revisions=applied), history=history)
    assert ([planned.tenant for planned in plan.tenants] == ["zoe"]) is refused
    assert [refusal.rule for refusal in plan.refusals] == [Rule.STALE_REVISION] * refused


def test_the_refusal_names_both_revisions() -> None:
    desired = a_fleet(a_tenant("acme", "pro", revision=6))
    (refusal,) = guard(make_plan(desired, LIVE), desired, replace(LIVE, revisions={"acme": 7})).refusals
    assert "revision 6" in refusal.message
    assert "revision 7" in refusal.message
    assert refusal.tenants == ("acme",)


def holding(desired: DesiredState, live: LiveState = LIVE, selection: Selection = Selection()) -> dict[str, int]:
    return unchanged_revisions(desired, live, make_plan(desired, live, selection=selection), selection)


def test_a_revision_holds_where_nothing_of_the_tenant_differs() -> None:
    there, differs = a_tenant("acme", revision=6), a_tenant("zoe", "pro", revision=6)
    gone, unstated = a_tenant("dora", revision=6, absent=True), a_tenant("eve", absent=True)
    assert holding(a_fleet(there, differs, gone, unstated)) == {"acme": 6, "dora": 6}


def test_a_revision_does_not_hold_where_that_was_not_looked_at_or_cannot_be_said() -> None:
    acme = a_fleet(a_tenant("acme", revision=6))
    assert holding(acme, selection=Selection(changed=frozenset({"zoe"}))) == {}
    assert unchanged_revisions(acme, LIVE, make_plan(acme, LIVE, only=["compute"]), Selection()) == {}
    twice = a_view(a_project("acme"), replace(a_project("acme"), id="p-other"))
    assert holding(acme, twice) == {}
    pinned = a_fleet(a_tenant("acme", revision=6, project_id="p-hidden"))
    assert holding(pinned, replace(LIVE, unknown=(UnknownProject("p-hidden", "free"),))) == {}
