"""What can be stated in the files, field by field.

The table is written by hand: what the product's own says of the same is judged by it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tests.transitions.entry_fields import branch_fields, snapshot_fields
from tests.transitions.project_fields import compute_fields, move_fields, pin_fields, quota_fields, window_fields
from tests.transitions.settings_fields import settings_fields

if TYPE_CHECKING:
    from tests.transitions.fields import Field


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
