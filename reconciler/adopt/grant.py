"""What a project has that a tier can grant: quota, compute and restore window, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import BY_PATH, of
from reconciler.model.units import format_cu

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.tier import Tier
    from reconciler.live.project import LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.quota import Quota
    from reconciler.model.values import Json

Amounts: TypeAlias = "tuple[float | None, ...]"
"""A value for each path in ``PATHS``; None where nothing is stated."""

WINDOW: Final = "restore_window_seconds"
QUOTA: Final = tuple(field.path for field in of("quota"))
COMPUTE: Final = tuple(field.path for field in of("compute") if field.ranking.ordered)
PATHS: Final = (*QUOTA, *COMPUTE, WINDOW)


class Grant(Struct, frozen=True):
    """What projects have in common that one tier could stand for."""

    organization: str
    amounts: Amounts

    @property
    def stated(self) -> dict[str, float]:
        """The values that are known, by path."""
        return {path: value for path, value in zip(PATHS, self.amounts, strict=True) if value is not None}


def grant_of_project(project: LiveProject) -> Grant:
    """Return what a project has. Its default branch's compute counts where it was read, else the defaults.

    A new size would restart that compute, and other defaults change nothing that runs.
    """
    writer = project.read_write(project.default_branch)
    compute = project.compute if writer is None else writer.compute
    return Grant(project.organization, amounts(project.quota, compute, project.restore_window_seconds))


def grant_of_tier(tier: Tier) -> Grant:
    """Return what a tier grants; None where it leaves the live value alone."""
    return Grant(tier.organization, amounts(tier.quota, tier.compute, tier.restore_window_seconds))


def amounts(quota: Quota | None, compute: Compute | None, window_seconds: int | None) -> Amounts:
    """Return the values in the order of ``PATHS``."""
    return (
        *(getattr(quota, _name(path), None) for path in QUOTA),
        *(getattr(compute, _name(path), None) for path in COMPUTE),
        window_seconds,
    )


def differences(grant: Grant, tier: Grant) -> dict[str, float] | None:
    """Return what a project has otherwise than its tier states, by path.

    None if no override can express it: the project is elsewhere, or lacks a value that the tier states.
    """
    if grant.organization != tier.organization:
        return None
    found: dict[str, float] = {}
    for path, has, granted in zip(PATHS, grant.amounts, tier.amounts, strict=True):
        if granted is None or has == granted:
            continue
        if has is None:
            return None
        found[path] = has
    return found


def written(path: str, value: float) -> Json:
    """Return a value as the files write it: ``80GiB``, ``unlimited``, ``never``; a compute size as a number."""
    field = BY_PATH[path]
    if field.unit is not Unit.CU:
        return field.worded(value)
    size = float(format_cu(value))
    return int(size) if size.is_integer() else size


def sections(values: Mapping[str, float]) -> dict[str, Json]:
    """Return values by path as sections of a tier or of ``overrides``, in the order of ``PATHS``."""
    found: dict[str, Json] = {}
    for path in PATHS:
        if path not in values:
            continue
        field = BY_PATH[path]
        if not field.group:
            found[field.key] = written(path, values[path])
            continue
        section = found.setdefault(field.group, {})
        if isinstance(section, dict):
            section[field.key] = written(path, values[path])
    return found


def _name(path: str) -> str:
    return BY_PATH[path].name
