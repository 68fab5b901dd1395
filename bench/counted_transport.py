"""The way to the simulator, on which each call is counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from bench.command import Counting


class CountedTransport(httpx.AsyncBaseTransport):
    """Passes every call on, and counts it."""

    def __init__(self, inner: httpx.AsyncBaseTransport, counting: Counting) -> None:
        self._inner = inner
        self._counting = counting

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises what the transport raises."""
        self._counting.count(request)
        response = await self._inner.handle_async_request(request)
        self._counting.end(asyncio.get_running_loop().time())
        return response
