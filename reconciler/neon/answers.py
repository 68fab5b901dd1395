"""Converts a response to a decoded body, to an error, or to another attempt."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from reconciler.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    LockedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ReconcilerError,
    TransferRefusedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnknownOutcomeError,
    UnreachableError,
)
from reconciler.secret import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.neon.call import Call
    from reconciler.neon.credentials import Key
    from reconciler.secret import Secret

T = TypeVar("T")

NOT_CARRIED_OUT: Final = frozenset({423, 429, 503})
"""Neon: safe to retry, whatever the method is."""
OUTCOME_UNKNOWN: Final = frozenset({408, 500, 502, 504, *range(520, 528), 530})
"""Statuses after which Neon may have executed the write. A proxy in front of the API sends 520 and above."""

FEW_ATTEMPTS: Final = 4
"""The number of attempts if it is not known that waiting helps."""
MANY_ATTEMPTS: Final = 1_000
"""The number of attempts if only the total wait is limited."""
LIMIT_WORDS: Final = ("limit", "maximum", "minimum", "exceed", "not allowed")
"""Words in a message that an organization's limit is exceeded."""
QUOTED_CHARACTERS: Final = 300
YEARS: Final = range(2000, 9000)
"""The valid years of a date in a header. Arithmetic with the first and last dates of the calendar fails."""


class TooLargeError(Exception):
    """A response is larger than any response of the API. ``str()`` names the limit."""


