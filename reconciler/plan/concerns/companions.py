"""Fields that travel together: Neon does not say whether a patch merges with the rest or replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.concerns import compute, quota

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.values import Value
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.concern import Fields

TOGETHER: Final = (quota.PATHS, compute.PATHS)
"""All five quota members; all three members of a compute."""


def companions(changes: Iterable[FieldChange], values: Fields) -> tuple[tuple[str, Value], ...]:
    """The unchanged members of every group of which a member changes, as far as their values are known."""
    changed = {change.path for change in changes}
    return tuple(
        (path, values[path])
        for group in TOGETHER
        if changed.intersection(group)
        for path in group
        if path not in changed and path in values
    )
