"""An account whose limit Neon counts, and what runs do on it: a change of all prices, a sign-up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reconciler.desired.state import Api
from reconciler.neon.pace import Pace, each
from reconciler.simulator.behaviour import RateLimit
from reconciler.simulator.rate import RateLimiter

API: Final = Api()
FLEET_PER_SECOND: Final = API.requests_per_minute * API.batch_share / 60
PATCH, SEARCH, CREATE = "PATCH /projects/*", "GET /projects", "POST /projects"
Paced: TypeAlias = Callable[[float], Pace]
"""The pace of a new process, at a share of the rate."""
LATENCY_SECONDS: Final = 0.2
SIGN_UP: Final = (SEARCH, SEARCH, CREATE, SEARCH, SEARCH)
"""The most calls of a sign-up, polls aside."""


@dataclass
class LimitedAccount:
    """What Neon sees of all runs: it refuses calls above its limit, and it counts them."""

    limiter: RateLimiter = field(default_factory=RateLimiter)
    refused: int = 0
    starts: list[float] = field(default_factory=list)

    async def call(self, pace: Pace, route: str) -> float:
        """Make a call. Returns how long it waited for its turn."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        await pace.turn(route)
        method, _, path = route.partition(" ")
        self.refused += bool(self.limiter.wait_seconds(RateLimit(), "one", method, path, loop.time()))
        self.starts.append(loop.time())
        waited = loop.time() - asked_at
        await asyncio.sleep(LATENCY_SECONDS)
        return waited

    async def change_prices(self, paced: Paced, tenants: int) -> float:
        """Patch so many projects as a fleet run does. Returns how long it took."""
        loop, pace = asyncio.get_running_loop(), paced(API.batch_share)
        begun = loop.time()
        await each(range(tenants), lambda _: self.call(pace, PATCH))
        return loop.time() - begun

    async def sign_up(self, paced: Paced) -> float:
        """One new tenant, by a process of its own. Returns how long its calls waited in sum."""
        pace = paced(1.0)
        waited = sum([await self.call(pace, route) for route in SIGN_UP])
        await pace.leave()
        return waited
