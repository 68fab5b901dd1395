"""What of a tenant is read once more when its turn comes late, by what its plan does."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import Api
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

CALLS_PER_TURN: Final = 2
"""About so many calls are made for a tenant beside the one that a list takes the place of."""
Details: TypeAlias = "frozenset[str]"
"""What is read below a project: names of attributes of LiveProject."""

NOTHING_BELOW: Final[Details] = frozenset()
BRANCHES: Final[Details] = frozenset({"branches"})
COMPUTES: Final[Details] = BRANCHES | {"endpoints"}
SNAPSHOTS: Final[Details] = BRANCHES | {"snapshots"}
NEEDED: Final[Mapping[type[Action], Details]] = {
    PatchEndpoint: COMPUTES,
    CreateBranch: BRANCHES,
    PatchBranch: BRANCHES,
    DeleteBranch: BRANCHES,
    AdoptProject: BRANCHES,
    CreateSnapshot: SNAPSHOTS,
    DeleteSnapshot: SNAPSHOTS,
    DeleteProject: BRANCHES,
    DeleteDuplicate: COMPUTES | SNAPSHOTS,
}
"""Names of branches are given out again, so that whatever a name leads to is read with the names. Of other actions
the project itself tells enough."""


def needed_by(actions: Iterable[Action]) -> Details:
    """The details that are read again for these actions; what a tenant stores decides what may be lowered."""
    return frozenset().union(*map(_needed, actions))


def _needed(action: Action) -> Details:
    needed = NEEDED.get(type(action), NOTHING_BELOW)
    return needed | BRANCHES if action.lowering else needed


def looks(tenant: TenantPlan) -> int:
    """Calls that see the tenant again, unless a list tells of its project: the project and each detail."""
    return 0 if tenant.project is None else 1 + len(needed_by(tenant.actions))


def pages(projects: int) -> int:
    """Calls that list an organization of so many projects; the last page is an empty one (Neon)."""
    return ceil(projects / PROJECTS_PER_PAGE) + 1


def lists_pay(projects: int, turns: int, api: Api) -> bool:
    """Whether listing an organization of so many projects takes fewer calls than reading those whose turns come.

    No more than come before the list is too old.
    """
    per_second = api.requests_per_minute * api.batch_share / 60
    return pages(projects) < min(turns, per_second * api.look_again_after_seconds / CALLS_PER_TURN)
