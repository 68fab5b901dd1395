"""Whose a project is: the annotations that a created project carries, and what they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.live.project import LiveProject

MANAGED_BY: Final = "managed-by"
FLEET: Final = "fleet"
TENANT: Final = "tenant"
RUN: Final = "run"
PRODUCT: Final = "neon-reconciler"


def creation_annotations(*, fleet: str, tenant: str, run: str) -> dict[str, str]:
    """What goes on the default branch of a new project (Neon: annotations can only be set at creation)."""
    return {MANAGED_BY: PRODUCT, FLEET: fleet, TENANT: tenant, RUN: run}


def owner(project: LiveProject) -> Mapping[str, str] | None:
    """The annotation of whichever fleet created the project; None where no branch carries one.

    Any branch counts: a finalized restore leaves a new default branch without annotations (Neon).
    """
    ours = (note for note in project.annotations if note.get(MANAGED_BY) == PRODUCT)
    return next(ours, None)


def owned(project: LiveProject, fleet: str) -> bool | None:
    """Whether this fleet created the project; None where its branches were not read."""
    if project.branches is None:
        return None
    annotation = owner(project)
    return annotation is not None and annotation.get(FLEET) == fleet


def annotated_tenant(project: LiveProject, fleet: str) -> str | None:
    """The tenant that the fleet's own annotation names, if it is on the project."""
    annotation = owner(project)
    if annotation is None or annotation.get(FLEET) != fleet:
        return None
    return annotation.get(TENANT)
