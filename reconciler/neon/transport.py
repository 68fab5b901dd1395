"""The only place for authentication, retries, request ids, redaction, and the limit on calls in flight."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import msgspec

from reconciler import __version__
from reconciler.desired.address import EXAMPLE, read_api_address
from reconciler.errors import (
    ApiError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnexpectedAnswerError,
)
from reconciler.model.annotations import PRODUCT
from reconciler.model.quoting import shown
from reconciler.neon.answers import (
    MANY_ATTEMPTS,
    Answer,
    Exchange,
    TooLargeError,
    TryAgain,
    lost,
    moment,
    read,
    unreachable,
    unreadable,
)
from reconciler.neon.call import Attempt, Pause
from reconciler.neon.connection_failure import NOTHING_SENT, connection_failure, proxy_hint
from reconciler.neon.http import httpx
from reconciler.neon.network import NetworkPath, network_path_to

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from reconciler.neon.attempts import NextAttempt
    from reconciler.neon.call import Call, CallLimit, CallObserver, RunCalls
    from reconciler.neon.credentials import Key
    from reconciler.neon.pace import Pace
    from reconciler.secret import Secret

T = TypeVar("T")
log = logging.getLogger(__name__)

CLOCKS_APART: Final = timedelta(minutes=1)
"""The largest difference from the API's clock that is not corrected."""
CALLS_IN_FLIGHT: Final = 20
CALL_SECONDS: Final = 60.0
"""The timeout of one attempt. Neon may take 30 seconds for a page of a list."""
CONNECT_SECONDS: Final = 10.0
HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "User-Agent": f"{PRODUCT}/{__version__}",
}
EXTENSIONS: Final = {"timeout": httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS).as_dict()}
NO_ID: Final = "an id has lower-case letters, digits and hyphens: it came from a response, a file or the registry"
MAX_ANSWER_BYTES: Final = 2**26
"""The maximum size of a decompressed response. A full page of projects has a hundredth of it."""
FIRST_BACKOFF_SECONDS: Final = 0.25
LONGEST_BACKOFF_SECONDS: Final = 10.0
ARRIVAL_SECONDS: Final = 30.0
"""How long the key of an organization may not see a transferred project. Neon does not document it."""
ARRIVAL_PAUSE_SECONDS: Final = 1.0
"""Between two attempts at a project that was just transferred. One of a shared transfer tries for all."""


class ApiClock:
    """The time in the latest response, plus the time since then by the event loop's clock."""

    def __init__(self) -> None:
        self._stated: tuple[datetime, float] | None = None

    def set(self, moment: datetime) -> None:
        """Sets the time from a response that has just arrived. Precise to the second."""
        self._stated = moment, asyncio.get_running_loop().time()

    def now(self) -> datetime | None:
        """The API's time. None before the first response with a time."""
        if self._stated is None:
            return None
        moment, at = self._stated
        return moment + timedelta(seconds=asyncio.get_running_loop().time() - at)

    def judge(self, machine: datetime) -> datetime:
        """The time of this machine, corrected if it differs too much."""
        return machine if abs(self.off_by(machine)) <= CLOCKS_APART else machine - self.off_by(machine)

    def off_by(self, machine: datetime) -> timedelta:
        """How far this machine is ahead of the API. 0 before the first response with a time."""
        now = self.now()
        return timedelta() if now is None else machine - now


