"""What makes way for a move: which of a tenant's actions a limit that a refused transfer names is about.

Nothing is taken before Neon has refused the move for it: whether a transfer checks an organization's limits at all
is not documented. A refusal that names no limit that is known here takes nothing either.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from reconciler.plan.action import DeleteBranch, DeleteSnapshot, PatchEndpoint, PatchProject
from reconciler.plan.concerns import compute, restore_window
from reconciler.plan.order import Stage, stage
from reconciler.plan.ownership import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.plan.action import Action


class Limit(Enum):
    """A limit of an organization, with the words by which a refusal names it."""

    BRANCHES = ("branch",)
    SNAPSHOTS = ("snapshot",)
    COMPUTE = ("autoscaling", "compute unit", "compute size", "suspend", "max_cu", "min_cu")
    RESTORE_WINDOW = ("history", "retention", "restore")


def named(limits: Iterable[str], project_ids: Iterable[str]) -> frozenset[Limit]:
    """The limits that the texts of a refusal name; ids of projects, which are made of words, name none."""
    text = " ".join(limits).lower()
    for project_id in project_ids:
        text = text.replace(project_id.lower(), "")
    return frozenset(limit for limit in Limit if any(word in text for word in limit.value))


def makes_way(action: Action) -> bool:
    """Whether the action may go before the tenant's move, to make way for it."""
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
