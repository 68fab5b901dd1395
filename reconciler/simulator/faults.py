"""Faults as data: which request they strike, and what becomes of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias, assert_never

from msgspec import Struct

from reconciler.simulator.answer import Answer
from reconciler.simulator.operations import FINISH, Fate
from reconciler.simulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable


class ConnectionDropped(Exception):  # noqa: N818
    """Raised out of the ASGI app where a fault breaks the connection; a transport turns it into a read error."""


class Effect(Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a fault does to a call."""


class AnswerWith(Effect, frozen=True):
    """The call is not carried out: an error answer in Neon's general shape, or with ``text`` as its body."""

    status: int
    message: str = "simulated fault"
    code: str = ""
    text: str | None = None
    content_type: str = "application/json"
    retry_after: str | None = None


class DropBefore(Effect, frozen=True):
    """The connection breaks before anything is carried out."""


class DropAfter(Effect, frozen=True):
    """The connection breaks after the call was carried out, before its answer."""


class CommitLater(Effect, frozen=True):
    """The connection breaks at once, and the call is carried out so many seconds later."""

    seconds: float


class AnswerAfter(Effect, frozen=True):
    """The call is carried out, and an error answers it (Neon: 500, 502, 504 and 524 leave the outcome open)."""

    status: int
    message: str = "simulated fault"


class Delay(Effect, frozen=True):
    """The answer is late by so many seconds; the call was carried out before."""

    seconds: float


class Truncate(Effect, frozen=True):
    """Only the first bytes of the answer arrive."""

    length: int = 10


class HideProjects(Effect, frozen=True):
    """A list names these projects as unavailable."""

    project_ids: tuple[str, ...]


class FailOperations(Effect, frozen=True):
    """The operations that the call starts fail; Neon tries some again, which then finish."""

    recovers_after: float | None = None
    """Seconds until then; None: never."""


class StickOperations(Effect, frozen=True):
    """The operations that the call starts never end."""


Instead: TypeAlias = AnswerWith | DropBefore
"""In place of the work."""
Afterwards: TypeAlias = AnswerAfter | DropAfter | Delay | Truncate
"""Once the work is done."""
Scripted: TypeAlias = HideProjects | FailOperations | StickOperations
"""Carried out by the routes."""
AnyEffect: TypeAlias = Instead | CommitLater | Afterwards | Scripted


def html(status: int = 502) -> AnswerWith:
    """What a proxy in between answers."""
    page = f"<html><body><h1>{status} Bad Gateway</h1></body></html>"
    return AnswerWith(status, text=page, content_type="text/html")


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """An effect, and the calls that it strikes: of those that match, the ``first`` one and ``times - 1`` more."""

    effect: AnyEffect
    method: str = "*"
    path: str = "*"
    """A glob on the path below ``/api/v2``."""
    first: int = 1
    times: int | None = 1
    """None: always."""
    organization: str | None = None
    """The id of the organization whose key calls, or that the path or body names."""
    body_contains: str | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a fault looks at."""

    method: str
    path: str
    content: bytes
    org_id: str | None

    def matches(self, fault: Fault) -> bool:
        """Whether a fault is about such a call."""
        return (
            fault.method in {"*", self.method}
            and fnmatchcase(self.path, fault.path)
            and (fault.organization is None or self._concerns(fault.organization))
            and (fault.body_contains is None or fault.body_contains.encode() in self.content)
        )

    def _concerns(self, org_id: str) -> bool:
        return org_id == self.org_id or org_id in self.path.split("/") or org_id.encode() in self.content


class Faults:
    """The faults that are set, with how often each has met a call and struck one."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._met: list[int] = []
        self._struck: list[int] = []

    def add(
        self,
        effect: AnyEffect,
        method: str = "*",
        path: str = "*",
        *,
        first: int = 1,
        times: int | None = 1,
        organization: str | None = None,
        body_contains: str | None = None,
    ) -> Fault:
        """Set a fault, by its members."""
        fault = Fault(effect, method, path, first, times, organization, body_contains)
        self.set(fault)
        return fault

    def set(self, fault: Fault) -> None:
        """Set a fault."""
        self._faults.append(fault)
        self._met.append(0)
        self._struck.append(0)

    def clear(self) -> None:
        """Take all faults away, and forget what they struck."""
        for memory in (self._faults, self._met, self._struck):
            memory.clear()

    def struck(self, fault: Fault | None = None) -> int:
        """How many calls a fault, or all of them together, have struck."""
        return sum(count for each, count in self.counted() if fault is None or each is fault)

    def counted(self) -> list[tuple[Fault, int]]:
        """Every fault that is set, with how many calls it has struck."""
        return list(zip(self._faults, self._struck, strict=True))

    def strike(self, incoming: Incoming) -> tuple[AnyEffect, ...]:
        """What becomes of a call, in the order in which the faults were set."""
        return tuple(fault.effect for at, fault in enumerate(self._faults) if self._strikes(at, fault, incoming))

    def _strikes(self, at: int, fault: Fault, incoming: Incoming) -> bool:
        if not incoming.matches(fault):
            return False
        self._met[at] += 1
        since = self._met[at] - fault.first
        strikes = since >= 0 and (fault.times is None or since < fault.times)
        self._struck[at] += strikes
        return strikes


