"""What counts at creation only and is changed by a commit is refused, never in sync."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import DevBranch, Pins
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from tests.builders import NOON, a_branch, a_fleet, a_project, a_tenant, a_view, make_plan

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.plan import Plan

PLAIN = DevBranch("dev")
DEV = a_branch(id="br-dev", name="dev", default=False, parent_id="br-p-acme")
LIVE = a_view(a_project(branches=(a_branch(), DEV)))


def planned(now: Tenant, before: Tenant, fork: Tenant | None = None) -> Plan:
    history = History(a_fleet(before), None if fork is None else a_fleet(fork))
    return guard(make_plan(a_fleet(now), LIVE, history=history), a_fleet(now), LIVE, history=history)


def with_branch(branch: DevBranch = PLAIN) -> Tenant:
    return a_tenant(dev_branches=(branch,))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (replace(PLAIN, schema_only=True), "schema_only"),
        (replace(PLAIN, parent="staging"), "parent"),
        (replace(PLAIN, at=NOON - timedelta(hours=1)), "at"),
    ],
)
def test_a_live_branch_that_is_to_have_been_made_otherwise(changed: DevBranch, word: str) -> None:
    plan = planned(with_branch(changed), with_branch())
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.MADE_AT_CREATION
    assert refusal.asked_for
    assert f"branch 'dev' exists, and {word} of it changed in the file" in refusal.message
    assert not planned(with_branch(changed), with_branch(changed)).refusals, "as it was applied"
    assert not planned(with_branch(changed), with_branch(), with_branch(changed)).refusals, "older than the base"


@pytest.mark.parametrize("pins", [Pins(database="other"), Pins(role="other")])
def test_a_database_or_a_role_of_another_name(pins: Pins) -> None:
    (refusal,) = planned(a_tenant(pins=pins), a_tenant()).refusals
    assert refusal.rule is Rule.MADE_AT_CREATION
    assert not planned(a_tenant(pins=Pins(database="neondb")), a_tenant()).refusals, "it says what is so"


def test_without_a_base_nobody_can_tell() -> None:
    files = a_fleet(with_branch(replace(PLAIN, schema_only=True)))
    assert not make_plan(files, LIVE).refusals
