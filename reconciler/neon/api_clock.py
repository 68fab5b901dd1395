"""The API's own clock, by which every moment that it speaks of is to be judged."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

CLOCKS_APART: Final = timedelta(minutes=1)
"""How far the clock of this machine may be off the API's before it is not believed."""
FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)
"""The ends of the calendar."""


class ApiClock:
    """Goes on from the moment that the latest answer has stated, by the loop's time."""

    def __init__(self) -> None:
        self._stated: tuple[datetime, float] | None = None

    def set(self, moment: datetime) -> None:
        """An answer that has just arrived states this moment, to the second."""
        self._stated = moment, asyncio.get_running_loop().time()

    def now(self) -> datetime | None:
        """The API's time; None where no answer has stated any."""
        if self._stated is None:
            return None
        moment, at = self._stated
        return moment + timedelta(seconds=asyncio.get_running_loop().time() - at)

    def judge(self, machine: datetime) -> datetime:
        """What time it is: that of this machine unless it is off."""
        return machine if abs(self.off_by(machine)) <= CLOCKS_APART else machine - self.off_by(machine)

    def off_by(self, machine: datetime) -> timedelta:
        """How far this machine is ahead of the API; nothing where no answer has stated a moment."""
        now = self.now()
        return timedelta() if now is None else machine - now


def utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a zone is taken to be in UTC, one that UTC's calendar lacks to be its end."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == FIRST.year else LAST
