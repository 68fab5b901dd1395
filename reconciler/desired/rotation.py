"""Rotated snapshots: one for each slot of time, of which the newest are kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

DATE: Final = "{date}"
TIME: Final = "{time}"
PLACEHOLDERS: Final = (DATE, TIME)
DAY_SECONDS: Final = 86_400
SHORTEST_SECONDS: Final = 3_600
"""The shortest slot: every tenant is read once in a slot."""
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS: Final = {DATE: r"(?P<date>\d{4}-\d{2}-\d{2})", TIME: r"(?P<time>\d{4})"}


class Rotation(Struct, frozen=True):
    """How a tier rotates snapshots. Slots are counted from 1970-01-01T00:00Z, so every run finds the same ones."""

    name: str
    """A pattern with ``{date}``, and ``{time}`` for slots that are shorter than a day."""
    every_seconds: int
    keep: int
    """How many rotated snapshots stay, at least one."""

    def slot(self, now: datetime) -> datetime:
        """Return the beginning of the slot that contains this time."""
        return now - timedelta(seconds=(now - _START).total_seconds() % self.every_seconds)

    def named(self, slot: datetime) -> str:
        """Return the name of the snapshot of a slot: ``auto-2031-01-30``."""
        return self.name.replace(DATE, f"{slot:%Y-%m-%d}").replace(TIME, f"{slot:%H%M}")

    def moment(self, name: str) -> datetime | None:
        """Return the slot in a name; None for the name of another snapshot."""
        found = re.fullmatch(self._expression, name)
        if found is None:
            return None
        parts = found.groupdict()
        try:
            return datetime.strptime(f"{parts['date']} {parts.get('time') or '0000'}", "%Y-%m-%d %H%M").replace(
                tzinfo=UTC
            )
        except ValueError:
            return None

    @property
    def _expression(self) -> str:
        parts = re.split(r"(\{date\}|\{time\})", self.name)
        return "".join(_TEXTS.get(part) or re.escape(part) for part in parts)
