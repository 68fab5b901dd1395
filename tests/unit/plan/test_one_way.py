"""What Neon cannot turn off: refused with the reason, never planned, and never a difference without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import Overrides
from reconciler.model.compute import Compute
from reconciler.model.values import JsonText
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.change import Risk
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import a_fleet, a_project, a_tenant, a_view, guarded_plan

if TYPE_CHECKING:
    from reconciler.model.values import Json
    from reconciler.plan.plan import Plan

ONE_WAY = ["hipaa", "enable_logical_replication"]


def plan_of(wanted: dict[str, Json], live: dict[str, Json], *, protect: bool = False) -> Plan:
    """With everything permitted that a person can permit; the files at the base say nothing of settings."""
    fleet = a_fleet(a_tenant(overrides=Overrides(settings=wanted), protect=protect))
    history, view = History(a_fleet(a_tenant())), a_view(a_project(settings=live))
    return guarded_plan(fleet, view, history=history, permissions=Permissions(lowering=True))


@pytest.mark.parametrize("setting", ONE_WAY)
def test_turning_it_off_is_refused_with_the_reason(setting: str) -> None:
    plan = plan_of({setting: False}, {setting: True})
    [refusal] = plan.refusals
    assert plan.empty
    assert refusal.rule is Rule.CANNOT_BE_DONE
    assert refusal.message == f"settings.{setting} stays on: Neon cannot turn it off"
    assert refusal.remedy == "state true in the files, or remove the key"
    assert refusal.asked_for, "a commit asks for it"


@pytest.mark.parametrize("setting", ONE_WAY)
def test_the_rest_of_the_tenant_goes_ahead(setting: str) -> None:
    plan = plan_of({setting: False, "audit_log_level": "full"}, {setting: True, "audit_log_level": "base"})
    [patch] = plan.actions
    assert isinstance(patch, PatchProject)
    assert [change.path for change in patch.changes] == ["settings.audit_log_level"]
    assert [refusal.rule for refusal in plan.refusals] == [Rule.CANNOT_BE_DONE]


@pytest.mark.parametrize("setting", ONE_WAY)
@pytest.mark.parametrize("live", [{}, {"hipaa": False, "enable_logical_replication": False}])
def test_turning_it_on_restarts_computes_and_takes_nothing(setting: str, live: dict[str, Json]) -> None:
    [patch] = plan_of({setting: True}, live, protect=True).actions
    [change] = patch.changes
    assert (change.path, change.after) == (f"settings.{setting}", JsonText.of(True))
    assert change.risk is Risk.DISRUPTIVE
    assert not change.lowering


@pytest.mark.parametrize("setting", [*ONE_WAY, "block_public_connections"])
def test_a_switch_that_is_off_and_not_shown_is_no_difference(setting: str) -> None:
    plan = plan_of({setting: False}, {})
    assert plan.empty
    assert not plan.refusals


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"allowed_ips": {"ips": []}}, {"allowed_ips": {"ips": ["10.0.0.0/8"]}}),
        ({"block_public_connections": True}, {"block_public_connections": False}),
        ({"block_public_connections": False}, {"block_public_connections": True}),
        ({"audit_log_level": "base"}, {"audit_log_level": "full"}),
        ({"preload_libraries": {"enabled_libraries": []}}, {"preload_libraries": {"enabled_libraries": ["x"]}}),
    ],
)
def test_a_protected_tenant_loses_no_access_and_no_protection(
    wanted: dict[str, Json], live: dict[str, Json]
) -> None:
    plan = plan_of(wanted, live, protect=True)
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.PROTECTED]


def test_a_protected_tenant_is_not_suspended_sooner() -> None:
    def with_(timeout: int) -> Compute:
        return Compute(0.25, 2, timeout)

    fleet = a_fleet(a_tenant(overrides=Overrides(compute=with_(300)), protect=True))
    view = a_view(a_project(compute=with_(-1)))
    plan = guarded_plan(fleet, view)
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.PROTECTED]
