"""The way to the simulator, on which each call is counted and the processor time of the way is measured."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from typing import Any

    from bench.command import Counting

Result = TypeVar("Result")


class CountedTransport(httpx.AsyncBaseTransport):
    """Passes every call on, and counts it."""

    def __init__(self, inner: httpx.AsyncBaseTransport, counting: Counting) -> None:
        self._inner = inner
        self._counting = counting

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises what the transport raises."""
        self._counting.count(request)
        response = await Timed(self._inner.handle_async_request(request), self._counting.spend)
        self._counting.end(asyncio.get_running_loop().time())
        return response


class Timed(Generic[Result]):
    """A coroutine; ``spend`` gets the processor seconds of each of its steps, and of no task beside it."""

    def __init__(self, inner: Coroutine[Any, Any, Result], spend: Callable[[float], None]) -> None:
        self._inner = inner
        self._spend = spend

    def __await__(self) -> Generator[Any, Any, Result]:
        """Return what it returns."""
        steps = self._inner.__await__()
        step: Callable[[], Any] = steps.__next__
        while True:
            start = time.thread_time()
            try:
                awaited = step()
            except StopIteration as end:
                value: Result = end.value
                return value
            finally:
                self._spend(time.thread_time() - start)
            try:
                yield awaited
                step = steps.__next__
            except BaseException as error:  # also a cancellation is for the inner coroutine
                step = partial(steps.throw, error)
