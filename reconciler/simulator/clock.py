"""Simulated time: it moves on with a source of seconds, and is never behind what the store has seen."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.store import Store


DEMO_EPOCH_SECONDS: Final = datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()
"""Where simulated time starts unless somebody says otherwise."""


class LoopTime:
    """A source that moves on with virtual loops, each of which goes on where the one before it stopped.

    It is for loops whose own time starts at 0, such as VirtualLoop.
    """

    def __init__(self, epoch_seconds: float = DEMO_EPOCH_SECONDS) -> None:
        self._start = epoch_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> float:
        """Seconds since 1970: by the running loop, else by the last one that ran."""
        loop = _running_loop()
        if loop is not None and loop is not self._loop:
            self._start = self._now()
            self._loop = loop
        return self._now()

    def _now(self) -> float:
        return self._start if self._loop is None else self._start + self._loop.time()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Clock:
    """The time that every process on one file agrees on.

    Each process brings its own source (wall clock, or a loop's clock that jumps); the store keeps
    the latest time that any of them wrote. A process that finds itself behind goes on from there
    at its own pace: time never runs backwards, and never stands still for a process that waits.
    """

    def __init__(self, store: Store, source: Callable[[], float] = time.time) -> None:  # noqa: TID251 - the usual clock
        self._store = store
        self._source = source
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return self.not_before(self._store.latest())

    def not_before(self, latest: float) -> float:
        """Now, which is no earlier than the latest time in the store."""
        source = self._source()
        self._ahead = max(self._ahead, latest - source)
        return max(source + self._ahead, latest)

    def advance(self, seconds: float) -> None:
        """Skip time, for every process on the file. Raises ValueError for a step backwards."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._store.reach(self.now() + seconds)


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, to the second, as Neon writes times."""
    return _written(int(seconds))


@lru_cache
def _written(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()}Z"


def seconds_of(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time. Raises ValueError if the zone is missing."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
