"""Revisions: an older file of a tenant than was applied last is refused, where somebody remembers it."""

from __future__ import annotations

import pytest

from reconciler.plan.guards import guard
from reconciler.plan.plan import Rule
from tests.builders import a_fleet, a_project, a_tenant, a_view, make_plan

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
def test_a_revision_below_the_one_applied_last_is_refused(
    stated: int | None, applied: dict[str, int], refused: bool
) -> None:
    desired = a_fleet(a_tenant("acme", "pro", revision=stated), a_tenant("zoe", "pro"))
    plan = guard(make_plan(desired, LIVE), desired, LIVE, applied=applied)
    assert ([planned.tenant for planned in plan.tenants] == ["zoe"]) is refused
    assert [refusal.rule for refusal in plan.refusals] == [Rule.STALE_REVISION] * refused


def test_the_refusal_names_both_revisions() -> None:
    desired = a_fleet(a_tenant("acme", "pro", revision=6))
    (refusal,) = guard(make_plan(desired, LIVE), desired, LIVE, applied={"acme": 7}).refusals
    assert "revision 6" in refusal.message
    assert "revision 7" in refusal.message
    assert refusal.tenants == ("acme",)
