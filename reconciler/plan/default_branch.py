"""Whether the default branch of a project is still the tenant's, and whether a restore endangers its
annotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import BRANCH, MANAGED_BY, PRODUCT
from reconciler.plan.concerns.branch_matching import RESTORED
from reconciler.plan.plan import Conflict

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject

REMEDY: Final = (
    "make {was!r} the default branch again in the console; or, to keep the change, rename {was!r} and name "
    "the default branch {called!r}"
)


def switched(tenant: Tenant, project: LiveProject, called: str) -> Conflict | None:
    """Return a conflict if somebody made another branch the default one; None if not, or if branches were not
    read.

    Sizes, branches and snapshots would apply to the wrong branch. ``called`` is the declared name of the default
    branch. A branch that a restore made the default one has that name.
    """
    default = project.default_branch
    if default is None or default.name == called or _came_with_the_project(default):
        return None
    was = next((branch for branch in project.branches or () if _was_the_default(branch, called)), None)
    if was is None:
        return None
    message = f"{default.name!r} is now the default branch of project {project.id}; it was {was.name!r}"
    return Conflict(
        tenant.name,
        f"{message}: neither branch is changed",
        REMEDY.format(was=was.name, called=called),
        tenant.location,
    )


def _was_the_default(branch: LiveBranch, called: str) -> bool:
    """Return whether it is the project's first branch, or has its name; not one that a restore replaced."""
    return not branch.default and (
        branch.name == called or (_came_with_the_project(branch) and not branch.name.endswith(RESTORED))
    )


def _came_with_the_project(branch: LiveBranch) -> bool:
    return branch.annotations.get(MANAGED_BY) == PRODUCT and BRANCH not in branch.annotations
