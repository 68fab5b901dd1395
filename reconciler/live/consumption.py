"""What projects consumed within a span of time, by Neon's consumption history."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations
from datetime import datetime, timedelta
from operator import add
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import astuple


class Span(Struct, frozen=True):
    """A span of time that one request asks for: whole hours, days or months in UTC."""

    start: datetime
    end: datetime
    granularity: Literal["hourly", "daily", "monthly"]

    @property
    def frame_hours(self) -> int:
        """The hours of each frame of the answer; a span by month is one month."""
        hours = (self.end - self.start) // timedelta(hours=1)
        return {"hourly": 1, "daily": 24}.get(self.granularity, hours)


class Metered(Struct, frozen=True):
    """What one project consumed. Neon calls byte-hours ``bytes_month`` (guides/consumption-metrics)."""

    compute_unit_seconds: int = 0
    root_branch_byte_hours: int = 0
    child_branch_byte_hours: int = 0
    restore_byte_hours: int = 0
    public_transfer_bytes: int = 0
    private_transfer_bytes: int = 0
    child_branch_hours: int = 0
    """The hours of all child branches together."""
    snapshot_byte_hours: int = 0
    extra_branch_hours: int = 0
    """Those of child branches beyond the ones that were asked to cost nothing, frame by frame."""

    def plus(self, other: Metered) -> Metered:
        """Both together."""
        return Metered(*map(add, astuple(self), astuple(other)))


NOTHING_METERED = Metered()

Histories: TypeAlias = "Mapping[str, Metered]"
"""By project id. A project that was asked for and consumed nothing may be missing (Neon)."""


class Metering(Struct, frozen=True):
    """What was read. ``refused``: organizations whose plan has no consumption history (Neon: 403)."""

    histories: Histories
    refused: tuple[str, ...]
