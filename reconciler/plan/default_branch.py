"""Whether the default branch of a project is still the one that its tenant works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import BRANCH, MANAGED_BY, PRODUCT
from reconciler.plan.concerns.branch_matching import RESTORED
from reconciler.plan.plan import Conflict

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject

REMEDY: Final = (
    "make {was!r} the default branch again in the console; or, to keep it so, rename {was!r}, and call the "
    "default one {called!r}"
)


def switched(tenant: Tenant, project: LiveProject, called: str) -> Conflict | None:
    """A conflict where somebody made another branch the default one; None where nobody did, or it was not read.

    Sizes, branches and snapshots would go to the wrong one. ``called`` is the name that default branches are given
    (``defaults.branch``). A branch that a restore put in the place of the first one has its name.
    """
    default = project.default_branch
    if default is None or default.name == called or _came_with_the_project(default):
        return None
    was = next((branch for branch in project.branches or () if _was_the_default(branch, called)), None)
    if was is None:
        return None
    message = f"{default.name!r} is the default branch of project {project.id}, and {was.name!r} was"
    return Conflict(
        tenant.name,
        f"{message}: nothing is written to either",
        REMEDY.format(was=was.name, called=called),
        tenant.location,
    )


def _was_the_default(branch: LiveBranch, called: str) -> bool:
    """The branch that came with the project, or has the name of one that did; not what a restore has replaced."""
    return not branch.default and (
        branch.name == called or (_came_with_the_project(branch) and not branch.name.endswith(RESTORED))
    )


def _came_with_the_project(branch: LiveBranch) -> bool:
    return branch.annotations.get(MANAGED_BY) == PRODUCT and BRANCH not in branch.annotations
