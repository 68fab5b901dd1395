"""Consumption limits per billing period."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.model.fields import table
from reconciler.plan.concerns.concern import Concern, Fields, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.model.quota import Quota
    from reconciler.plan.change import FieldChange

_FIELDS = table.of("quota")
_NAMES = tuple((field.path, field.name) for field in _FIELDS)
PATHS = tuple(field.path for field in _FIELDS)
"""Always sent together: Neon does not document whether a patch merges or replaces."""
COUNTED = tuple(path for path in PATHS if path != "quota.logical_size_bytes")
"""Those that Neon counts for the project. The other one limits each branch by its size."""


def members(quota: Quota | None) -> dict[str, int]:
    """All five limits by path; none where there is no quota."""
    return {} if quota is None else {path: getattr(quota, name) for path, name in _NAMES}


def wanted(settings: Settings) -> Fields:
    """All five members, or none."""
    return members(settings.quota)


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Members whose limit differs."""
    observed = members(project.quota)
    for path, limit in members(settings.quota).items():
        was = observed.get(path, 0)
        if was != limit:
            yield changed(path, was, limit)


def sizes_decide(change: FieldChange, project: LiveProject) -> bool:
    """Return whether the change is a smaller limit for each branch, and no list shows that all data fits."""
    of_branches = change.path in PATHS and change.path not in COUNTED
    return of_branches and change.lowering and not project.holds_less_than(cast("int", change.after))


QUOTA = Concern("quota", wanted, changes)
