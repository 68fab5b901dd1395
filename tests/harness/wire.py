"""The way of a client to a server in this process, and what becomes of a request on that way.

    wire = Wire(account.via, at(3, killed(carried_out=True)))
    wire = Wire(account.via, where(writes, also_after(stop.request)))

A ``Wire`` keeps every request. An act decides what becomes of one of them: it is answered, late, wrongly or not
at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

import httpx

from reconciler.neon import in_process
from reconciler.simulator.faults import ConnectionDropped

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PREFIX: Final = "/api/v2"
WRITING: Final = ("POST", "PATCH", "PUT", "DELETE")


class Killed(BaseException):
    """The process dies here: no code of the product catches it."""


class InProcess(httpx.AsyncBaseTransport):
    """The way to an app in this process, on which a dropped connection looks as it does on a network."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = in_process.InProcess(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises ReadError where the app drops the connection."""
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionDropped as error:
            raise httpx.ReadError("the connection was dropped", request=request) from error


@dataclass(frozen=True, slots=True)
class Passing:
    """One request on its way."""

    request: httpx.Request
    number: int
    """From 1, in the order in which the requests of a wire set out."""
    via: httpx.AsyncBaseTransport

    @property
    def path(self) -> str:
        """Below ``/api/v2``."""
        return self.request.url.path.removeprefix(PREFIX)

    @property
    def call(self) -> str:
        """Like ``GET /projects``."""
        return f"{self.request.method} {self.path}"

    async def answer(self) -> httpx.Response:
        """What the other side says to it. Raises whatever the rest of the way raises."""
        return await self.via.handle_async_request(self.request)


Act: TypeAlias = Callable[[Passing], Awaitable[httpx.Response]]
"""What becomes of a request."""
Condition: TypeAlias = Callable[[Passing], bool]


async def answered(passing: Passing) -> httpx.Response:
    """It is answered."""
    return await passing.answer()


class Wire(httpx.AsyncBaseTransport):
    """A way on which an act decides about every request; without one, all are answered."""

    def __init__(self, via: httpx.AsyncBaseTransport, act: Act = answered) -> None:
        self._via = via
        self.act = act
        self.requests: list[httpx.Request] = []
        """In the order in which they set out."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises whatever the act raises."""
        await request.aread()
        self.requests.append(request)
        return await self.act(Passing(request, len(self.requests), self._via))

    async def aclose(self) -> None:
        """Close what is behind it."""
        await self._via.aclose()

    @property
    def calls(self) -> list[str]:
        """The requests so far, like ``GET /projects``."""
        return [f"{request.method} {request.url.path.removeprefix(PREFIX)}" for request in self.requests]


class Nowhere(httpx.AsyncBaseTransport):
    """The end of a way that no request may reach."""

    async def handle_async_request(self, request: httpx.Request) -> NoReturn:
        """Raises AssertionError."""
        raise AssertionError(f"nobody was to ask for {request.url}")


def writes(passing: Passing) -> bool:
    """Whether it changes something."""
    return passing.request.method in WRITING


def at(number: int, act: Act) -> Act:
    """The act for the request of that number, from 1; all others are answered."""
    return where(lambda passing: passing.number == number, act)


def where(condition: Condition, act: Act) -> Act:
    """The act where the condition holds; all other requests are answered."""

    async def decided(passing: Passing) -> httpx.Response:
        return await (act if condition(passing) else answered)(passing)

    return decided


def nth(number: int, condition: Condition, act: Act) -> Act:
    """The act for the request of that number, from 1, among those for which the condition holds."""
    met = 0

    def reached(passing: Passing) -> bool:
        nonlocal met
        holds = condition(passing)
        met += holds
        return holds and met == number

    return where(reached, act)


def first(condition: Condition, act: Act) -> Act:
    """The act for the first request for which the condition holds; all others are answered."""
    return nth(1, condition, act)


def also_before(happens: Callable[[], object]) -> Act:
    """Something happens right before the request is answered."""

    async def preceded(passing: Passing) -> httpx.Response:
        happens()
        return await passing.answer()

    return preceded


def also_after(happens: Callable[[], object]) -> Act:
    """Something happens once the request is answered, before the client hears of it."""

    async def followed(passing: Passing) -> httpx.Response:
        response = await passing.answer()
        happens()
        return response

    return followed


def failing(error: BaseException, *, carried_out: bool) -> Act:
    """The error comes instead of the answer, before the request is carried out or after."""

    async def failed(passing: Passing) -> httpx.Response:
        if carried_out:
            await passing.answer()
        raise error

    return failed


def killed(*, carried_out: bool) -> Act:
    """The process dies before the request is carried out or after."""
    return failing(Killed(), carried_out=carried_out)


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> Act:
    """Another answer; the other side never hears of the request."""

    async def made_up(passing: Passing) -> httpx.Response:
        response = answer(passing.request)
        response.request = passing.request
        return response

    return made_up
