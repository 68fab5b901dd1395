"""Which tenant a project belongs to, as its annotations say."""

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
    """Whether the branch only marks an adopted project."""
    return branch.annotations.get(MANAGED_BY) == PRODUCT and branch.annotations.get(PURPOSE) == ADOPTION


def declared_name(branch: LiveBranch, fleet: str, purpose: Purpose) -> str | None:
    """The name under which this fleet created the branch for that purpose; None where it did not."""
    note = branch.annotations
    ours = note.get(MANAGED_BY) == PRODUCT and note.get(FLEET) == fleet
    return composed(note[BRANCH]) if ours and note.get(PURPOSE) == purpose.value and BRANCH in note else None


def owner(project: LiveProject) -> Mapping[str, str] | None:
    """The annotation of whichever fleet created the project; None where no branch carries one.

    Any branch counts: a finalized restore leaves a new default branch without annotations (Neon).
    """
    ours = (note for note in project.annotations if note.get(MANAGED_BY) == PRODUCT)
    return next(ours, None)


def creator(project: LiveProject) -> Mapping[str, str] | None:
    """The annotation that came with the project itself, not with a branch made in it later."""
    ours = (note for note in project.annotations if note.get(MANAGED_BY) == PRODUCT and BRANCH not in note)
    return next(ours, None)


def owned(project: LiveProject, fleet: str) -> bool | None:
    """Whether this fleet created the project; None where its branches were not read."""
    if project.branches is None:
        return None
    annotation = creator(project)
    return annotation is not None and annotation.get(FLEET) == fleet


def created_for(project: LiveProject, desired: DesiredState) -> str | None:
    """The tenant, by its present name, whom the fleet's own annotation names, if it is on the project."""
    name = annotated_tenant(project, desired.fleet)
    return None if name is None else desired.present_name(name)


def annotated_tenant(project: LiveProject, fleet: str) -> str | None:
    """The tenant as the annotation names it: Neon changes none, so that it may be an earlier name."""
    branch = _telling(project, fleet)
    return None if branch is None else branch.annotations.get(TENANT)


def made_for(project: LiveProject, desired: DesiredState) -> str | None:
    """The tenant, by its present name, for whom this fleet made the project.

    None where the project was found, or not read.
    """
    annotation = creator(project)
    name = None if annotation is None or annotation.get(FLEET) != desired.fleet else annotation.get(TENANT)
    return None if name is None else desired.present_name(name)


def annotated_at(project: LiveProject, fleet: str) -> datetime:
    """Since when it is the annotated tenant's: since its creation, or since a branch made later says so."""
    branch = _telling(project, fleet)
    made_later = branch is not None and BRANCH in branch.annotations
    return branch.created_at if branch is not None and made_later else project.created_at


def handed_out(project: LiveProject, fleet: str) -> bool:
    """Whether the annotation was made by a run that hands out connection strings."""
    branch = _telling(project, fleet)
    return branch is not None and CONNECTIONS in branch.annotations


def _telling(project: LiveProject, fleet: str) -> LiveBranch | None:
    """The branch whose annotation says whose the project is: first of all the one that came with it."""
    ours = [branch for branch in project.branches or () if branch.annotations.get(MANAGED_BY) == PRODUCT]
    born = (branch for branch in ours if BRANCH not in branch.annotations)
    telling = next(born, next(iter(ours), None))
    return telling if telling is not None and telling.annotations.get(FLEET) == fleet else None
