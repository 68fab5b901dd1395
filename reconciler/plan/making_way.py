"""What makes way for a move: which of a tenant's actions a limit that a refused transfer names is about.

Nothing is taken before Neon has refused the move for it: whether a transfer checks an organization's limits at all
is not documented. A refusal that names no limit that is known here takes nothing either.
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
    """The limits that the texts of a refusal name. ``names`` of organizations and projects name none."""
    text = " ".join(limits).lower()
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", "", text)
    return frozenset(limit for limit in Limit if any(word in text for word in limit.value))


def would_lose(tenant: TenantPlan) -> bool:
    """Whether something of the tenant might have to make way for its move."""
    return any(map(makes_way, tenant.actions))


def goes_first(tenant: TenantPlan) -> bool:
    """Whether one that moves as this tenant does goes alone, before it is known that the route is open."""
    down = any(isinstance(action, TransferProject) and action.downgrade for action in tenant.actions)
    return down or would_lose(tenant)


def asks_for_the_mover(plans: Sequence[TenantPlan]) -> bool:
    """Whether it is asked before the first write if the key that moves projects may do so.

    A lone tenant whose move is the first write, and of whom nothing can be taken for it, needs no question: the
    move is the question.
    """
    moving = [plan for plan in plans if any(isinstance(action, TransferProject) for action in plan.actions)]
    lone = len(plans) == 1 and isinstance(plans[0].actions[0], TransferProject) and not goes_first(plans[0])
    return bool(moving) and not lone


def makes_way(action: Action) -> bool:
    """Whether the action may go before the tenant's move, to make way for it."""
    if isinstance(action, PatchProject):
        return action.before_transfer
    return stage(action) in (Stage.MAKE_ROOM, Stage.DELETE_BRANCH, Stage.LOWER)


def makes_way_for(action: Action) -> frozenset[Limit]:
    """The limits that the action makes way for; none where it does not."""
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
