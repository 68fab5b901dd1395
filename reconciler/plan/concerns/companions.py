"""Fields that are sent together: Neon does not document whether a patch merges or replaces the group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.fields.field import Patch
from reconciler.model.fields.table import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.values import Value
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.concern import Fields

_SENT_ALONG: Final = [field for field in FIELDS if field.patch is Patch.UNKNOWN]
TOGETHER: Final = tuple(
    tuple(field.path for field in _SENT_ALONG if field.group == group)
    for group in dict.fromkeys(field.group for field in _SENT_ALONG)
)
"""All quota members; all compute members."""


def companions(changes: Iterable[FieldChange], values: Fields) -> tuple[tuple[str, Value], ...]:
    """Return the known values of unchanged fields that have to be sent together with the changed fields."""
    changed = {change.path for change in changes}
    return tuple(
        (path, values[path])
        for group in TOGETHER
        if changed.intersection(group)
        for path in group
        if path not in changed and path in values
    )
