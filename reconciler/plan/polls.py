"""How often a run asks about operations: which writes start some, and whether anybody waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteSnapshot,
    PatchEndpoint,
    PatchProject,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

POLLS_OF_FEW: Final = 1.5
"""For each write, where a tenant's calls follow each other at once; seen on the simulator."""
OPERATION_SECONDS: Final = 0.8
"""About how long an operation takes (Neon: provisioning takes less than a second)."""
AT_ONCE: Final = 32
"""Tenants at work at once, at most."""
SHOWN_IN_NO_LIST: Final = (PatchEndpoint, CreateBranch, CreateSnapshot)
"""Actions whose operations are waited for even where nothing follows."""
ALWAYS: Final = (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteSnapshot,
    PatchEndpoint,
)
WITHOUT_WORK: Final = ("name", "organization", "quota.", "compute.")
"""Paths of a project whose change starts no operation (Neon: manage/operations)."""


def polls(plans: Sequence[TenantPlan], per_minute: float) -> int:
    """Calls that ask about operations, in a run of so many calls a minute.

    Where many tenants are at work, each waits longer for its turn than its operation takes, and asks once.
    """
    awaited = sum(_awaited(plan.actions) for plan in plans)
    waits = min(AT_ONCE, len(plans)) * 60 / per_minute >= OPERATION_SECONDS
    return awaited if waits else int(awaited * POLLS_OF_FEW)


def _awaited(actions: Sequence[Action]) -> int:
    """The writes of a tenant whose operations are waited for."""
    return sum(
        starts_work(action) and (place < len(actions) or isinstance(action, SHOWN_IN_NO_LIST))
        for place, action in enumerate(actions, start=1)
    )


def starts_work(action: Action) -> bool:
    """Whether the call starts operations, as far as Neon says so."""
    if isinstance(action, PatchProject):
        return any(not change.path.startswith(WITHOUT_WORK) for change in action.changes)
    return isinstance(action, ALWAYS)
