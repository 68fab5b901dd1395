"""The way to a server in this process, without a network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reconciler.neon.http import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import TypeAlias

    Message: TypeAlias = MutableMapping[str, Any]
    App: TypeAlias = Callable[
        [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
    ]


class InProcess(httpx.AsyncBaseTransport):
    """Passes requests to an ASGI app.

    ``httpx.ASGITransport`` looks for another event loop's library at each request, in every folder that Python
    imports from.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Returns the response, whose body is whole. Raises whatever the app raises."""
        bodies = [await request.aread()]
        started: Message = {}
        parts: list[bytes] = []

        async def receive() -> Message:
            if not bodies:
                await asyncio.Event().wait()  # this client never disconnects
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(_scope(request), receive, send)
        body = b"" if request.method == "HEAD" else b"".join(parts)
        return httpx.Response(started["status"], headers=started["headers"], stream=httpx.ByteStream(body))


def _scope(request: httpx.Request) -> Message:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }
