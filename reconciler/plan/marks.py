"""Marks that may be lost: a restore leaves what says whose a project is on the branch that it replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.annotations import BRANCH, FLEET, MANAGED_BY, PRODUCT
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.identity import Identities


def notes(
    desired: DesiredState, live: LiveState, tenants: Iterable[Tenant], identities: Identities
) -> Iterator[Note]:
    """Tenants whose project nothing but a replaced branch marks as theirs: no pin, and no row of a registry.

    Neon: a finalized restore makes another branch the default one, which has no annotations, and its guide then
    deletes the one that was replaced.
    """
    for tenant in tenants:
        project = identities.projects.get(tenant.name)
        if project is None or tenant.project_id is not None or live.places.get(tenant.name) == project.id:
            continue
        if left := _left_behind(project, desired.fleet):
            branches = " and ".join(map(repr, left))
            yield Note(
                tenant.name,
                f"only branch {branches} says whose project {project.id} is, which is lost when it is deleted: "
                f"state project_id: {project.id} in the tenant's file first",
                tenant.location,
            )


def _left_behind(project: LiveProject, fleet: str) -> list[str]:
    """The branches that carry the mark of the project's creation, where the default branch does not."""
    marked = [branch for branch in project.branches or () if _is_marked(branch, fleet)]
    return [] if any(branch.default for branch in marked) else [branch.name for branch in marked]


def _is_marked(branch: LiveBranch, fleet: str) -> bool:
    note = branch.annotations
    return note.get(MANAGED_BY) == PRODUCT and note.get(FLEET) == fleet and BRANCH not in note
