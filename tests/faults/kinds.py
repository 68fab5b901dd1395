"""The kinds of fault that can strike one call, and where a run gets over them by itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.neon.transport import CALL_SECONDS
from reconciler.simulator.faults import (
    AnswerAfter,
    AnswerWith,
    Delay,
    DropAfter,
    DropBefore,
    FailOperations,
    HideProjects,
    StickOperations,
    Truncate,
    html,
)
from tests.harness.stored import Stored
from tests.harness.wire import Act, Passing, Wire, answered, at, failing, killed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.simulator.faults import AnyEffect
    from reconciler.simulator.simulator import Simulator

LOGIN_PAGE: Final = "<html><body>Please log in to the network.</body></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a run."""

    method: str
    path: str
    """Below ``/api/v2``."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"

    @property
    def lists(self) -> bool:
        """Whether it asks for a page of projects."""
        return (self.method, self.path) == ("GET", "/projects")

    @property
    def creates(self) -> bool:
        """Whether it makes a project, which no run does twice."""
        return (self.method, self.path) == ("POST", "/projects")

    @property
    def starts_operations(self) -> bool:
        """Whether Neon goes on working after the answer."""
        place = self.path.strip("/").split("/")
        return not self.reads and place[-1] != "transfer" and (self.method != "DELETE" or len(place) > 2)


@dataclass(frozen=True, slots=True)
class Kind:
    """What becomes of one call, in the simulator or on the way there."""

    effect: Callable[[Simulator], AnyEffect] | None = None
    wire: Act | None = None
    strikes: Callable[[Call], bool] = lambda _call: True
    """Which calls it makes any difference to."""
    absorbed: Callable[[Call], bool | None] = lambda _call: True
    """Whether the run that meets it gets over it by itself and ends with 0; None where that depends."""


async def _never_answered(_passing: Passing) -> httpx.Response:
    await asyncio.sleep(2 * CALL_SECONDS)
    raise AssertionError("a client that waits for ever")


def _with(effect: AnyEffect, absorbed: Callable[[Call], bool | None] = lambda _call: True) -> Kind:
    return Kind(lambda _simulator: effect, absorbed=absorbed)


def _not_created(call: Call) -> bool:
    """A write whose answer is lost is looked up, and sent again where it was not carried out; no create is."""
    return not call.creates


def _of_operations(effect: AnyEffect, absorbed: Callable[[Call], bool | None]) -> Kind:
    return Kind(lambda _simulator: effect, strikes=lambda call: call.starts_operations, absorbed=absorbed)


def _partial(simulator: Simulator, every: int) -> HideProjects:
    ids = [row["id"] for row in Stored.of(simulator).rows("projects", deleted=True)]
    return HideProjects(tuple(ids[::every]))


def _listing(every: int) -> Kind:
    return Kind(lambda simulator: _partial(simulator, every), strikes=lambda call: call.lists)


KINDS: Final[Mapping[str, Kind]] = {
    "423": _with(AnswerWith(423)),
    "429": _with(AnswerWith(429)),
    "429 with Retry-After": _with(AnswerWith(429, retry_after="7")),
    "500": _with(AnswerWith(500), _not_created),
    "500 after it was carried out": _with(AnswerAfter(500)),
    "502": _with(AnswerWith(502), _not_created),
    "503": _with(AnswerWith(503)),
    "504": _with(AnswerWith(504), _not_created),
    "504 after it was carried out": _with(AnswerAfter(504)),
    "no connection": Kind(wire=failing(httpx.ConnectError("no route to host"), carried_out=False)),
    "no answer, not carried out": Kind(wire=_never_answered, absorbed=_not_created),
    "no answer in time": _with(Delay(CALL_SECONDS + 5)),
    "slow answer": _with(Delay(CALL_SECONDS - 5)),
    "dropped before it was carried out": _with(DropBefore(), _not_created),
    "dropped after it was carried out": _with(DropAfter()),
    "cut short": _with(Truncate()),
    "the page of a proxy": _with(html(502), _not_created),
    "a login page": _with(AnswerWith(200, text=LOGIN_PAGE, content_type="text/html"), _not_created),
    "failed operation": _of_operations(FailOperations(), lambda _call: None),
    "failed operation that recovers": _of_operations(FailOperations(recovers_after=10), lambda _call: True),
    "stuck operation": _of_operations(StickOperations(), lambda _call: None),
    "partial list": _listing(2),
    "empty list": _listing(1),
    "killed before it was sent": Kind(wire=killed(carried_out=False), absorbed=lambda _call: False),
    "killed after it was carried out": Kind(wire=killed(carried_out=True), absorbed=lambda _call: False),
}


def struck(simulator: Simulator, kind: Kind, number: int) -> Act:
    """One kind of fault strikes the call of that number, from 1."""

    async def strike(passing: Passing) -> httpx.Response:
        if kind.effect is not None:
            simulator.faults.add(kind.effect(simulator), passing.request.method, passing.path)
        return await (kind.wire or answered)(passing)

    return at(number, strike)


def calls_on(wire: Wire) -> list[Call]:
    """In the order in which they set out."""
    return [Call(*call.split(" ", 1)) for call in wire.calls]
