"""Compute sizes and suspension: a project's defaults for new computes, and each existing compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.compute import LARGEST_SCALING_CU, MAX_CU_RANGE
from reconciler.model.fields import table
from reconciler.model.units import format_cu
from reconciler.plan.concerns.concern import Concern, Fields, changed, differing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.plan.change import FieldChange

_FIELDS = table.of("compute")
PATHS = tuple(field.path for field in _FIELDS)
"""All travel together: Neon does not say whether a patch merges or replaces."""
MIN, MAX, SUSPEND = "compute.min_cu", "compute.max_cu", "compute.suspend_timeout_seconds"
SIZE = frozenset({MIN, MAX})
"""Two ends of one range."""


def members(compute: Compute | None) -> dict[str, float | int]:
    """The stated members by path."""
    if compute is None:
        return {}
    stated = ((field.path, getattr(compute, field.name)) for field in _FIELDS)
    return {path: value for path, value in stated if value is not None}


def wanted(settings: Settings) -> Fields:
    """The members that the files state."""
    return members(settings.compute)


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Defaults that differ. They reach computes created later only, so that changing them disturbs nobody."""
    for path, before, after in differing(wanted(settings), members(project.compute)):
        yield changed(path, before, after)


def endpoint_changes(compute: Compute | None, endpoint: LiveEndpoint | None) -> Iterator[FieldChange]:
    """Where an existing compute differs."""
    if endpoint is None:
        return
    for path, before, after in differing(members(compute), members(endpoint.compute)):
        yield changed(path, before, after, at_work=True)


def is_a_range(smallest: float, largest: float) -> bool:
    """Whether Neon lets a compute scale between two sizes."""
    return smallest == largest or smallest < largest <= min(smallest + MAX_CU_RANGE, LARGEST_SCALING_CU)


def no_range(smallest: float, largest: float) -> str:
    """Why Neon has no such compute, for a reader."""
    return f"Neon has no compute that scales from {format_cu(smallest)} to {format_cu(largest)} CU"


COMPUTE = Concern("compute", wanted, changes)
