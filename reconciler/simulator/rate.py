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

    def wait_seconds(self, most: int, now: float) -> float:
        """How long until one more request leaves the window at so many; 0 where it may come at once."""
        while self._moments and self._moments[0] <= now - self._seconds:
            self._moments.popleft()
        return self._moments[-most] + self._seconds - now if len(self._moments) >= most else 0.0

    def add(self, now: float) -> None:
        """Note a request."""
        self._moments.append(now)


class RateLimiter:
    """Sliding windows, in the memory of one process. A refused request does not count."""

    def __init__(self) -> None:
        self._minutes: defaultdict[str, Window] = defaultdict(lambda: Window(MINUTE_SECONDS))
        self._seconds: defaultdict[tuple[str, str], Window] = defaultdict(lambda: Window(1.0))

    def wait_seconds(self, limit: RateLimit, account: str, method: str, path: str, now: float) -> float:
        """How long until one more request is within the limit; 0 where it is, and then it is noted."""
        apart = path.startswith(CONSUMPTION)
        per_minute = limit.consumption_per_minute if apart else limit.per_minute
        minute = self._minutes[f"{account}{CONSUMPTION if apart else ''}"]
        route = f"{method} {_ID_IN_PATH.sub('*', path)}"
        second = self._seconds[account, route]
        per_second = limit.new_keys_per_second if route == NEW_KEY else limit.per_second_and_route
        wait = max(minute.wait_seconds(per_minute, now), second.wait_seconds(per_second, now))
        if not wait:
            minute.add(now)
            second.add(now)
        return wait
