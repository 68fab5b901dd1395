"""Calls of a forge's REST API: what is tried again, and what its answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from reconciler.errors import ReconcilerError
from reconciler.neon.http import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.secret import Secret

T = TypeVar("T")

PER_PAGE: Final = 100
_MOST_PAGES: Final = 50
"""Maximum number of pages to search: beyond them, a pull request gets a second comment of this program."""
_ATTEMPTS: Final = 4
_SECONDS: Final = 30


class ForgeError(ReconcilerError):
    """The forge did not carry out the call; the fleet is not affected."""


class _AgainError(Exception):
    """The answer was lost, or says that a later attempt may succeed."""


class Written(Struct, frozen=True):
    """What was written, and where it can be read."""

    url: str
    created: bool
    """False: something that existed was changed."""


class Calls(Struct, frozen=True):
    """The API of one repository or project, with a token for it."""

    forge: str
    """The name of the forge in messages."""
    root: str
    header: str
    token: Secret
    """The value of that header."""
    wait: Callable[[float], None]
    permissions: str
    """What the token needs."""
    headers: dict[str, str] = {}

    def persist(self, once: Callable[[], T]) -> T:
        """Repeat the search and the write if an answer was lost: the marker shows what the lost call wrote."""
        attempts = Retrying(
            retry=retry_if_exception_type(_AgainError),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential_jitter(1, 20),
            sleep=self.wait,
        )
        try:
            return attempts(once)
        except RetryError as error:
            cause = error.last_attempt.exception()
            raise ForgeError(f"{self.forge}: {cause}", hint="run the step again") from cause

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Everything in a list, page by page."""
        for page in range(1, _MOST_PAGES + 1):
            found = self.call("GET", path, query={**query, "per_page": str(PER_PAGE), "page": str(page)})
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise ForgeError(f"{self.forge} answered GET {path} with something that is not a list of objects")
            yield from found
            if len(found) < PER_PAGE:
                return

    def call(
        self, method: str, path: str, query: dict[str, str] | None = None, *, absent: bool = False, **body: Any
    ) -> Any:
        """The JSON of the answer. ``absent`` says that 404 is an answer too: None.

        Raises ForgeError if the forge refuses, and only within ``persist``, another error to try again.
        """
        try:
            answer = httpx.request(
                method,
                f"{self.root}{path}",
                params=query,
                json=body or None,
                headers={self.header: self.token.reveal(), **self.headers},
                timeout=_SECONDS,
                follow_redirects=False,
            )
        except httpx.HTTPError as error:
            raise _AgainError(f"{method} {path}: {type(error).__name__}") from error
        if absent and answer.status_code == 404:
            return None
        content = self._content(answer, f"{method} {path}")
        if not isinstance(content, (dict, list)):
            raise ForgeError(f"{self.forge} answered {method} {path} with neither an object nor a list")
        return content

    def _content(self, answer: httpx.Response, call: str) -> Any:
        """The JSON of an answer. GitHub: 403 and 429 with ``retry-after`` are its secondary rate limits."""
        if answer.status_code >= 500 or "retry-after" in answer.headers:
            raise _AgainError(f"{call} was answered with {answer.status_code}")
        if answer.status_code in {401, 403, 404}:
            raise ForgeError(f"{self.forge} refuses {call} ({answer.status_code})", hint=self.permissions)
        if not answer.is_success:
            raise ForgeError(f"{self.forge} answered {call} with {answer.status_code}")
        try:
            return answer.json()
        except ValueError as error:
            raise ForgeError(f"{self.forge} answered {call} with something that is not JSON") from error


def written(url: object, *, created: bool) -> Written:
    """What was written; an answer without an address is no failure."""
    return Written(url if isinstance(url, str) else "", created)
