"""An event loop that first runs in a thread of its own, and then in the thread that made it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class BackgroundLoop:
    """Starts in the background with a task. ``take`` brings the loop into the calling thread, with its tasks."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._loop.set_default_executor(_DaemonThreads())
        context = contextvars.copy_context()
        self.task = self._loop.create_task(work, context=context)
        self._thread: threading.Thread | None = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def take(self) -> asyncio.Runner:
        """Ends the thread. The loop stands still until the runner that is returned goes on with it."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None
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


class _DaemonThreads(ThreadPoolExecutor):
    """A thread for each work. No end of a loop or process waits for it: a look-up of a host name may hang."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Starts the work at once."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # raised where the result is awaited
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return future
