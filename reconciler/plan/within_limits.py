"""Values that no file states and that an organization forbids: each is changed to the limit.

A transfer leaves them to later patches, so a run that ends in between leaves them in the new organization. The
limits therefore hold for a project that is transferred and for one that stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns import compute, organization, restore_window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.desired.settings import Settings
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveProject
    from reconciler.model.compute import Compute
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.concern import Fields


def of_project(
    limits: OrganizationLimits, project: LiveProject, managed: Collection[str]
) -> Iterator[FieldChange]:
    """Yield changes of the project's own values. ``managed`` are the paths that the files state."""
    return organization.clamps(limits, _bounded(project), managed, at_work=False)


def of_compute(
    limits: OrganizationLimits, live: Compute | None, managed: Collection[str]
) -> Iterator[FieldChange]:
    """Yield changes of an existing compute. ``managed`` are the paths that the files state for its branch."""
    return organization.clamps(limits, compute.amounts(live), managed, at_work=True)


def managed(settings: Settings) -> frozenset[str]:
    """Return the paths of the project that an organization may forbid and that the files state."""
    return frozenset((*compute.wanted(settings), *restore_window.wanted(settings)))


def _bounded(project: LiveProject) -> Fields:
    """Return the project's own values of all fields that an organization may forbid."""
    window = project.restore_window_seconds
    sizes: Fields = compute.amounts(project.compute)
    return sizes if window is None else {**sizes, restore_window.PATH: window}
