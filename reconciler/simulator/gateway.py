"""The way of every request: a list of steps, each of which passes it on to the next."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import lru_cache
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.simulator import keys
from reconciler.simulator.answer import Answer
from reconciler.simulator.contract.exchange import Answered, Asked
from reconciler.simulator.exchanges import Exchange
from reconciler.simulator.faults import ConnectionDropped, Faults, Incoming, after, instead, interference
from reconciler.simulator.rate import RateLimiter
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.request import (
    PREFIX,
    Request,
    address_of,
    content_of,
    headers_of,
    query_of,
    raw_path_of,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.simulator.app import Router
    from reconciler.simulator.contract.judge import Judge
    from reconciler.simulator.world import World

MOST_EXCHANGES: Final = 100_000
"""In the log. Beyond it, the older half is dropped, so that a server can run for days."""

Next: TypeAlias = Callable[[Request], Awaitable[Answer]]
Step: TypeAlias = Callable[[Request, Next], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that a request takes besides its work, half of them on the way there."""

    shortest: float = 0.0
    longest: float = 0.0


@lru_cache(maxsize=64)
def _date(second: int) -> str:
    """As an HTTP header states it: many answers are of one second."""
    return formatdate(second, usegmt=True)


class Gateway:
    """The ASGI app: Neon's API below ``/api/v2``, and the simulator's own pages."""

    def __init__(
        self,
        world: World,
        router: Router,
        pages: ASGIApp,
        faults: Faults,
        latency: Latency,
        exchanges: list[Exchange],
        judge: Judge | None = None,
        most_exchanges: int = MOST_EXCHANGES,
    ) -> None:
        self._world = world
        self._router = router
        self._pages = pages
        self._faults = faults
        self._limiter = RateLimiter()
        self._latency = latency
        self._judge = judge
        self.exchanges = exchanges
        self._most_exchanges = most_exchanges
        self._random = Random(0)  # noqa: S311
        self._late: set[asyncio.Task[None]] = set()
        self._resets = 0
        self.steps: tuple[Step, ...] = (
            self._travel,
            self._log,
            self._hold_to_the_contract,
            self._sign,
            self._interfere,
            self._render_refusals,
            self._limit_rate,
            self._postpone,
            self._route,
        )
        """In this order on the way in, backwards on the way out."""

    def forget(self) -> None:
        """Forget the log, what counts against the rate limit, and the requests that were postponed."""
        self._resets += 1
        self.exchanges.clear()
        self._limiter = RateLimiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http" or not scope["path"].startswith(f"{PREFIX}/"):
            await self._pages(scope, receive, send)
            return
        answer = await self._after(0, self._request(scope, await content_of(receive)))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.header_lines})
        await send({"type": "http.response.body", "body": answer.content})

    def _request(self, scope: Scope, content: bytes) -> Request:
        headers = headers_of(scope)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        return Request(
            method=scope["method"],
            path=scope["path"].removeprefix(PREFIX),
            raw_path=raw_path_of(scope),
            query=query_of(scope),
            headers=headers,
            content=content,
            id=headers.get("x-request-id") or self._request_id(),
            key=keys.used(self._world, token, address_of(scope)),
            arrived=self._world.clock.now(),
        )

    def _request_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    async def _after(self, number: int, request: Request) -> Answer:
        """What the step of that number, and all that follow, make of a request."""

        async def proceed(passed_on: Request) -> Answer:
            return await self._after(number + 1, passed_on)

        return await self.steps[number](request, proceed)

    async def _travel(self, request: Request, proceed: Next) -> Answer:
        """Half of the latency before the work, half of it after."""
        seconds = self._random.uniform(self._latency.shortest, self._latency.longest) / 2
        if not seconds:
            return await proceed(request)
        await asyncio.sleep(seconds)
        answer = await proceed(replace(request, arrived=self._world.clock.now()))
        await asyncio.sleep(seconds)
        return answer

    async def _log(self, request: Request, proceed: Next) -> Answer:
        """Every exchange, also one whose connection broke."""
        status: int | None = None
        try:
            answer = await proceed(request)
            status = answer.status
        finally:
            self.exchanges.append(Exchange.of(request, status))
            if len(self.exchanges) > self._most_exchanges:
                del self.exchanges[: max(1, self._most_exchanges // 2)]
        return answer

    async def _hold_to_the_contract(self, request: Request, proceed: Next) -> Answer:
        """Show the exchange to the judge, if there is one."""
        if self._judge is None:
            return await proceed(request)
        asked = Asked(request.method, request.raw_path, request.query, request.media_type, request.content)
        answered: Answered | None = None
        try:
            answer = await proceed(request)
            media_type = answer.media_type if answer.content else ""
            answered = Answered(answer.status, media_type, answer.content, answer.fault is not None)
        finally:
            self._judge.rule(asked, answered)
        return answer

    async def _sign(self, request: Request, proceed: Next) -> Answer:
        """Name the request and the moment in the headers."""
        answer = await proceed(request)
        return answer.sealed(**{"date": _date(int(self._world.clock.now())), "x-neon-ret-request-id": request.id})

    async def _interfere(self, request: Request, proceed: Next) -> Answer:
        """What the faults that strike this request make of it."""
        incoming = Incoming(request.method, request.path, request.content, request.org_id)
        effects = self._faults.strike(incoming)
        if not effects:
            return await proceed(request)
        struck = interference(effects)
        if struck.instead is not None:
            answer = instead(struck.instead, request.id)
        else:
            answer = await proceed(replace(request, script=struck.script, later_seconds=struck.later_seconds))
        for effect in struck.afterwards:
            answer = await after(effect, answer, request.id)
        return answer

    async def _render_refusals(self, request: Request, proceed: Next) -> Answer:
        """The only place where a refusal becomes an answer."""
        try:
            return await proceed(request)
        except Refusal as refusal:
            return Answer.refused(refusal, request.id)

    async def _limit_rate(self, request: Request, proceed: Next) -> Answer:
        """Neon's rate limit for the account."""
        behaviour, key = self._world.behaviour, request.key
        if behaviour.rate_limit is None:
            return await proceed(request)
        account = "" if behaviour.shared_rate_limit or key is None else key.org_id or key.kind.value
        now = self._world.clock.now()
        wait = self._limiter.wait_seconds(behaviour.rate_limit, account, request.method, request.path, now)
        if wait:
            when = {"retry-after": str(ceil(wait))} if behaviour.rate_limit_says_when else None
            raise Refusal(429, "rate limit exceeded", headers=when)
        return await proceed(request)

    async def _postpone(self, request: Request, proceed: Next) -> Answer:
        """Break the connection of a request that a fault carries out later. Nobody receives its answer."""
        if request.later_seconds is None:
            return await proceed(request)
        late = self._carry_out_later(request.later_seconds, request, proceed)
        task = asyncio.get_running_loop().create_task(late)
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        raise ConnectionDropped

    async def _carry_out_later(self, seconds: float, request: Request, proceed: Next) -> None:
        """Carry a request out, unless the account is reset before."""
        resets = self._resets
        await asyncio.sleep(seconds)
        if resets == self._resets:
            with suppress(Refusal):
                await proceed(request)

    async def _route(self, request: Request, proceed: Next) -> Answer:  # noqa: ARG002 - the last step
        with self._world.store.turn():
            return self._router.answer(self._world, request)
