"""An event loop that first runs in a thread of its own, and then in the thread that made it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, Any

from reconciler.daemon_threads import DaemonThreads

if TYPE_CHECKING:
    from collections.abc import Coroutine


class BackgroundLoop:
    """Starts in the background with a task. ``take`` brings the loop into the calling thread, with its tasks."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._loop.set_default_executor(DaemonThreads())
        context = contextvars.copy_context()
        self.task = self._loop.create_task(work, context=context)
        self._stopped = False
        self._stands_still = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._stands_still.set()

    def _stop(self) -> None:
        """Called in the thread; again where a signal interrupted ``take``: by then the loop may have gone on."""
        if not self._stopped:
            self._stopped = True
            self._loop.stop()

    def take(self) -> asyncio.Runner:
        """Ends the thread. The loop stands still until the runner that is returned goes on with it.

        A signal may interrupt this: ``close`` waits again. It would not with ``Thread.join``, which takes a thread
        for ended once it was interrupted (bpo-45274).
        """
        if not self._stands_still.is_set():
            self._loop.call_soon_threadsafe(self._stop)
            self._stands_still.wait()
        return self._runner

    def close(self) -> None:
        """Cancels the task, which ends those that it has started, and closes the loop."""
        with self.take() as runner:
            if not self.task.done():
                self.task.cancel()
                runner.run(self._ended())
            if not self.task.cancelled():
                self.task.exception()  # so that asyncio does not log it: whoever had use for the task has met it

    async def _ended(self) -> None:
        await asyncio.wait([self.task])
