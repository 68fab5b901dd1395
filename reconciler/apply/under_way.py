"""Runs that go on when their callers leave: what is being written is finished and put down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from reconciler.apply.stop import StopSignal

T = TypeVar("T")


class UnderWay:
    """The runs of one connection that have begun and not ended."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begins the work in a task of its own, which nobody's cancellation but the task's ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def to_its_end(self, work: Coroutine[Any, Any, T], stop: StopSignal) -> T:
        """What comes of a run. Where its caller is cancelled, the run is asked to end, and waited for.

        A caller that is cancelled once more leaves at once: the run ends by itself. A run that a signal has asked
        to end before is broken off: that was the second signal.
        """
        task = self.begin(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if stop.signalled:
                task.cancel()
            else:
                stop.request("its caller has cancelled it")
            await asyncio.wait([task])
            raise

    async def ended(self) -> None:
        """Waits until all have ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)
