"""The lease of a run on its fleet, held in the registry while the run writes: no second run applies it meanwhile.

The bounds fit together. A run writes for ``VALID_SECONDS`` after it has last renewed its lease, and no longer.
Until ``LAPSES_AFTER`` has passed nobody takes it over: that leaves a call that was sent at the last moment the
minute that it may take, and the clocks of two runs the minute that they may be apart.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.errors import ExitCode, LeasedError, RegistryError
from reconciler.live.registered import WHOLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from reconciler.apply.stop import StopSignal
    from reconciler.live.registered import Lease
    from reconciler.registry.store import Registry

VALID_SECONDS: Final = 60.0
RENEWED_EVERY_SECONDS: Final = 10.0
LAPSES_AFTER: Final = timedelta(minutes=3)
PATIENCE_SECONDS: Final = 15.0
"""How long a run waits for another to end."""
ASKED_EVERY_SECONDS: Final = 1.0


@dataclass(slots=True)
class HeldLease:
    """A lease that this run holds as long as it renews it."""

    registry: Registry
    lease: Lease
    now: Callable[[], datetime]
    stop: StopSignal
    _renewed: tuple[float, datetime] = field(init=False)
    """When it was last renewed: by the loop's clock, which may stand still while a machine sleeps, and `now`."""

    def __post_init__(self) -> None:
        """It was taken at the moment that it says."""
        self._renewed = (asyncio.get_running_loop().time(), self.lease.renewed_at)

    def valid(self) -> bool:
        """Whether this run may still write; where not, it is asked to end."""
        at, moment = self._renewed
        passed = max(asyncio.get_running_loop().time() - at, (self.now() - moment).total_seconds())
        if passed <= VALID_SECONDS:
            return True
        told = f"its lease on the fleet was not renewed for {VALID_SECONDS:.0f} s: another run may hold it"
        self.stop.request(told, ExitCode.ERROR)
        return False

    async def keep(self) -> None:
        """Renews the lease for ever; ends, and asks the run to end, once another run holds it."""
        while True:
            await asyncio.sleep(RENEWED_EVERY_SECONDS)
            began = (asyncio.get_running_loop().time(), self.now())
            try:
                if not await self.registry.aside(self.registry.renew, self.lease, began[1]):
                    self.stop.request("another run has taken over its lease on the fleet", ExitCode.ERROR)
                    return
            except RegistryError:  # the lease is valid for a while yet
                continue
            self._renewed = began


@asynccontextmanager
async def leased(
    registry: Registry, part: str, run: str, now: Callable[[], datetime], stop: StopSignal
) -> AsyncIterator[HeldLease]:
    """Holds the lease within the block. Raises LeasedError where another run holds it, and goes on to."""
    lease = await _taken(registry, part, run, now, stop)
    held = HeldLease(registry, lease, now, stop)
    keeping = asyncio.create_task(held.keep())
    try:
        yield held
    finally:
        keeping.cancel()
        with suppress(RegistryError):  # it lapses by itself
            await registry.aside(registry.let_go, lease)


async def _taken(registry: Registry, part: str, run: str, now: Callable[[], datetime], stop: StopSignal) -> Lease:
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_SECONDS
    while True:
        at = now()
        lease = await registry.aside(registry.lease, part, run, at, lapsed_before=at - LAPSES_AFTER)
        if lease.run == run:
            return lease
        if loop.time() >= until or stop.requested:
            raise _held(lease)
        await asyncio.sleep(ASKED_EVERY_SECONDS)


def _held(lease: Lease) -> LeasedError:
    what = "the fleet" if lease.part == WHOLE else f"shard {lease.part} of the fleet"
    lapses = lease.renewed_at + LAPSES_AFTER
    return LeasedError(
        f"run {lease.run} has applied {what} since {lease.since:%Y-%m-%d %H:%M:%S} UTC: nothing was written",
        hint=f"run again once it has ended; if it is dead, its lease lapses at {lapses:%H:%M:%S} UTC",
    )
