"""Which of a tenant's actions may run before its transfer, for a limit that Neon's refusal names.

Nothing is reduced before Neon refused the transfer: whether a transfer checks an organization's limits is not
documented. A refusal that names no known limit reduces nothing.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.model.annotations import Purpose
from reconciler.plan.action import DeleteBranch, DeleteSnapshot, PatchEndpoint, PatchProject, TransferProject
from reconciler.plan.concerns import compute, restore_window
from reconciler.plan.order import Stage, stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan


class Limit(Enum):
    """A limit of an organization, with the words by which a refusal names it."""

    BRANCHES = ("branch",)
    SNAPSHOTS = ("snapshot",)
    COMPUTE = ("autoscaling", "compute unit", "compute size", "suspend", "max_cu", "min_cu")
    RESTORE_WINDOW = ("history", "retention", "restore")


def named(limits: Iterable[str], names: Iterable[str]) -> frozenset[Limit]:
    """Return the limits that a refusal names. ``names`` of organizations and projects are ignored in its text."""
    text = " ".join(limits).lower()
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", "", text)
    return frozenset(limit for limit in Limit if any(word in text for word in limit.value))


def would_lose(tenant: TenantPlan) -> bool:
    """Return whether the transfer may need a reduction first."""
    return any(map(makes_way, tenant.actions))


def goes_first(tenant: TenantPlan) -> bool:
    """Return whether a tenant with this transfer goes alone, until the route is known to be open."""
    down = any(isinstance(action, TransferProject) and action.downgrade for action in tenant.actions)
    return down or would_lose(tenant)


def asks_for_the_mover(plans: Sequence[TenantPlan]) -> bool:
    """Return whether the permission of the transferring key is checked before the first write.

    A single tenant whose first write is its transfer, without possible reductions, needs no check: the transfer is
    the check.
    """
    moving = [plan for plan in plans if any(isinstance(action, TransferProject) for action in plan.actions)]
    lone = len(plans) == 1 and isinstance(plans[0].actions[0], TransferProject) and not goes_first(plans[0])
    return bool(moving) and not lone


def makes_way(action: Action) -> bool:
    """Return whether the action may run before the tenant's transfer."""
    if isinstance(action, PatchProject):
        return action.before_transfer
    return stage(action) in (Stage.MAKE_ROOM, Stage.DELETE_BRANCH, Stage.LOWER)


def makes_way_for(action: Action) -> frozenset[Limit]:
    """Return the limits that the action helps to meet; none if it may not run before the transfer."""
    if not makes_way(action):
        return frozenset()
    match action:
        case DeleteBranch():
            snapshot = action.purpose is Purpose.SNAPSHOT
            return frozenset({Limit.BRANCHES, Limit.SNAPSHOTS} if snapshot else {Limit.BRANCHES})
        case DeleteSnapshot():
            return frozenset({Limit.SNAPSHOTS})
        case PatchProject() | PatchEndpoint():
            paths = {change.path for change in action.changes}
            about = {Limit.COMPUTE: compute.PATHS, Limit.RESTORE_WINDOW: (restore_window.PATH,)}
            return frozenset(limit for limit, of_it in about.items() if not paths.isdisjoint(of_it))
        case _:
            return frozenset()