@dataclass(frozen=True, slots=True)
class Script:
    """What faults ask of the routes."""

    fate: Fate = FINISH
    unavailable: tuple[str, ...] = ()
    """Ids of projects that a list is to name as unavailable."""


@dataclass(frozen=True, slots=True)
class Interference:
    """What all the effects on one request come to."""

    instead: Instead | None = None
    """The first of them."""
    later_seconds: float | None = None
    """After which the request is carried out, by the first of them; its connection breaks at once."""
    afterwards: tuple[Afterwards, ...] = ()
    """In the order in which the faults were set."""
    script: Script = field(default_factory=Script)


def interference(effects: Iterable[AnyEffect]) -> Interference:
    """All effects together. An effect that is missing here fails type checking."""
    whole = Interference()
    for effect in effects:
        whole = _joined(whole, effect)
    return whole


def _joined(whole: Interference, effect: AnyEffect) -> Interference:
    match effect:
        case AnswerWith() | DropBefore():
            return whole if whole.instead is not None else replace(whole, instead=effect)
        case CommitLater(seconds):
            return whole if whole.later_seconds is not None else replace(whole, later_seconds=seconds)
        case AnswerAfter() | DropAfter() | Delay() | Truncate():
            return replace(whole, afterwards=(*whole.afterwards, effect))
        case HideProjects(project_ids):
            return replace(whole, script=replace(whole.script, unavailable=project_ids))
        case FailOperations(recovers_after):
            return replace(
                whole, script=replace(whole.script, fate=Fate(fails=True, recovers_after=recovers_after))
            )
        case StickOperations():
            return replace(whole, script=replace(whole.script, fate=Fate(ends=False)))
        case _:
            assert_never(effect)


def instead(effect: Instead, request_id: str) -> Answer:
    """The answer in place of the work. Raises ConnectionDropped where there is none."""
    match effect:
        case DropBefore():
            raise ConnectionDropped
        case AnswerWith():
            refusal = Refusal(effect.status, effect.message, code=effect.code)
            answer = replace(Answer.refused(refusal, request_id), media_type=effect.content_type, fault="answer")
            if effect.text is not None:
                answer = replace(answer, encoded=effect.text.encode())
            return answer if effect.retry_after is None else answer.sealed(**{"retry-after": effect.retry_after})
        case _:
            assert_never(effect)


async def after(effect: Afterwards, answer: Answer, request_id: str) -> Answer:
    """The answer once the work is done. Raises ConnectionDropped where none arrives."""
    match effect:
        case Delay(seconds):
            await asyncio.sleep(seconds)
            return answer
        case DropAfter():
            raise ConnectionDropped
        case AnswerAfter(status, message):
            return replace(Answer.refused(Refusal(status, message), request_id), fault="answer-after")
        case Truncate(length):
            return replace(answer, encoded=answer.content[:length], fault="truncate")
        case _:
            assert_never(effect)
