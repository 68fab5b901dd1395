"""How much of each quota a project has used, from whatever was read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from reconciler.live.consumption import Metered
    from reconciler.live.project import LiveProject
    from reconciler.usage.period import Period

PERIODIC: Final = ("active_time_seconds", "compute_time_seconds", "written_data_bytes", "data_transfer_bytes")
"""The quotas that start again in each period. Neon suspends a project that reaches one."""
LOGICAL_SIZE: Final = "logical_size_bytes"
"""The quota of each branch. Neon: writes to a branch that has reached it fail, in every period."""
QUOTAS: Final = (*PERIODIC, LOGICAL_SIZE)


class Amount(Struct, frozen=True):
    """How much is used. ``at_most``: the exact amount may be lower."""

    used: int
    at_most: bool = False


def amount(project: LiveProject, metered: Metered | None, period: Period, quota: str) -> Amount | None:
    """The used amount of a quota; None if it was not read.

    ``metered`` is the project's consumption history; None if it was not asked for.
    """
    if quota == LOGICAL_SIZE:
        return _size(project)
    if project.consumption is not None:
        counted = getattr(project.consumption, quota)
        return None if counted is None else Amount(counted)
    if project.unused(period.start):
        return Amount(0)
    return _listed(project, metered, quota)


def _listed(project: LiveProject, metered: Metered | None, quota: str) -> Amount | None:
    """The consumption history has no written data, and no active time."""
    if quota == "active_time_seconds":
        listed = project.listed_active_seconds
        return None if listed is None else Amount(listed, at_most=True)
    if metered is None:
        return None
    if quota == "compute_time_seconds":
        return Amount(metered.compute_unit_seconds)
    return Amount(metered.public_transfer_bytes) if quota == "data_transfer_bytes" else None


def _size(project: LiveProject) -> Amount | None:
    """The largest branch. Without branches, all data of the project with its history, which no branch exceeds."""
    largest = largest_branch(project)
    if largest is not None:
        return Amount(largest)
    return None if project.storage_bytes is None else Amount(project.storage_bytes, at_most=True)


def largest_branch(project: LiveProject) -> int | None:
    """The size of the largest branch; None unless the sizes of all branches were read."""
    sizes = [branch.logical_size_bytes for branch in project.branches or ()]
    known = [size for size in sizes if size is not None]
    return max(known, default=0) if project.branches is not None and len(known) == len(sizes) else None


def limits(project: LiveProject) -> dict[str, int]:
    """The limits that Neon enforces, by quota; without those that are unlimited or not observed."""
    if project.quota is None:
        return {}
    stated = {quota: getattr(project.quota, quota) for quota in QUOTAS}
    return {quota: limit for quota, limit in stated.items() if limit}
