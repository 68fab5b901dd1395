"""What can be stated in the files, field by field.

The table is written by hand: what the product's own says of the same is judged by it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from tests.transitions.copy_fields import branch_fields, snapshot_fields
from tests.transitions.fields import Kept
from tests.transitions.project_fields import compute_fields, move_fields, pin_fields, quota_fields, window_fields
from tests.transitions.settings_fields import settings_fields

if TYPE_CHECKING:
    from tests.transitions.fields import Field


TYPED: Final = find_spec("reconciler.model.fields") is not None


@cache
def untyped() -> frozenset[Field]:
    """Fields that take any value in the files."""
    return frozenset(field for field in fields() if field.place[0] == "settings" and not TYPED)


@cache
def moving() -> tuple[Field, ...]:
    """The fields that lanes move."""
    return tuple(field for field in fields() if TYPED or field.kept is not Kept.ONE_WAY)


@cache
def fields() -> tuple[Field, ...]:
    """All of them. Where the description is not installed, the calling test fails on CI, else it is skipped."""
    return (
        *quota_fields(),
        *compute_fields(),
        *window_fields(),
        *settings_fields(),
        *pin_fields(),
        *branch_fields(),
        *snapshot_fields(),
        *move_fields(),
    )
