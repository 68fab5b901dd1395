"""What every request passes before and after its route: key, rate limit, latency, faults, log."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import msgspec

from reconciler.simulator import keys
from reconciler.simulator.call import Call
from reconciler.simulator.contract.exchange import Answered, Asked
from reconciler.simulator.exchanges import Exchange
from reconciler.simulator.faults import (
    FAULT_HEADER,
    AnswerAfter,
    AnswerWith,
    CommitLater,
    ConnectionDropped,
    Delay,
    DropAfter,
    DropBefore,
    Faults,
    Incoming,
    Truncate,
    script,
)
from reconciler.simulator.rate import RateLimiter

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.simulator.call import World
    from reconciler.simulator.contract.judge import Judge
    from reconciler.simulator.faults import AnyEffect
    from reconciler.simulator.keys import Key

PREFIX: Final = "/api/v2"
MOST_KEPT: Final = 100_000
"""Exchanges in the log; the older half of them goes where it grows longer, so that a server can run for days."""
CALL: Final = "simulator.call"
"""Where the scope carries the call to its route."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that a request takes beside its work, half of them on the way there."""

    shortest: float = 0.0
    longest: float = 0.0


@dataclass(slots=True)
class Response:
    """An answer on its way."""

    status: int
    content: bytes
    headers: dict[str, str]


