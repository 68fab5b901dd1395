"""Compute sizes and suspension: a project's defaults for new computes, and each existing compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.compute import LARGEST_SCALING_CU, MAX_CU_RANGE
from reconciler.model.units import format_cu
from reconciler.plan.change import FieldChange, Risk
from reconciler.plan.concerns.concern import Concern, Fields, differing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value

MIN, MAX, SUSPEND = "compute.min_cu", "compute.max_cu", "compute.suspend_timeout_seconds"
PATHS = (MIN, MAX, SUSPEND)
"""All three travel together: Neon does not say whether a patch merges or replaces."""
SIZE = frozenset({MIN, MAX})
"""Two ends of one range."""


def members(compute: Compute | None) -> dict[str, float | int]:
    """The stated members by path."""
    if compute is None:
        return {}
    stated = {MIN: compute.min_cu, MAX: compute.max_cu, SUSPEND: compute.suspend_timeout_seconds}
    return {path: value for path, value in stated.items() if value is not None}


def wanted(settings: Settings) -> Fields:
    """The members that the files state."""
    return members(settings.compute)


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Defaults that differ. They reach computes created later only, so that changing them disturbs nobody."""
    for path, before, after in differing(wanted(settings), members(project.compute)):
        yield FieldChange(path, before, after, lowering=takes(path, before, after))


def endpoint_changes(compute: Compute | None, endpoint: LiveEndpoint | None) -> Iterator[FieldChange]:
    """Where an existing compute differs. Another size restarts it and drops connections (Neon: computes)."""
    if endpoint is None:
        return
    for path, before, after in differing(members(compute), members(endpoint.compute)):
        risk = Risk.DISRUPTIVE if path in SIZE else Risk.SAFE
        yield FieldChange(path, before, after, risk, lowering=takes(path, before, after))


def takes(path: str, before: Value, after: Value) -> bool:
    """Whether the tenant gets less: a smaller compute, or one that is suspended sooner (-1 is never)."""
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return False
    if path == SUSPEND:
        return after >= 0 and (before < 0 or after < before)
    return after < before


def is_a_range(smallest: float, largest: float) -> bool:
    """Whether Neon lets a compute scale between two sizes."""
    return smallest == largest or smallest < largest <= min(smallest + MAX_CU_RANGE, LARGEST_SCALING_CU)


def no_range(smallest: float, largest: float) -> str:
    """Why Neon has no such compute, for a reader."""
    return f"Neon has no compute that scales from {format_cu(smallest)} to {format_cu(largest)} CU"


COMPUTE = Concern("compute", wanted, changes)
