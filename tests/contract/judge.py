"""The judge of every exchange over HTTP in the tests: it holds them against the official description.

Wrap a transport in ``JudgedTransport``, then ``judge.verify()``. Findings also reach the session's tally,
so that a test which forgets to verify fails all the same (tests/conftest.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from tests.contract import description as official
from tests.contract.strict import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.description import Description
    from tests.contract.operation import Operation

UNJUDGED_PREFIX: Final = "/_simulator/"
FAULT_HEADER: Final = "x-simulator-fault"
MAX_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that passed, with the status of its answer; None where the answer was lost."""

    method: str
    path: str
    operation: str | None
    status: int | None

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.operation or 'no operation'}) -> {self.status or 'no answer'}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A finding, and the exchange it is about."""

    exchange: Exchange
    finding: Finding

    def __str__(self) -> str:
        return f"{self.exchange}: {self.finding}"


@dataclass(slots=True)
class Tally:
    """What several judges saw together. ``unjudged`` counts exchanges that passed without a description."""

    exchanges: int = 0
    unjudged: int = 0
    violations: list[str] = field(default_factory=list)


SESSION: Final = Tally()
"""What the judges of this test process saw."""


class Judge:
    """Collects the exchanges that passed, and what was wrong with them.

    ``refusals_allowed`` is for tests that ask for the forbidden: a bad request is then a violation only
    where it is accepted.
    """

    def __init__(
        self, description: Description | None, *, refusals_allowed: bool = False, tally: Tally = SESSION
    ) -> None:
        self._description = description
        self._refusals_allowed = refusals_allowed
        self._tally = tally
        self.exchanges: list[Exchange] = []
        self.violations: list[Violation] = []

    def rule(self, request: httpx.Request, response: httpx.Response | None) -> None:
        """Judge one exchange, both sides read; ``response`` is None where none came."""
        if request.url.path.startswith(UNJUDGED_PREFIX):
            return
        if self._description is None:
            self._tally.unjudged += 1
            return
        route = self._description.find(request.method, request.url.raw_path.decode().partition("?")[0])
        status = None if response is None else response.status_code
        exchange = Exchange(request.method, request.url.path, route and route[0].name, status)
        findings = [*self._about_request(request, route, status), *about_answer(route and route[0], response)]
        self._record(exchange, [Violation(exchange, finding) for finding in findings])

    def verify(self) -> None:
        """Raise AssertionError when anything was wrong, with the first ten violations."""
        if self.violations:
            listed = "\n".join(f"  {violation}" for violation in self.violations[:MAX_LISTED])
            count = len(self.violations)
            raise AssertionError(f"{count} violations of the official description:\n{listed}")

    def _about_request(
        self, request: httpx.Request, route: tuple[Operation, Mapping[str, str]] | None, status: int | None
    ) -> list[Finding]:
        if self._refusals_allowed and (status is None or status >= 400):
            return []
        if route is None:
            return [Finding("request", "no operation has this method and path")]
        operation, values = route
        return [
            *operation.path_findings(values),
            *operation.query_findings(request.url.params.multi_items()),
            *operation.body_findings(request.headers.get("content-type", ""), request.content),
        ]

    def _record(self, exchange: Exchange, violations: list[Violation]) -> None:
        self.exchanges.append(exchange)
        self.violations += violations
        self._tally.exchanges += 1
        self._tally.violations += [str(violation) for violation in violations]


def about_answer(operation: Operation | None, response: httpx.Response | None) -> list[Finding]:
    """What is wrong with an answer. Scripted faults are broken on purpose, and unknown routes have no rules."""
    if operation is None or response is None or FAULT_HEADER in response.headers:
        return []
    media_type = response.headers.get("content-type", "")
    return list(operation.answer_findings(response.status_code, media_type, response.content))


def session_judge(*, refusals_allowed: bool = False) -> Judge:
    """A judge with the installed description; without one it only counts, except on CI, where that fails."""
    description = official.required() if official.on_ci() else official.installed()
    return Judge(description, refusals_allowed=refusals_allowed)


class JudgedTransport(httpx.AsyncBaseTransport):
    """Passes every exchange on to ``inner`` unchanged, and shows it to ``judge``."""

    def __init__(self, inner: httpx.AsyncBaseTransport, judge: Judge) -> None:
        self._inner = inner
        self._judge = judge

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises whatever ``inner`` raises, once the request is judged."""
        await request.aread()
        try:
            response = await self._inner.handle_async_request(request)
            content = await raw_content(response)
        except BaseException:
            self._judge.rule(request, None)
            raise
        self._judge.rule(request, with_content(response, content, read=True))
        return with_content(response, content, read=False)

    async def aclose(self) -> None:
        """Close ``inner``."""
        await self._inner.aclose()


async def raw_content(response: httpx.Response) -> bytes:
    """The body as it came, still encoded."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    content = b"".join([chunk async for chunk in response.stream])
    await response.stream.aclose()
    return content


def with_content(response: httpx.Response, content: bytes, *, read: bool) -> httpx.Response:
    """A copy of ``response`` whose body is still to be read, or is read and decoded already."""
    copy = httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=httpx.ByteStream(content),
        extensions=response.extensions,
    )
    if read:
        copy.read()
    return copy
