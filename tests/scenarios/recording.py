"""The write requests of a run in the form of requests.txt.

PATCH /projects/{myapp-acme}  (key of paid)
  {"project":{"settings":{"quota":{...}}}}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "/api/v2"
READING: Final = frozenset({"GET", "HEAD"})
RUN: Final = re.compile(r'(?<="run":")[0-9a-f]{8}(?=")')
"""The id of the run, in annotations."""


class Recorder(httpx.AsyncBaseTransport):
    """Passes every exchange on to ``inner``, and keeps the requests that write, in their order."""

    def __init__(self, inner: httpx.AsyncBaseTransport, writes: list[httpx.Request]) -> None:
        self._inner = inner
        self._writes = writes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises whatever ``inner`` raises."""
        if request.method not in READING:
            await request.aread()
            self._writes.append(request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close ``inner``."""
        await self._inner.aclose()


def write(requests: list[httpx.Request], keys: Mapping[str, str], names: Mapping[str, str]) -> str:
    """The text of a requests.txt; ``keys`` tells whose each key is, ``names`` what stands for each id."""
    text = "".join(_written(request, keys) for request in requests)
    for id_ in sorted(names, key=len, reverse=True):
        text = text.replace(id_, names[id_])
    return RUN.sub("{run}", text)


def _written(request: httpx.Request, keys: Mapping[str, str]) -> str:
    path = unquote(request.url.raw_path.decode()).removeprefix(PREFIX)
    key = keys[request.headers["Authorization"].removeprefix("Bearer ")]
    body = f"  {request.content.decode()}\n" if request.content else ""
    return f"{request.method} {path}  ({key})\n{body}"
