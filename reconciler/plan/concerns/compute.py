"""Sizes, suspension and Postgres parameters: a project's defaults for new computes, and each existing compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.settings import override_compute
from reconciler.model.compute import LARGEST_SCALING_CU, MAX_CU_RANGE, with_parameters
from reconciler.model.fields import table
from reconciler.model.units import format_cu
from reconciler.model.values import JsonText
from reconciler.plan.concerns.concern import Concern, Fields, changed, differing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.plan.change import FieldChange

_FIELDS = table.of("compute")
_NAMES = tuple((field.path, field.name) for field in _FIELDS)
PATHS = tuple(field.path for field in _FIELDS)
"""All travel together: Neon does not say whether a patch merges or replaces."""
MIN, MAX, SUSPEND = "compute.min_cu", "compute.max_cu", "compute.suspend_timeout_seconds"
PARAMETERS: Final = "compute.pg_settings"
SETTINGS: Final = "endpoint.settings."
"""What comes before the name of another setting of a compute, which is sent along with its parameters."""
SIZE = frozenset({MIN, MAX})
"""Two ends of one range."""


def members(compute: Compute | None) -> dict[str, Value]:
    """The stated members by path."""
    if compute is None:
        return {}
    return {path: value for path, name in _NAMES if (value := getattr(compute, name)) is not None}


def amounts(compute: Compute | None) -> dict[str, float | int]:
    """The stated sizes and suspension by path."""
    return {path: value for path, value in members(compute).items() if isinstance(value, int | float)}


def parameters(compute: Compute | None) -> frozenset[str]:
    """The names of the Postgres parameters that have a value."""
    values = None if compute is None or compute.pg_settings is None else compute.pg_settings.value
    return frozenset(values) if isinstance(values, dict) else frozenset()


def wanted(settings: Settings) -> Fields:
    """The members that the files state."""
    return members(settings.compute)


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Defaults that differ. They reach computes created later only, so a change interrupts no tenant."""
    for path, before, after in _differing(settings.compute, project.compute):
        yield changed(path, before, after)


def endpoint_changes(compute: Compute | None, endpoint: LiveEndpoint | None) -> Iterator[FieldChange]:
    """Where an existing compute differs."""
    if endpoint is None:
        return
    for path, before, after in _differing(compute, endpoint.compute):
        yield changed(path, before, after, at_work=True)


def new_endpoint_changes(compute: Compute | None) -> Iterator[FieldChange]:
    """The parameters of a compute that comes with a new project.

    Neon does not document whether it takes the project's.
    """
    if compute is not None and compute.pg_settings is not None:
        yield changed(PARAMETERS, None, compute.pg_settings)


def _differing(stated: Compute | None, live: Compute | None) -> Iterator[tuple[str, Value, Value]]:
    """Yield (path, before, after). Parameters that are not stated keep their values, and are sent along: Neon
    replaces all of them (neondatabase/neon, issue 7628).
    """
    for path, before, after in differing(members(stated), members(live)):
        if not isinstance(after, JsonText):
            yield path, before, after
            continue
        combined = with_parameters(before if isinstance(before, JsonText) else None, after)
        if combined != before:
            yield path, before, combined


def is_a_range(smallest: float, largest: float) -> bool:
    """Whether Neon lets a compute scale between two sizes."""
    return smallest == largest or smallest < largest <= min(smallest + MAX_CU_RANGE, LARGEST_SCALING_CU)


def no_range(smallest: float, largest: float) -> str:
    """Why Neon has no such compute, for a reader."""
    return f"Neon has no compute that scales from {format_cu(smallest)} to {format_cu(largest)} CU"


def unfit(stated: Compute | None, project: LiveProject) -> str | None:
    """Why Neon would not create a compute: an end of its range that no file states is the project's default."""
    combined = override_compute(project.compute, stated)
    if stated is None or combined is None or combined.min_cu is None or combined.max_cu is None:
        return None
    return None if is_a_range(combined.min_cu, combined.max_cu) else no_range(combined.min_cu, combined.max_cu)


COMPUTE = Concern("compute", wanted, changes)
