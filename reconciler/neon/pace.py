"""How many calls run at once and how fast they start, within Neon's limits, on the event loop's clock."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeVar

from aiolimiter import AsyncLimiter
from msgspec import Struct, field

from reconciler.neon.shared_budget import LONGEST_SLOW_SECONDS, SPREAD_SECONDS, CallRates, Rate, SharedBudget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from reconciler.desired.state import Api
    from reconciler.neon.leased_budget import LeasedBudget
    from reconciler.neon.shared_budget import Store

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
SLOWEST_COST: Final = 8
"""After further refusals while calls are already slow."""
REFUSED_TOGETHER_SECONDS: Final = 5.0
"""Refusals within this time are one: the calls were in flight together."""


class Pace:
    """Two token buckets that each call passes: one for the account, one for the route.

    Neon: 700 requests a minute per account, bursts up to 40 a second per route (api-rate-limiting). Requests for
    the consumption history are counted apart (guides/consumption-metrics).
    """

    def __init__(
        self,
        *,
        requests_per_minute: float,
        burst_per_second: float,
        shared: Sequence[SharedBudget | LeasedBudget] = (),
    ) -> None:
        """``shared``: what this run and others may start together, on this machine and on all."""
        rate = _rate(requests_per_minute)
        self._account = _bucket(rate.burst, rate.per_second)
        self._shared = shared
        self._consumption = _bucket(CONSUMPTION_BURST, CONSUMPTION_PER_MINUTE / 60)
        route_burst = max(1.0, burst_per_second * ROUTE_BURST_PART)
        route_rate = max(burst_per_second - route_burst - 1, 1.0)
        self._routes: defaultdict[str, _Route] = defaultdict(lambda: _Route(_bucket(route_burst, route_rate)))
        self._slow_since = self._slow_until = float("-inf")
        self._slow_cost, self._slow_seconds = SLOW_COST, SLOW_SECONDS

    @classmethod
    def of(
        cls,
        api: Api,
        *,
        share: float = 1.0,
        store: Store | None = None,
        leased: Callable[[CallRates], LeasedBudget] | None = None,
    ) -> Pace:
        """The pace of one run: ``share`` is ``api.batch_share`` for a fleet, 1.0 for a single tenant.

        ``store``: where the runs of this machine keep what they may start together. ``leased``: the same of the
        runs of all machines, at their rates.
        """
        fleets = _rate(api.requests_per_minute * share) if share < 1 else None
        shared: list[SharedBudget | LeasedBudget] = []
        if store is not None:
            shared.append(SharedBudget(store, CallRates(_rate(api.requests_per_minute), fleets)))
        if leased is not None:
            shared.append(leased(CallRates(_rate(api.requests_per_minute, SPREAD_SECONDS), fleets)))
        return cls(
            requests_per_minute=api.requests_per_minute * share,
            burst_per_second=api.burst_per_second * share,
            shared=shared,
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
            for budget in () if metering else self._shared:
                await budget.turn()

    async def refused(self) -> None:
        """Slows this run and those that share its budget down, after a 429.

        Of refusals together the others hear once: with each, 32 calls would wait for as many transactions.
        """
        if not self.slow_down():
            return
        left = self._slow_until - asyncio.get_running_loop().time()
        for budget in self._shared:
            await budget.slow_down(left, self._slow_cost)

    async def leave(self) -> None:
        """Gives back what this run was given and has not used."""
        for budget in self._shared:
            await budget.leave()

    def slow_down(self) -> bool:
        """Halves the rate for ``SLOW_SECONDS``, after a 429. Then the full rate returns.

        A refusal during that time halves it again. One soon afterwards doubles the time. Returns False for a
        refusal that is one with the last.
        """
        now = asyncio.get_running_loop().time()
        news = now >= self._slow_since + REFUSED_TOGETHER_SECONDS
        if now >= self._slow_until:
            again = now < self._slow_until + self._slow_seconds
            self._slow_seconds = min(2 * self._slow_seconds, LONGEST_SLOW_SECONDS) if again else SLOW_SECONDS
            self._slow_since, self._slow_cost = now, SLOW_COST
        elif news:
            self._slow_since, self._slow_cost = now, min(2 * self._slow_cost, SLOWEST_COST)
        self._slow_until = now + self._slow_seconds
        return news

    @property
    def slow(self) -> bool:
        """Whether calls start at a lower rate, because Neon has refused one."""
        return asyncio.get_running_loop().time() < self._slow_until

    @property
    def _cost(self) -> float:
        return min(self._slow_cost, self._account.max_rate) if self.slow else 1


class _Route(Struct):
    bucket: AsyncLimiter
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def _rate(per_minute: float, seconds: float = 60) -> Rate:
    """Such that a burst and what follows it within so many seconds are the calls of a minute."""
    burst = max(1.0, min(BURST, per_minute / BURST_PART))
    return Rate(burst, max(per_minute - burst, burst) / seconds)


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
