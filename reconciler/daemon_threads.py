"""Threads for calls that no end of a process waits for."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MANY: Final = 10**6


class DaemonThreads(ThreadPoolExecutor):
    """A thread for each call, which may hang: the look-up of a host name, or a database that does not answer."""

    def __init__(self, at_once: int = MANY) -> None:
        """``at_once``: how many calls run. The threads of others wait for their turn."""
        super().__init__()
        self._turns = threading.Semaphore(at_once)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Starts the call, if it is its turn."""
        future: Future[T] = Future()

        def work() -> None:
            with self._turns:
                if not future.set_running_or_notify_cancel():
                    return
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # raised where the result is awaited
                    future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return future