class Front:
    """The ASGI app in front of the routes."""

    def __init__(
        self, world: World, routes: ASGIApp, faults: Faults, latency: Latency, judge: Judge | None = None
    ) -> None:
        self._world = world
        self._routes = routes
        self._faults = faults
        self._limiter = RateLimiter()
        self._latency = latency
        self._judge = judge
        self._random = Random(0)  # noqa: S311
        self._late: set[asyncio.Task[None]] = set()
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http" or not scope["path"].startswith(f"{PREFIX}/"):
            await self._routes(scope, receive, send)
            return
        content = await _content(receive)
        response = await self._answer(scope, content)
        headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})

    async def _answer(self, scope: Scope, content: bytes) -> Response:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = headers.get("x-request-id") or self._request_id()
        key = keys.used(self._world, headers.get("authorization", "").removeprefix("Bearer "), _address(scope))
        travel = self._random.uniform(self._latency.shortest, self._latency.longest) / 2
        if travel:
            await asyncio.sleep(travel)
        arrived = self._world.clock.now()
        response: Response | None = None
        try:
            response = await self._carry_out(scope, headers, content, key, request_id)
        finally:
            status = None if response is None else response.status
            self._note(_exchange(scope, content, key, request_id, arrived, status))
            if self._judge is not None:
                self._judge.rule(_asked(scope, headers, content), _answered(response))
        if travel:
            await asyncio.sleep(travel)
        return response

    def _request_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _note(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        if len(self.exchanges) > MOST_KEPT:
            del self.exchanges[: MOST_KEPT // 2]

    async def _carry_out(
        self, scope: Scope, headers: dict[str, str], content: bytes, key: Key | None, request_id: str
    ) -> Response:
        path = scope["path"].removeprefix(PREFIX)
        incoming = Incoming(scope["method"], path, content, key.org_id if key else None)
        effects = self._faults.strike(incoming)
        response = _instead(effects) or self._over_limit(key, incoming)
        if response is None:
            call = _call(self._world, key, headers, content, effects)
            self._put_off(effects, scope, call)
            response = await self._route(scope, call)
        response = await _afterwards(effects, response)
        return _signed(response, request_id, self._world.clock.now())

    def _put_off(self, effects: tuple[AnyEffect, ...], scope: Scope, call: Call | None) -> None:
        """Breaks the connection where a fault wants the call carried out later, by a task of the running loop."""
        for effect in effects:
            if isinstance(effect, CommitLater):
                task = asyncio.get_running_loop().create_task(self._route_later(effect.seconds, scope, call))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                raise ConnectionDropped

    async def _route_later(self, seconds: float, scope: Scope, call: Call | None) -> None:
        await asyncio.sleep(seconds)
        await self._route(scope, call)

    def _over_limit(self, key: Key | None, incoming: Incoming) -> Response | None:
        behaviour, now = self._world.behaviour, self._world.clock.now()
        if behaviour.rate_limit is None:
            return None
        account = "" if behaviour.shared_rate_limit or key is None else key.org_id or key.kind.value
        wait = self._limiter.wait_seconds(behaviour.rate_limit, account, incoming.method, incoming.path, now)
        if not wait:
            return None
        response = _error(429, "rate limit exceeded")
        if behaviour.rate_limit_says_when:
            response.headers["retry-after"] = str(ceil(wait))
        return response

    async def _route(self, scope: Scope, call: Call | None) -> Response:
        if call is None:
            return _error(401, "authentication failed: the API key is not known")
        return await _collect(self._routes, {**scope, "path": _encoded_path(scope), CALL: call})


def _call(
    world: World, key: Key | None, headers: dict[str, str], content: bytes, effects: tuple[AnyEffect, ...]
) -> Call | None:
    if key is None:
        return None
    return Call(world, key, {}, {}, content, headers.get("content-type", ""), script(effects))


def _address(scope: Scope) -> str:
    """Where a request comes from."""
    return str(scope["client"][0]) if scope.get("client") else ""


def _encoded_path(scope: Scope) -> str:
    """The path as it was sent, because the name of a role or database may hold an encoded slash."""
    encoded: bytes = scope["raw_path"]
    return encoded.decode("latin-1")


async def _content(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _collect(routes: ASGIApp, scope: Scope) -> Response:
    response = Response(500, b"", {})

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = {name.decode(): value.decode() for name, value in message.get("headers", ())}
        else:
            response.content += message.get("body", b"")

    await routes(scope, receive, send)
    return response


def _instead(effects: tuple[AnyEffect, ...]) -> Response | None:
    """What a fault answers in place of the route."""
    for effect in effects:
        if isinstance(effect, DropBefore):
            raise ConnectionDropped
        if isinstance(effect, AnswerWith):
            return _scripted(effect)
    return None


def _scripted(effect: AnswerWith) -> Response:
    response = _error(effect.status, effect.message, effect.code)
    if effect.text is not None:
        response.content = effect.text.encode()
    response.headers = {"content-type": effect.content_type, FAULT_HEADER: "answer"}
    if effect.retry_after is not None:
        response.headers["retry-after"] = effect.retry_after
    return response


async def _afterwards(effects: tuple[AnyEffect, ...], response: Response) -> Response:
    """What faults make of an answer, once the call was carried out."""
    for effect in effects:
        match effect:
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case DropAfter():
                raise ConnectionDropped
            case AnswerAfter(status, message):
                response = _error(status, message)
                response.headers[FAULT_HEADER] = "answer-after"
            case Truncate(length):
                response.content = response.content[:length]
                response.headers[FAULT_HEADER] = "truncate"
            case _:
                pass
    return response


def _error(status: int, message: str, code: str = "") -> Response:
    body = {"code": code, "message": message}
    return Response(status, msgspec.json.encode(body), {"content-type": "application/json"})


def _signed(response: Response, request_id: str, now: float) -> Response:
    """Name request and moment in the headers, and the request in the body of an error (Neon: GeneralError)."""
    response.headers["date"] = formatdate(now, usegmt=True)
    response.headers["x-neon-ret-request-id"] = request_id
    if response.status >= 400 and response.content.startswith(b'{"code":'):
        response.content = b'{"request_id":' + msgspec.json.encode(request_id) + b"," + response.content[1:]
    response.headers["content-length"] = str(len(response.content))
    return response


def _asked(scope: Scope, headers: dict[str, str], content: bytes) -> Asked:
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    path = scope["raw_path"].decode("latin-1").partition("?")[0]
    return Asked(scope["method"], path, query, headers.get("content-type", ""), content)


def _answered(response: Response | None) -> Answered | None:
    if response is None:
        return None
    media_type = response.headers.get("content-type", "")
    return Answered(response.status, media_type, response.content, FAULT_HEADER in response.headers)


def _exchange(
    scope: Scope, content: bytes, key: Key | None, request_id: str, arrived: float, status: int | None
) -> Exchange:
    return Exchange(
        method=scope["method"],
        path=scope["path"].removeprefix(PREFIX),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        content=content,
        status=status,
        request_id=request_id,
        at=arrived,
        key_kind=key.kind.value if key else None,
        org_id=key.org_id if key else None,
    )
