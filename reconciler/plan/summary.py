"""Summaries of a plan and a report: kinds of tenants, counts of branches and snapshots, differing tenants."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Final

from reconciler.model.values import replace
from reconciler.plan.actions.project import CreateProject, TransferProject
from reconciler.plan.outcome import Result
from reconciler.plan.plan import TenantPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.plan.action import Action
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan

VERBS: Final = ("create", "change", "delete")
"""What happens to branches and snapshots."""


class ChangeKind(Enum):
    """The kind of change of a tenant, in the order of a plan's sections."""

    CREATE = "create"
    RECOVER = "recover"
    ADOPT = "adopt"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    CHANGE = "change"
    RESTORE = "restore"
    DELETE = "delete"


def kind_of(actions: Iterable[Action]) -> ChangeKind:
    """The kind of change of one tenant: by its first action on the project as a whole, if any."""
    for action in actions:
        if isinstance(action, TransferProject):
            return ChangeKind.DOWNGRADE if action.downgrade else ChangeKind.UPGRADE
        if action.of_whole_project:
            return ChangeKind(action.verb)
    return ChangeKind.CHANGE


def by_kind(tenants: Iterable[TenantPlan]) -> Mapping[ChangeKind, list[TenantPlan]]:
    """The tenants of each kind; every kind is present."""
    groups: dict[ChangeKind, list[TenantPlan]] = {kind: [] for kind in ChangeKind}
    for tenant in tenants:
        groups[kind_of(tenant.actions)].append(tenant)
    return groups


def count_branches_and_snapshots(actions: Iterable[Action]) -> Counter[tuple[str, str]]:
    """How many branches and snapshots are created, changed and deleted, by thing and verb."""
    return Counter((action.subject, action.verb) for action in actions if action.thing in ("branch", "snapshot"))


def by_tenant(actions: Iterable[Action]) -> list[TenantPlan]:
    """The actions grouped by tenant, in name order, each action once."""
    tenants: dict[str, dict[Action, None]] = {}
    for action in actions:
        tenants.setdefault(action.tenant, {})[action] = None
    return [TenantPlan(tenant, None, tuple(tenants[tenant])) for tenant in sorted(tenants)]


def applied_actions(report: Report) -> Iterator[Action]:
    """All applied actions, also of tenants that failed later."""
    outcomes = (one for tenant in report.outcomes for one in tenant.actions)
    return (one.action for one in outcomes if one.result is Result.APPLIED)


def differing(plan: Plan) -> list[TenantPlan]:
    """The tenants whose live project differs, with refused actions included."""
    seen = {tenant.tenant: tenant.project for tenant in plan.tenants}
    refused = (action for refusal in plan.refusals for action in refusal.actions)
    tenants = by_tenant(map(_without_values, chain(plan.actions, refused)))
    return [replace(tenant, project=seen.get(tenant.tenant)) for tenant in tenants]


def _without_values(action: Action) -> Action:
    """A missing project counts as one difference, not as one per field."""
    return replace(action, changes=()) if isinstance(action, CreateProject) else action
