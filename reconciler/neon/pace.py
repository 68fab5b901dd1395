"""How many calls run at once and how fast they start, within Neon's limits, on the event loop's clock."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from aiolimiter import AsyncLimiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from reconciler.desired.state import Api

Item = TypeVar("Item")
Found = TypeVar("Found")

AT_ONCE: Final = 32
"""More than the calls in flight, so that a call that waits for its retry does not delay others."""
BURST: Final = 20
"""The number of calls that may start at once after a pause. They count towards the minute: 20 + 680 = 700."""
BURST_PART: Final = 35
"""The burst of an account with a lower rate: 1/35 of its calls per minute, as 20 is of 700."""
ROUTE_BURST_PART: Final = 0.25
"""The share of the calls per second of a route that may start at once. The others start evenly."""
CONSUMPTION_BURST: Final = 6
CONSUMPTION_PER_MINUTE: Final = 24
"""Neon: about 50 requests a minute for the consumption history; earlier pages of its guide say 30: 6 + 24."""
SLOW_SECONDS: Final = 60.0
"""How long calls start at half the rate after a 429, because another program uses the account too."""
SLOW_COST: Final = 2


class Pace:
    """Two token buckets that each call passes: one for the account, one for the route.

    Neon: 700 requests a minute per account, bursts up to 40 a second per route (api-rate-limiting). Requests for
    the consumption history are counted apart (guides/consumption-metrics).
    """

    def __init__(self, *, requests_per_minute: float, burst_per_second: float) -> None:
        burst = max(1.0, min(BURST, requests_per_minute / BURST_PART))
        self._account = _bucket(burst, max(requests_per_minute - burst, burst) / 60)
        self._consumption = _bucket(CONSUMPTION_BURST, CONSUMPTION_PER_MINUTE / 60)
        route_burst = max(1.0, burst_per_second * ROUTE_BURST_PART)
        route_rate = max(burst_per_second - route_burst - 1, 1.0)
        self._routes: defaultdict[str, _Route] = defaultdict(lambda: _Route(_bucket(route_burst, route_rate)))
        self._slow_until = float("-inf")

    @classmethod
    def of(cls, api: Api, *, share: float = 1.0) -> Pace:
        """The pace of one run: ``share`` is ``api.batch_share`` for a fleet, 1.0 for a single tenant."""
        return cls(
            requests_per_minute=api.requests_per_minute * share, burst_per_second=api.burst_per_second * share
        )

    async def turn(self, route: str, *, metering: bool = False) -> None:
        """Wait until a call of this route may start. ``metering``: it reads the consumption history.

        One call per route waits at a time. Otherwise calls with a token of the route that wait for the account
        would start together afterwards. The rate of a route is lower by 1 for that call.
        """
        of_route = self._routes[route]
        async with of_route.turn:
            await of_route.bucket.acquire()
            await (self._consumption if metering else self._account).acquire(self._cost)

    def slow_down(self) -> None:
        """Halves the rate for ``SLOW_SECONDS``, after a 429."""
        self._slow_until = asyncio.get_running_loop().time() + SLOW_SECONDS

    @property
    def _cost(self) -> float:
        slow = asyncio.get_running_loop().time() < self._slow_until
        return min(SLOW_COST, self._account.max_rate) if slow else 1


@dataclass(slots=True)
class _Route:
    bucket: AsyncLimiter
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def _bucket(burst: float, per_second: float) -> AsyncLimiter:
    return AsyncLimiter(burst, burst / per_second)


async def each(
    items: Sequence[Item],
    work: Callable[[Item], Awaitable[Found]],
    *,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[Found]:
    """The result of ``work`` for each item, in order. The first error cancels the others and is raised.

    Calls ``on_done`` with the number of finished items.
    """
    found: dict[int, Found] = {}
    line = iter(enumerate(items))

    async def worker() -> None:
        for place, item in line:
            found[place] = await work(item)
            on_done(len(found))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(items))):
                group.create_task(worker())
    except BaseExceptionGroup as several:
        error = several.exceptions[0]
        raise error from error.__cause__
    return [found[place] for place in range(len(items))]
