"""Annotations that may be lost: a restore leaves them on the branch that it replaces."""

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
    """Yield notes for tenants whose project only a replaced branch identifies: no pin, no registry row.

    Neon: a finalized restore makes a branch without annotations the default one, and Neon's guide then deletes the
    replaced branch.
    """
    for tenant in tenants:
        project = identities.projects.get(tenant.name)
        if project is None or tenant.project_id is not None or live.places.get(tenant.name) == project.id:
            continue
        if left := _left_behind(project, desired.fleet):
            branches = " and ".join(map(repr, left))
            yield Note(
                tenant.name,
                f"only branch {branches} identifies the owner of project {project.id}, which is lost when "
                f"the branch is deleted: add project_id: {project.id} to the tenant's file first",
                tenant.location,
            )


def _left_behind(project: LiveProject, fleet: str) -> list[str]:
    """Return the branches with the creation's annotation, if the default branch does not have it."""
    marked = [branch for branch in project.branches or () if _is_marked(branch, fleet)]
    return [] if any(branch.default for branch in marked) else [branch.name for branch in marked]


def _is_marked(branch: LiveBranch, fleet: str) -> bool:
    note = branch.annotations
    return note.get(MANAGED_BY) == PRODUCT and note.get(FLEET) == fleet and BRANCH not in note
