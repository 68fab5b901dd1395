"""Refusals that are shown together."""

from __future__ import annotations

from reconciler.plan.plan import Refusal, Rule
from reconciler.views.grouping import same_refusals


def test_a_tenant_that_is_refused_twice_for_one_reason_counts_once() -> None:
    refused = [Refusal(Rule.ROOT_BRANCH, (name,), "why", "what helps", ()) for name in ("cat", "ann", "cat")]
    (found,) = same_refusals(refused)
    assert found.tenants == ("cat", "ann")
