"""An event loop on virtual time: where it would wait, its clock jumps to the next timer instead.

``asyncio.Runner(loop_factory=VirtualLoop)`` runs hours of retries, rate limits and polling in
milliseconds, with unmodified libraries, and in the same order each time.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from selectors import SelectorKey

T = TypeVar("T")

TURN_SECONDS: Final = 1e-6
"""What each turn of the loop costs, so that a timer whose moment was rounded down is always reached."""


class JumpingSelector(selectors.DefaultSelector):
    """Polls its files without waiting, and moves ``now`` by what it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """What is ready now. Raises RuntimeError if nothing ever will be."""
        ready = super().select(0)
        if ready:
            self.now += TURN_SECONDS
        elif timeout is None:
            raise RuntimeError("deadlock on virtual time: every task waits, and nothing is scheduled")
        else:
            self.now += max(timeout, TURN_SECONDS)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose ``time()`` starts at 0 and never waits for the real one.

    Files are still polled on each turn, for the pipe through which signals wake the loop. Threads
    are refused: they would run on real time. Work for an executor of its own, which is kept apart only because
    it may wait, is done at once.
    """

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Raises RuntimeError for the threads of the loop: work in them has no place on virtual time."""
        if executor is None:
            raise RuntimeError("there are no threads on virtual time: run the work in the loop")
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done
