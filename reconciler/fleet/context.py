"""What the use cases of a fleet share: files, client, registry and clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.fleet.process import process_state
from reconciler.model.values import replace
from reconciler.neon.transport import CLOCKS_APART
from reconciler.plan import renames
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.fleet.process import ProcessState
    from reconciler.fleet.request import Request
    from reconciler.neon.client import Neon
    from reconciler.neon.lists import ListsAhead
    from reconciler.plan.history import History
    from reconciler.registry.null import NullRegistry


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)  # noqa: TID251 - the usual clock


class Files(Struct, frozen=True, kw_only=True):
    """A fleet's files."""

    desired: DesiredState
    moment: datetime | None
    """The time by which boosts and holds of earlier files have ended or not; None is a time before every end."""

    def past(self, request: Request) -> History:
        """The files at earlier commits, with the current names of tenants."""
        past = request.past.under(self.desired).at(self.moment)
        return past if request.history else replace(past, gone=renames.no_longer_declared(past, self.desired))


class Context(Files, frozen=True, kw_only=True):
    """A fleet's files, connected to its account."""

    neon: Neon
    registry: NullRegistry
    applied: Mapping[str, int]
    """The last applied revision of each tenant, where the caller remembers it."""
    now: Callable[[], datetime]
    api_host: str | None
    """The API host that plans and reports show; None for Neon's own."""
    ahead: ListsAhead | None = None
    """The lists that are read while files are parsed; None if they are read when they are needed."""

    def time(self) -> datetime:
        """The time that everything is judged by: this machine's clock, or the API's where the two differ."""
        return self.neon.clock.judge(self.now())

    def observes_since(self) -> float:
        """When the next observation of the fleet begins, in event loop time. With lists ahead, it has begun."""
        began_at = None if self.ahead is None else self.ahead.began_at()
        return asyncio.get_running_loop().time() if began_at is None else began_at

    def at_present(self) -> Context:
        """The same with files at the present time, for one request: boosts and holds may have ended."""
        time = self.time()
        return replace(self, desired=self.desired.at(time), moment=time)

    @property
    def process(self) -> ProcessState:
        """What the calls of this process on the fleet share."""
        return process_state(self.desired.fleet, self.neon)

    def clock_notes(self) -> Iterator[Note]:
        """A note where this machine's clock differs from the API's by too much."""
        if (message := clock_off(self.neon.clock.off_by(self.now()))) is not None:
            yield Note(None, message)


def clock_off(off: timedelta) -> str | None:
    """How far this machine's clock is from Neon's, in a unit that is easy to read. None if it is close enough."""
    if abs(off) <= CLOCKS_APART:
        return None
    direction = "ahead of" if off > timedelta() else "behind"
    return f"this machine's clock is {_duration(abs(off))} {direction} Neon's: Neon's is used for due dates"


def _duration(time: timedelta) -> str:
    for unit, name in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if time >= 2 * unit:
            return f"{round(time / unit):,} {name}"
    return f"{round(time / timedelta(minutes=1))} minutes"
