"""Neon's rate limit: requests per account and minute, and per route and second."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.simulator.behaviour import RateLimit

_ID_IN_PATH = re.compile(
    r"(?<=/organizations/)[^/]+|(?<=/roles/)[^/]+|(?<=/databases/)[^/]+|(?<=/)[^/]*[0-9][^/]*"
)
"""Every id holds a digit, and no fixed part of a path does; names need not hold any."""
NEW_KEY: Final = "POST /organizations/*/api_keys"
MINUTE_SECONDS: Final = 60.0
CONSUMPTION: Final = "/consumption_history/"
"""Neon counts these apart from everything else (guides/consumption-metrics)."""


class Window:
    """The moments of the requests of the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._moments: deque[float] = deque()

    def count(self, now: float) -> int:
        """How many requests the window holds."""
        while self._moments and self._moments[0] <= now - self._seconds:
            self._moments.popleft()
        return len(self._moments)

    def add(self, now: float) -> None:
        """Note a request."""
        self._moments.append(now)


class RateLimiter:
    """Sliding windows, in the memory of one process. A refused request does not count."""

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit
        self._minutes: defaultdict[str, Window] = defaultdict(lambda: Window(MINUTE_SECONDS))
        self._seconds: defaultdict[tuple[str, str], Window] = defaultdict(lambda: Window(1.0))

    def admits(self, account: str, method: str, path: str, now: float) -> bool:
        """Whether one more request is within the limit; notes it where it is."""
        if self._limit is None:
            return True
        apart = path.startswith(CONSUMPTION)
        per_minute = self._limit.consumption_per_minute if apart else self._limit.per_minute
        minute = self._minutes[f"{account}{CONSUMPTION if apart else ''}"]
        route = f"{method} {_ID_IN_PATH.sub('*', path)}"
        second = self._seconds[account, route]
        per_second = self._limit.new_keys_per_second if route == NEW_KEY else self._limit.per_second_and_route
        admitted = minute.count(now) < per_minute and second.count(now) < per_second
        if admitted:
            minute.add(now)
            second.add(now)
        return admitted
