"""Which tenant a project belongs to, according to its annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.naming import composed
from reconciler.model.annotations import (
    ADOPTION,
    BRANCH,
    CONNECTIONS,
    FLEET,
    MANAGED_BY,
    PRODUCT,
    PURPOSE,
    TENANT,
    Purpose,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch, LiveProject


def is_mark(branch: LiveBranch) -> bool:
    """Return whether the branch only marks an adopted project."""
    return branch.annotations.get(MANAGED_BY) == PRODUCT and branch.annotations.get(PURPOSE) == ADOPTION


def declared_name(branch: LiveBranch, fleet: str, purpose: Purpose) -> str | None:
    """Return the name under which this fleet created the branch for that purpose; None if it did not."""
    note = branch.annotations
    ours = note.get(MANAGED_BY) == PRODUCT and note.get(FLEET) == fleet
    return composed(note[BRANCH]) if ours and note.get(PURPOSE) == purpose.value and BRANCH in note else None


def owner(project: LiveProject) -> Mapping[str, str] | None:
    """Return the annotation of the fleet that created the project; None if no branch has one.

    Any branch counts: a finalized restore leaves a new default branch without annotations (Neon).
    """
    ours = (note for note in project.annotations if note.get(MANAGED_BY) == PRODUCT)
    return next(ours, None)


def creator(project: LiveProject) -> Mapping[str, str] | None:
    """Return the annotation of the project's creation, not of a branch created later."""
    ours = (note for note in project.annotations if note.get(MANAGED_BY) == PRODUCT and BRANCH not in note)
    return next(ours, None)


def owned(project: LiveProject, fleet: str) -> bool | None:
    """Return whether this fleet created the project; None if its branches were not read."""
    if project.branches is None:
        return None
    annotation = creator(project)
    return annotation is not None and annotation.get(FLEET) == fleet


def created_for(project: LiveProject, desired: DesiredState) -> str | None:
    """Return the tenant, by current name, that this fleet's annotation on the project names."""
    name = annotated_tenant(project, desired.fleet)
    return None if name is None else desired.current_name(name)


def annotated_tenant(project: LiveProject, fleet: str) -> str | None:
    """Return the tenant that the annotation names: Neon cannot change it, so it may be an earlier name."""
    branch = _telling(project, fleet)
    return None if branch is None else branch.annotations.get(TENANT)


def made_for(project: LiveProject, desired: DesiredState) -> str | None:
    """Return the tenant, by current name, for which this fleet created the project.

    None if the project was adopted, or its branches were not read.
    """
    annotation = creator(project)
    name = None if annotation is None or annotation.get(FLEET) != desired.fleet else annotation.get(TENANT)
    return None if name is None else desired.current_name(name)


def annotated_at(project: LiveProject, fleet: str) -> datetime:
    """Return since when the project is the annotated tenant's: its creation, or that of an annotated branch."""
    branch = _telling(project, fleet)
    made_later = branch is not None and BRANCH in branch.annotations
    return branch.created_at if branch is not None and made_later else project.created_at


def handed_out(project: LiveProject, fleet: str) -> bool:
    """Return whether a run that returns connection strings made the annotation."""
    branch = _telling(project, fleet)
    return branch is not None and CONNECTIONS in branch.annotations


def _telling(project: LiveProject, fleet: str) -> LiveBranch | None:
    """Return the branch whose annotation names the owner: preferably the one created with the project."""
    if not project.branches:
        return None
    ours = [branch for branch in project.branches if branch.annotations.get(MANAGED_BY) == PRODUCT]
    created_with_project = (branch for branch in ours if BRANCH not in branch.annotations)
    telling = next(created_with_project, next(iter(ours), None))
    return telling if telling is not None and telling.annotations.get(FLEET) == fleet else None
