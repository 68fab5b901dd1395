"""Whether the default branch of a project is still the tenant's, and whether a restore endangers its
annotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import BRANCH, FLEET, MANAGED_BY, PRODUCT
from reconciler.plan.kept_branches import is_kept
from reconciler.plan.plan import Conflict, Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.identity import Identities

REMEDY: Final = (
    "make {was!r} the default branch again in the console; or, to keep the change, rename {was!r} and name "
    "the default branch {called!r}"
)


def switched(tenant: Tenant, project: LiveProject, called: str) -> Conflict | None:
    """A conflict if somebody made another branch the default one; None if not, or if branches were not read.

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
    return Conflict.about(
        tenant, f"{message}: neither branch is changed", REMEDY.format(was=was.name, called=called)
    )


def _was_the_default(branch: LiveBranch, called: str) -> bool:
    """Return whether it is the project's first branch, or has its name; not one that a restore replaced."""
    return not branch.default and (
        branch.name == called or (_came_with_the_project(branch) and not is_kept(branch))
    )


def _came_with_the_project(branch: LiveBranch) -> bool:
    return branch.annotations.get(MANAGED_BY) == PRODUCT and BRANCH not in branch.annotations


def endangered_annotation_notes(
    desired: DesiredState, live: LiveState, tenants: Iterable[Tenant], identities: Identities
) -> Iterator[Note]:
    """Yield notes for tenants whose project only a replaced branch identifies: no pin, no registry row.

    Neon: a finalized restore makes a branch without annotations the default one, and Neon's guide then deletes the
    replaced branch.
    """
    for tenant, project in identities.matched(tenants):
        if tenant.project_id is not None or live.registered_id(tenant.name) == project.id:
            continue
        if left := _left_behind(project, desired.fleet):
            branches = " and ".join(map(repr, left))
            yield Note.about(
                tenant,
                f"only branch {branches} identifies the owner of project {project.id}, which is lost when "
                f"the branch is deleted: add project_id: {project.id} to the tenant's file first",
            )


def _left_behind(project: LiveProject, fleet: str) -> list[str]:
    """Return the branches with the creation's annotation, if the default branch does not have it."""
    marked = [branch for branch in project.branches or () if _is_marked(branch, fleet)]
    return [] if any(branch.default for branch in marked) else [branch.name for branch in marked]


def _is_marked(branch: LiveBranch, fleet: str) -> bool:
    note = branch.annotations
    return note.get(MANAGED_BY) == PRODUCT and note.get(FLEET) == fleet and BRANCH not in note