class TryAgain(Exception):  # noqa: N818
    """Ends an attempt that may be repeated. After the last attempt, ``error`` is raised.

    ``steady``: the pause is always ``at_least_seconds``, because few calls wait for the same.
    """

    def __init__(
        self, error: ReconcilerError, *, attempts: int, at_least_seconds: float = 0.0, steady: bool = False
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.attempts = attempts
        self.at_least_seconds = at_least_seconds
        self.steady = steady


class Exchange(Struct, frozen=True):
    """A call with its key, its request id, and the secrets that no message may show."""

    call: Call
    key: Key
    request_id: str
    secrets: tuple[Secret, ...] = ()
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Numbers the attempts."""

    def failed(self, why: str) -> str:
        """The message of an error."""
        sentence = f"could not {self.call.purpose}: {why} (request {self.request_id})"
        return redact(sentence, self.key.secret, *self.secrets)


class Answer(Struct, frozen=True):
    """A response; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read(exchange: Exchange, answer: Answer, shape: type[T]) -> T:
    """Decodes the body of a successful response to ``shape``. Raises the error of other responses, or TryAgain."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(exchange, answer)
    body = b"{}" if answer.status == HTTPStatus.NO_CONTENT else answer.body
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(exchange, error) from error


def moment(answer: Answer) -> datetime | None:
    """The time of the response by the API's clock. None if the response has no date."""
    return _date(answer.headers.get("date", ""))


def unreadable(exchange: Exchange, error: Exception) -> Exception:
    """The error for a body that cannot be decoded. A read is retried if the body may be incomplete."""
    if not exchange.call.reads:
        return lost(exchange, f"Neon accepted the request, but the response cannot be read: {error}")
    unexpected = UnexpectedAnswerError(
        exchange.failed(f"the response does not have the documented form: {error}"),
        hint="check the host (--api-host), and whether a proxy answered instead of the API",
    )
    final = isinstance(error, (msgspec.ValidationError, TooLargeError))
    return unexpected if final else TryAgain(unexpected, attempts=FEW_ATTEMPTS)


def lost(exchange: Exchange, why: str, hint: str | None = None) -> Exception:
    """The error for a call that was sent and has no response. A read is retried. A write is not."""
    if exchange.call.reads:
        return TryAgain(UnreachableError(exchange.failed(why), hint=hint), attempts=FEW_ATTEMPTS)
    hint = "it may or may not have been carried out; run again: the next run reads the live state and decides"
    return UnknownOutcomeError(exchange.failed(why), hint=hint)


def unreachable(exchange: Exchange, why: str, hint: str, *, permanent: bool) -> Exception:
    """The error for a failed connection. Nothing was sent, so every call is retried unless ``permanent``."""
    error = UnreachableError(exchange.failed(why), hint=hint)
    return error if permanent else TryAgain(error, attempts=FEW_ATTEMPTS)


def _refusal(exchange: Exchange, answer: Answer) -> Exception:
    status = answer.status
    if status in NOT_CARRIED_OUT:
        attempts = FEW_ATTEMPTS if status == HTTPStatus.LOCKED and exchange.call.brief_lock_wait else MANY_ATTEMPTS
        return TryAgain(_error(exchange, answer), attempts=attempts, at_least_seconds=_retry_after_seconds(answer))
    if status in OUTCOME_UNKNOWN:
        if not exchange.call.reads:
            return lost(exchange, _described(answer))
        return TryAgain(
            _error(exchange, answer), attempts=FEW_ATTEMPTS, at_least_seconds=_retry_after_seconds(answer)
        )
    if status < HTTPStatus.BAD_REQUEST:
        hint = "redirects are not followed: set the address of the API itself (--api-host)"
        return UnexpectedAnswerError(exchange.failed(_described(answer)), hint=hint)
    if exchange.call.transfers and status in (400, 406, 412, 422):
        return _transfer_refusal(exchange, answer)
    return _error(exchange, answer)


ERRORS: Final[Mapping[int, type[ApiError]]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    423: LockedError,
    429: RateLimitedError,
}


DENYING: Final = frozenset({401, 403, 404})
"""Statuses whose hint is about the key. If a proxy answered, the key is not the cause."""


def _error(exchange: Exchange, answer: Answer) -> ApiError:
    transient = answer.status in NOT_CARRIED_OUT | OUTCOME_UNKNOWN
    kind = ERRORS.get(answer.status, UnavailableError if transient else ApiError)
    return kind(
        exchange.failed(_described(answer)),
        status=answer.status,
        code=_text(_json(answer).get("code")),
        request_id=exchange.request_id,
        hint=_hint(exchange, answer),
    )


def _hint(exchange: Exchange, answer: Answer) -> str | None:
    hint = _hint_of_the_api(exchange, answer)
    if not _is_not_from_the_api(answer) or answer.status not in DENYING:
        return hint
    return f"a proxy or a firewall may have answered instead of the API; if not, {hint}"


def _hint_of_the_api(exchange: Exchange, answer: Answer) -> str | None:
    variable = f"${exchange.key.variable}"
    if answer.status == 403 and exchange.call.transfers:
        needed = "a transfer needs a personal API key of an admin of both organizations"
        return f"{needed}; the key in {variable} was used"
    if answer.status == 422 and "LIMIT_EXCEEDED" in _text(_json(answer).get("code")):
        return "a limit of the organization is reached: delete something, or ask Neon to raise the limit"
    seconds = _retry_after_seconds(answer)
    return {
        401: f"the key is unknown to the API: check {variable}",
        403: f"the key in {variable} does not have permission for this call",
        404: f"it does not exist, or the key in {variable} has no access to it",
        423: "other operations have locked one of the projects: run again later"
        if exchange.call.transfers
        else "other operations have locked the project: run again later",
        429: f"the API asks to wait {seconds:.0f} s"
        if seconds
        else "other programs use the rate limit of this account too",
        503: f"the API asks to wait {seconds:.0f} s" if seconds else "the API is unavailable: run again later",
    }.get(answer.status)


def _transfer_refusal(exchange: Exchange, answer: Answer) -> TransferRefusedError:
    """Neon: the response to a refused transfer has ``limits`` (406) or ``projects`` with integrations (422).

    Other refusals have only a message (400, 412, 422), which may also name a limit.
    """
    body = _json(answer)
    limits = [
        f"{limit.get('name')} is {limit.get('actual')}, expected {limit.get('expected')}"
        for limit in _objects(body.get("limits"))
    ]
    blocked = {
        project["id"]: _text(project.get("integration"))
        for project in _objects(body.get("projects"))
        if isinstance(project.get("id"), str)
    }
    integrations = [f"{project} is connected to {integration}" for project, integration in blocked.items()]
    return TransferRefusedError(
        exchange.failed("; ".join([*limits, *integrations]) or _described(answer)),
        status=answer.status,
        culprits=tuple(blocked),
        limits=tuple(limits) or _limits_in(body),
        legible=bool(body),
        request_id=exchange.request_id,
        hint="remove the integration in the console first" if blocked else _hint(exchange, answer),
    )


def _limits_in(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The message, if it is about a limit."""
    message = _text(body.get("message"))
    return (message,) if any(word in message.lower() for word in LIMIT_WORDS) else ()


def _described(answer: Answer) -> str:
    """The status, and Neon's message if there is one."""
    name = f"{answer.status} {_phrase(answer.status)}".strip()
    if location := answer.headers.get("location"):
        return f"the response is {name}, to {location}"
    message = _text(_json(answer).get("message"))
    if message:
        return f"Neon answers {name}: {message}"
    return f"the response is {name}, " + ("and not JSON" if _is_not_from_the_api(answer) else "without a message")


def _is_not_from_the_api(answer: Answer) -> bool:
    """Whether the body is not JSON, such as a web page of a proxy."""
    body = answer.body.strip()
    return bool(body) and not body.startswith(b"{")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _json(answer: Answer) -> dict[str, Any]:
    """The body of an error if it is a JSON object, otherwise an empty object: HTML and empty bodies occur."""
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value[:QUOTED_CHARACTERS].strip() if isinstance(value, str) else ""


def _retry_after_seconds(answer: Answer) -> float:
    """``Retry-After`` in seconds. A date counts from the ``Date`` of the response. 0 without the header."""
    stated = answer.headers.get("retry-after", "").strip()
    if stated.isascii() and stated.isdigit():
        return float(stated)
    until, now = _date(stated), moment(answer)
    now = now or datetime.now(UTC)  # noqa: TID251 - a response without a date
    return max(0.0, (until - now).total_seconds()) if until else 0.0


@lru_cache(maxsize=1)
def _date(text: str) -> datetime | None:
    """The time that a header states: the responses of one second state the same."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.year not in YEARS:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
