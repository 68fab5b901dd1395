"""Transfers: integrations that prevent them, and the actions that may run before them."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import Purpose
from reconciler.model.quota import Quota
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.compute import DeleteReplica, PatchEndpoint
from reconciler.plan.actions.project import PatchProject, TransferProject
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.concerns import compute, restore_window
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.plan import Note
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

BLOCKING: Final = frozenset({"github", "vercel"})
"""Neon: these prevent a transfer (transferProjectsFromOrgToOrg); others are not documented."""


def blocking(project: LiveProject) -> tuple[str, ...]:
    """Return the integrations that prevent the project's transfer."""
    return tuple(name for name in project.integrations or () if name.lower() in BLOCKING)


def integration_notes(plans: Iterable[TenantPlan]) -> Iterator[Note]:
    """Yield notes for transfers of projects with integrations that Neon does not document."""
    for plan in plans:
        if plan.transfer is None or plan.project is None:
            continue
        blockers = blocking(plan.project)
        if others := [name for name in plan.project.integrations or () if name not in blockers]:
            message = (
                f"project {plan.project.id} is transferred with an integration that may prevent it (Neon "
                f"does not document it): {', '.join(others)}; if Neon refuses, nothing is reduced"
            )
            yield Note(plan.tenant, message, plan.transfer.source)


class Limit(Enum):
    """A limit of an organization, with the words by which a refusal names it."""

    BRANCHES = ("branch",)
    SNAPSHOTS = ("snapshot",)
    COMPUTE = ("autoscaling", "compute unit", "compute size", "suspend", "max_cu", "min_cu", "endpoint", "replica")
    RESTORE_WINDOW = ("history", "retention", "restore")


def limits_named(limits: Iterable[str], names: Iterable[str]) -> frozenset[Limit]:
    """Return the limits that a refusal names. ``names`` of organizations and projects are ignored in its text."""
    text = " ".join(limits).lower()
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", "", text)
    return frozenset(limit for limit in Limit if any(word in text for word in limit.value))


def may_need_reductions(tenant: TenantPlan) -> bool:
    """Return whether the transfer may need a reduction first."""
    return any(map(may_precede_transfer, tenant.actions))


def is_tried_first(tenant: TenantPlan) -> bool:
    """Return whether the tenant is transferred alone, until the route is known to be open."""
    return (tenant.transfer is not None and tenant.transfer.downgrade) or may_need_reductions(tenant)


def quota_at_risk(tenant: TenantPlan) -> bool:
    """Return whether the transfer may remove a quota that no patch of the plan sends after it.

    Neon does not document whether a project keeps its quota. One that was not observed is not known to exist.
    """
    if tenant.transfer is None or tenant.project is None or not has_quota(tenant.project):
        return False
    return not any(map(sends_quota, tenant.actions))


def has_quota(project: LiveProject) -> bool:
    """Return whether the project was observed to have a quota."""
    return project.quota not in (None, Quota())


def sends_quota(action: Action) -> bool:
    """Return whether it is a patch of the quota after a transfer. Such a patch sends all members."""
    if not isinstance(action, PatchProject) or action.before_transfer:
        return False
    return any(change.path in QUOTA for change in action.changes)


def checks_transfer_permission(plans: Sequence[TenantPlan]) -> bool:
    """Return whether the permission of the transferring key is checked before the first write.

    A single tenant whose first write is its transfer, without possible reductions, needs no check: the transfer is
    the check.
    """
    lone = len(plans) == 1 and isinstance(plans[0].actions[0], TransferProject) and not is_tried_first(plans[0])
    return any(plan.transfer for plan in plans) and not lone


def may_precede_transfer(action: Action) -> bool:
    """Return whether the action may run before the tenant's transfer."""
    if isinstance(action, PatchProject):
        return action.before_transfer
    return action.stage in (Stage.MAKE_ROOM, Stage.DELETE_BRANCH, Stage.DELETE_REPLICA, Stage.LOWER)


def limits_met_by(action: Action) -> frozenset[Limit]:
    """Return the limits that the action helps to meet; none if it may not run before the transfer."""
    if not may_precede_transfer(action):
        return frozenset()
    match action:
        case DeleteBranch():
            snapshot = action.purpose is Purpose.SNAPSHOT
            return frozenset({Limit.BRANCHES, Limit.SNAPSHOTS} if snapshot else {Limit.BRANCHES})
        case DeleteSnapshot():
            return frozenset({Limit.SNAPSHOTS})
        case DeleteReplica():
            return frozenset({Limit.COMPUTE})
        case PatchProject() | PatchEndpoint():
            paths = {change.path for change in action.changes}
            about = {Limit.COMPUTE: (*compute.SIZE, compute.SUSPEND), Limit.RESTORE_WINDOW: (restore_window.PATH,)}
            return frozenset(limit for limit, of_it in about.items() if not paths.isdisjoint(of_it))
        case _:
            return frozenset()
