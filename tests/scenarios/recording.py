"""The write requests of a run in the form of requests.txt.

PATCH /projects/{myapp-acme}  (key of paid)
  {"project":{"settings":{"quota":{...}}}}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from tests.harness.wire import Act, Passing, writes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

PREFIX: Final = "/api/v2"
RUN: Final = re.compile(r'(?<="run":")[0-9a-f]{8}(?=")')
"""The id of the run, in annotations."""


def keeping(kept: list[httpx.Request]) -> Act:
    """Keeps the requests that write, in their order; of attempts with one request id the first.

    How often a write to a project that has just moved is repeated depends on chance.
    """

    async def keep(passing: Passing) -> httpx.Response:
        request = passing.request
        if writes(passing) and request.headers["X-Request-ID"] not in {k.headers["X-Request-ID"] for k in kept}:
            kept.append(request)
        return await passing.answer()

    return keep


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