class Transport:
    """Sends calls to one API host. An async context manager, which closes the connections at its end.

    ``via`` replaces the network: ``InProcess`` around a simulator. No error message shows any of
    the ``secrets``.
    """

    def __init__(
        self,
        host: str,
        *,
        pace: Pace,
        via: httpx.AsyncBaseTransport | None = None,
        random: Random | None = None,
        calls_in_flight: int = CALLS_IN_FLIGHT,
        secrets: tuple[Secret, ...] = (),
        observer: CallObserver | None = None,
        limit: CallLimit | None = None,
    ) -> None:
        url = _checked(host)
        self._base = str(url).rstrip("/")
        limits = httpx.Limits(max_connections=calls_in_flight, max_keepalive_connections=calls_in_flight)
        self._path = network_path_to(url, limits) if via is None else NetworkPath(via)
        self.place: tuple[object, ...] = (str(url), via)
        """The destination of the calls: the host, and the transport that replaces the network."""
        self._host = url.host
        self._pace = pace
        self._secrets = secrets
        self._observer = observer
        self.limit = limit
        self._random = random or Random()  # noqa: S311
        self._slots = asyncio.Semaphore(calls_in_flight)
        self._answered = False
        self.clock = ApiClock()
        self.lists_show_quotas = False
        """Whether a list has shown the quota of any project, which is optional there."""
        self._arriving: dict[str, float] = {}
        """By project id: until when a transferred project may be invisible to its new key, in event loop time."""

    async def __aenter__(self) -> Transport:
        await self._path.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._path.transport.__aexit__(kind, error, traceback)

    def arriving(self, project_ids: Iterable[str]) -> None:
        """Marks projects as just transferred: the new organization's key may not see them for some seconds."""
        until = asyncio.get_running_loop().time() + ARRIVAL_SECONDS
        self._arriving.update(dict.fromkeys(project_ids, until))

    async def send(
        self, call: Call, key: Key, shape: type[T], *, run: RunCalls, request_id: str | None = None
    ) -> T:
        """Sends the call and decodes its response. Retries if that is safe.

        ``run`` counts the call. ``request_id`` is sent as ``X-Request-ID``, the same for every attempt.
        Raises NotSentError for a write of a run that has ended, ApiError and its subclasses for errors of the API,
        UnreachableError if there was no response, UnknownOutcomeError for a write whose response was lost, and
        UnexpectedAnswerError for a response to a read that does not have this shape, and, before anything is sent,
        for an id that an earlier response cannot have meant.
        """
        if (malformed := call.malformed_id) is not None:
            raise UnexpectedAnswerError(
                f"could not {call.purpose}: {shown(malformed)} is no id of Neon's", hint=NO_ID
            )
        exchange = Exchange(call, key, request_id or self._new_request_id(), self._secrets)
        try:
            return await self._attempt(exchange, shape, run)
        except TryAgain as first:
            return await self._retried(first, exchange, shape, run)

    async def _retried(self, first: TryAgain, exchange: Exchange, shape: type[T], run: RunCalls) -> T:
        """Goes on after a first attempt that failed: most calls have one attempt, and need nothing of this."""
        failed = [first]

        async def attempt() -> T:
            if failed:
                raise failed.pop()
            return await self._attempt(exchange, shape, run)

        from reconciler.neon.attempts import Attempts  # noqa: PLC0415 - most calls have one

        attempts = Attempts(self._wait_seconds, lambda waiting: self._tell_pause(exchange, run, waiting))
        try:
            answered: T = await attempts(attempt)
        except TryAgain as last:
            raise last.error from last.__cause__
        finally:
            attempts.end()
        return answered

    async def _attempt(self, exchange: Exchange, shape: type[T], run: RunCalls) -> T:
        asked_at = asyncio.get_running_loop().time()
        await self._pace.turn(exchange.call.route, metering=exchange.call.meters)
        async with self._slots:
            run.check(exchange.call)
            if self.limit is not None:
                self.limit.add(exchange.call)
            run.count += 1
            if exchange.call.on_sent is not None:
                exchange.call.on_sent(asyncio.get_running_loop().time())
            answer = await self._observed(exchange, asked_at)
        if answer.status == 429:
            await self._pace.refused()
        try:
            decoded = read(exchange, answer, shape)
        except (NotFoundError, PermissionDeniedError) as error:
            if self._has_arrived(exchange.call):
                raise
            raise TryAgain(
                error, attempts=MANY_ATTEMPTS, at_least_seconds=ARRIVAL_PAUSE_SECONDS, steady=True
            ) from error
        self._arriving.pop(exchange.call.ids.get("project_id", ""), None)
        if stated := moment(answer):
            self.clock.set(stated)
        return decoded

    async def _observed(self, exchange: Exchange, asked_at: float) -> Answer:
        """The exchange, of which the observer learns how it ended."""
        if self._observer is None:
            return await self._exchange(exchange)
        loop = asyncio.get_running_loop()
        sent_at, status = loop.time(), None
        try:
            answer = await self._exchange(exchange)
            status = answer.status
        finally:
            seconds = loop.time() - sent_at
            call, request_id, number = exchange.call, exchange.request_id, next(exchange.numbers)
            self._observer.attempted(Attempt(call, request_id, number, status, sent_at - asked_at, seconds))
        return answer

    def _tell_pause(self, exchange: Exchange, run: RunCalls, waiting: NextAttempt) -> None:
        again = waiting.after
        status = again.error.status if isinstance(again.error, ApiError) else None
        pause = Pause(
            exchange.call,
            exchange.request_id,
            waiting.attempts,
            status,
            waiting.seconds,
            why=str(again.error),
            patience_seconds=waiting.patience_seconds,
            attempts_left=None if again.attempts >= MANY_ATTEMPTS else again.attempts - waiting.attempts,
            expected=again.steady,
        )
        if run.on_pause is not None:
            run.on_pause(pause)
        if self._observer is not None:
            self._observer.paused(pause)

    def _has_arrived(self, call: Call) -> bool:
        """False if the project of the call was just transferred and no call has found it since."""
        until = self._arriving.get(call.ids.get("project_id", ""))
        return until is None or asyncio.get_running_loop().time() >= until

    async def _exchange(self, exchange: Exchange) -> Answer:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._path.transport.handle_async_request(self._request(exchange))
                body = await _body(response)
        except NOTHING_SENT as error:
            failure = connection_failure(error, self._host, self._path, known=self._answered)
            raise unreachable(exchange, failure.why, failure.hint, permanent=failure.permanent) from error
        except TimeoutError as error:
            raise lost(exchange, f"no response within {CALL_SECONDS:.0f} s", proxy_hint(self._path)) from error
        except httpx.RequestError as error:
            raise lost(exchange, f"the connection broke: {_reason(error)}", proxy_hint(self._path)) from error
        except TooLargeError as error:
            raise unreadable(exchange, error) from error
        self._answered = True
        log.debug("%s -> %d, request %s", exchange.call.route, response.status_code, exchange.request_id)
        return Answer(response.status_code, response.headers, body)

    def _request(self, exchange: Exchange) -> httpx.Request:
        """The request, for the transport itself: a client would add cookies, redirects and a second look at the
        URL.
        """
        call = exchange.call
        headers = {**HEADERS, "X-Request-ID": exchange.request_id}
        content = None if call.body is None else msgspec.json.encode(call.body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        query = f"?{httpx.QueryParams(dict(call.query))}" if call.query else ""
        url = f"{self._base}{call.path}{query}"
        request = httpx.Request(call.method, url, content=content, headers=headers, extensions=EXTENSIONS)
        request.headers["Authorization"] = f"Bearer {exchange.key.secret.reveal()}"  # not kept in a variable
        return request

    def _new_request_id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _wait_seconds(self, last: TryAgain, attempts: int) -> float:
        """Retry-After plus full jitter, so that calls that failed together are not retried together."""
        if last.steady:
            return last.at_least_seconds
        ceiling = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(attempts, 10))
        return last.at_least_seconds + self._random.uniform(0, ceiling)


async def _body(response: httpx.Response) -> bytes:
    """The whole body. Raises TooLargeError if it is larger than ``MAX_ANSWER_BYTES``."""
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise TooLargeError(f"it is larger than {MAX_ANSWER_BYTES >> 20} MiB")
    finally:
        await response.aclose()
    return bytes(body)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _checked(host: str) -> httpx.URL:
    """The base URL: https, or http to this machine only. Messages repeat no part of it."""
    try:
        return httpx.URL(read_api_address(host))
    except (ValueError, httpx.InvalidURL) as error:
        message = str(error) if isinstance(error, ValueError) else "it is not a URL"
        raise InvalidInputError(f"the address of the API cannot be used: {message}", hint=EXAMPLE) from None
