"""The lease of a run on its fleet: while a run holds it in the registry, no second run applies the fleet.

The time limits belong together. A run writes for at most ``VALID_SECONDS`` after it has renewed its lease. Another
run may take the lease over only after ``LAPSES_AFTER``: that leaves a minute for a call that was sent last, and a
minute for the difference between the clocks of two runs.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.errors import ExitCode, LeasedError, RegistryError
from reconciler.live.registered import ALL_PARTS
from reconciler.model.moments import utc_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from reconciler.apply.stop import StopSignal
    from reconciler.live.registered import Lease
    from reconciler.registry.null import NullRegistry

VALID_SECONDS: Final = 60.0
RENEWED_EVERY_SECONDS: Final = 10.0
LAPSES_AFTER: Final = timedelta(minutes=3)
PATIENCE_SECONDS: Final = 15.0
"""How long a run waits for the lease of another run."""
RETRIED_EVERY_SECONDS: Final = 1.0


@dataclass(slots=True)
class HeldLease:
    """A lease that this run holds and renews."""

    registry: NullRegistry
    lease: Lease
    now: Callable[[], datetime]
    stop: StopSignal
    _renewed: tuple[float, datetime] = field(init=False)
    """When it was last renewed: by the loop's clock, which may stop while a machine sleeps, and by ``now``."""

    def __post_init__(self) -> None:
        """The lease was taken at the time that it states."""
        self._renewed = (asyncio.get_running_loop().time(), self.lease.renewed_at)

    def valid(self) -> bool:
        """Whether this run may still write. If not, the run is asked to end."""
        at, wall_time = self._renewed
        passed = max(asyncio.get_running_loop().time() - at, (self.now() - wall_time).total_seconds())
        if passed <= VALID_SECONDS:
            return True
        reason = f"its lease on the fleet was not renewed for {VALID_SECONDS:.0f} s: another run may hold it"
        self.stop.request(reason, ExitCode.ERROR)
        return False

    async def keep(self) -> None:
        """Renews the lease until it is cancelled. Asks the run to end if another run takes it over."""
        while True:
            await asyncio.sleep(RENEWED_EVERY_SECONDS)
            began = (asyncio.get_running_loop().time(), self.now())
            try:
                if not await self.registry.write(self.registry.renew, self.lease, began[1]):
                    self.stop.request("another run has taken over its lease on the fleet", ExitCode.ERROR)
                    return
            except RegistryError:  # the lease is still valid for a while
                continue
            self._renewed = began


@asynccontextmanager
async def leased(
    registry: NullRegistry, part: str, run: str, now: Callable[[], datetime], stop: StopSignal
) -> AsyncIterator[HeldLease]:
    """Holds the lease within the block. Raises LeasedError if another run keeps it."""
    lease = await _taken(registry, part, run, now, stop)
    held = HeldLease(registry, lease, now, stop)
    keeping = asyncio.create_task(held.keep())
    try:
        yield held
    finally:
        keeping.cancel()
        with suppress(RegistryError):  # it lapses by itself
            await registry.write(registry.release_lease, lease)


async def _taken(
    registry: NullRegistry, part: str, run: str, now: Callable[[], datetime], stop: StopSignal
) -> Lease:
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_SECONDS
    while True:
        at = now()
        lease = await registry.write(registry.lease, part, run, at, lapsed_before=at - LAPSES_AFTER)
        if lease.run == run:
            return lease
        if loop.time() >= until or stop.requested:
            raise _leased_error(lease)
        await asyncio.sleep(RETRIED_EVERY_SECONDS)


def _leased_error(lease: Lease) -> LeasedError:
    what = "the fleet" if lease.part == ALL_PARTS else f"shard {lease.part} of the fleet"
    lapses = lease.renewed_at + LAPSES_AFTER
    return LeasedError(
        f"run {lease.run} has been applying {what} since {utc_text(lease.since)}: nothing was written",
        hint=f"run again once it has ended; if it has died, its lease lapses at {lapses:%H:%M:%S} UTC",
    )
