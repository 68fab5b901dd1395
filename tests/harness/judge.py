"""The judge of every exchange over HTTP in the tests: it holds them against the official description.

Wrap a transport in ``JudgedTransport``, then ``judge.verify()``. Findings also reach the session's counts,
so that a test which forgets to verify fails all the same (tests/conftest.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.simulator.answer import FAULT_HEADER
from reconciler.simulator.contract import judge as contract
from reconciler.simulator.contract.exchange import Answered, Asked
from tests.contract import installed as official

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.simulator.contract.description import Description
    from reconciler.simulator.contract.judge import JudgedExchange, Violation

UNJUDGED_PREFIX: Final = "/_simulator/"
MAX_LISTED: Final = 10


@dataclass(slots=True)
class Counts:
    """What several judges saw together. ``unjudged`` counts exchanges that passed without a description."""

    exchanges: int = 0
    unjudged: int = 0
    violations: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)

    def add(self, other: Counts) -> None:
        """Count what other counts hold."""
        self.exchanges += other.exchanges
        self.unjudged += other.unjudged
        self.violations += other.violations
        self.operations |= other.operations


SESSION: Final = Counts()
"""What the judges of this test process saw."""


class Judge:
    """The product's judge at a test's service: it also works without a description, and adds to the counts."""

    def __init__(
        self, description: Description | None, *, refusals_allowed: bool = False, counts: Counts = SESSION
    ) -> None:
        self._judge = None
        if description is not None:
            self._judge = contract.Judge(description, refusals_allowed=refusals_allowed)
        self._counts = counts

    @property
    def exchanges(self) -> Sequence[JudgedExchange]:
        return self._judge.exchanges if self._judge else []

    @property
    def violations(self) -> list[Violation]:
        return self._judge.violations if self._judge else []

    def rule(self, request: httpx.Request, response: httpx.Response | None, content: bytes = b"") -> None:
        """Judge one exchange: a request that was read, and a response with this body, or None where none came."""
        if request.url.path.startswith(UNJUDGED_PREFIX):
            return
        if self._judge is None:
            self._counts.unjudged += 1
            return
        violations = self._judge.rule(_asked(request), None if response is None else _answered(response, content))
        operation = self._judge.exchanges[-1].operation
        self._counts.add(Counts(1, 0, [str(each) for each in violations], {operation} if operation else set()))

    def verify(self) -> None:
        """Raise AssertionError when anything was wrong, with the first ten violations."""
        if self.violations:
            listed = "\n".join(f"  {violation}" for violation in self.violations[:MAX_LISTED])
            count = len(self.violations)
            raise AssertionError(f"{count} violations of the official description:\n{listed}")


def _asked(request: httpx.Request) -> Asked:
    path = request.url.raw_path.decode().partition("?")[0]
    media_type = request.headers.get("content-type", "")
    return Asked(request.method, path, request.url.params.multi_items(), media_type, request.content)


def _answered(response: httpx.Response, content: bytes) -> Answered:
    media_type = response.headers.get("content-type", "")
    return Answered(response.status_code, media_type, content, FAULT_HEADER in response.headers)


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
        self._judge.rule(request, response, _decoded(response, content))
        return with_content(response, content)

    async def aclose(self) -> None:
        """Close ``inner``."""
        await self._inner.aclose()


async def raw_content(response: httpx.Response) -> bytes:
    """The body as it came, still encoded."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    content = b"".join([chunk async for chunk in response.stream])
    await response.stream.aclose()
    return content


def with_content(response: httpx.Response, content: bytes) -> httpx.Response:
    """A copy of ``response`` whose body is still to be read."""
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=httpx.ByteStream(content),
        extensions=response.extensions,
    )


def _decoded(response: httpx.Response, content: bytes) -> bytes:
    """The body as it was before the server encoded it."""
    return with_content(response, content).read() if "content-encoding" in response.headers else content
