"""The way to a server in this process."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.neon.in_process import InProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    import pytest

    Message = MutableMapping[str, Any]


async def echo(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answers with what it was asked, in two parts."""
    message = await receive()
    disconnected = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    assert not disconnected.done()
    disconnected.cancel()
    asked = f"{scope['method']} {scope['raw_path'].decode()}?{scope['query_string'].decode()}"
    told = f"{asked} {dict(scope['headers'])}"
    await send({"type": "http.response.start", "status": 418, "headers": [(b"x-path", scope["path"].encode())]})
    await send({"type": "http.response.body", "body": told.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b" " + message["body"]})


def answer(method: str, url: str, **sent: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=InProcess(echo)) as http:
            return await http.request(method, url, **sent)

    return asyncio.run(ask())


def test_a_request_and_its_response_arrive_as_they_were_sent() -> None:
    answered = answer("POST", "https://neon.test/a%2Fb?c=d%20e", content=b"body", headers={"X-Key": "k"})
    assert answered.status_code == 418
    assert answered.headers["x-path"] == "/a/b"
    assert answered.text.startswith("POST /a%2Fb?c=d%20e ")
    assert "b'x-key': b'k'" in answered.text
    assert answered.text.endswith(" body")


def test_an_answer_to_head_has_no_body() -> None:
    assert answer("HEAD", "https://neon.test/a").content == b""


class Searches:
    """Notes which modules Python looks for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, *_: object) -> None:
        self.names.append(name)


def test_a_request_makes_python_look_for_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing import is no small cost: Python lists each folder of its path for it, at each request."""
    answer("GET", "https://neon.test/")
    searches = Searches()
    monkeypatch.setattr(sys, "meta_path", [searches, *sys.meta_path])
    answer("GET", "https://neon.test/")
    assert searches.names == []
