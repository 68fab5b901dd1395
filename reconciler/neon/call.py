"""One API call before it is sent, and the calls of one run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from reconciler.errors import CallLimitError, IncompleteViewError, NotSentError
from reconciler.model.api_limits import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.values import Json

Method: TypeAlias = Literal["GET", "POST", "PATCH", "DELETE"]

PROJECT: Final = "/projects/{project_id}"
CONSUMPTION: Final = "/consumption_history/"
"""Where the routes of the consumption history begin."""
BRANCH: Final = f"{PROJECT}/branches/{{branch_id}}"
_ID: Final = re.compile(ID_PATTERN)
_ID_NAME: Final = "_id"
MOST_PAGES: Final = 1_000
"""The maximum number of pages of one list: 400,000 projects, more than an organization may have."""


class Call(Struct, frozen=True):
    """A call. Neon limits bursts per route."""

    method: Method
    path_template: str
    """``/projects/{project_id}``, with placeholders for ``ids``."""
    purpose: str
    """Completes the sentence ``could not {purpose}``: ``create project acme``."""
    ids: Mapping[str, str] = {}
    query: Mapping[str, str | int | bool] = {}
    body: Json = None
    brief_lock_wait: bool = False
    """Whether to wait only some seconds for a lock (423), because the caller has other work."""
    on_sent: Callable[[float], None] | None = None
    """Gets the time of each attempt by the loop's clock, once it waits for its turn no longer."""

    @property
    def route(self) -> str:
        """Method and path without the ids. Neon limits bursts per route."""
        return f"{self.method} {self.path_template}"

    @property
    def path(self) -> str:
        """The path with its ids, percent-encoded: an id from a file cannot change the route."""
        return self.path_template.format_map({name: quote(value, safe="") for name, value in self.ids.items()})

    @property
    def malformed_id(self) -> str | None:
        """An id in the path that no object of Neon can have; None if there is none."""
        ids = (value for name, value in self.ids.items() if name.endswith(_ID_NAME))
        return next((value for value in ids if _ID.fullmatch(value) is None), None)

    @property
    def reads(self) -> bool:
        """Whether it is a read. A read is safe to repeat."""
        return self.method == "GET"

    @property
    def meters(self) -> bool:
        """Whether it reads the consumption history, which has a rate limit of its own (Neon)."""
        return self.path_template.startswith(CONSUMPTION)

    @property
    def transfers(self) -> bool:
        """Whether it is a transfer, which needs a personal key and has its own error bodies."""
        return self.path_template.endswith("/projects/transfer")


class Pause(Struct, frozen=True):
    """A call was not carried out, and is sent again later."""

    call: Call
    request_id: str
    attempt: int
    """The attempt that failed, counted from 1."""
    status: int | None
    """The status of the response; None if there was none."""
    seconds: float
    """Until the next attempt, at least."""
    why: str
    """The message of the error that ends the call if no later attempt succeeds."""
    patience_seconds: float
    """How long the call may still pause, this pause included, before it is given up."""
    attempts_left: int | None = None
    """How many attempts follow at the most; None if only the pauses are limited."""
    expected: bool = False
    """Whether the call waits for what takes some seconds on any day."""


class Attempt(Struct, frozen=True):
    """One request of a call, after its end."""

    call: Call
    request_id: str
    number: int
    """Counted from 1 for each call."""
    status: int | None
    """The status of the response; None if there was none."""
    waited_seconds: float
    """How long it waited for the rate limit and for a connection."""
    seconds: float
    """From the request to the end of the response, by the event loop's clock."""


class CallObserver(Protocol):
    """Sees all calls of a connection. It must return soon, and must not raise."""

    def attempted(self, attempt: Attempt) -> None:
        """A request has ended."""

    def paused(self, pause: Pause) -> None:
        """A call was not carried out, and is sent again later."""


class CallLimit:
    """How many calls a connection may make, whatever run they belong to.

    Beyond them, reads before a run raise CallLimitError. ``on_reached`` is for a run: it is called instead, to end
    the run as a signal does, and the calls that finish what has begun go ahead.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.made = 0
        self.on_reached: Callable[[], None] | None = None

    def require(self, calls: int, what: str) -> None:
        """Raises CallLimitError if so many calls, for this, are more than are left."""
        if self.on_reached is None and self.made + calls > self.most:
            raise CallLimitError(
                f"--max-calls {self.most:,}: made {self.made:,}, and {calls:,} more would be needed to {what}",
                hint="permit more calls, or select fewer tenants with --tenant, --tier or --shard",
            )

    def add(self, call: Call) -> None:
        """Counts a call that is about to be sent. Raises CallLimitError instead if it is one too many."""
        self.require(1, call.purpose)
        self.made += 1
        if self.on_reached is not None and self.made >= self.most:
            self.on_reached()


class RunCalls:
    """Counts the calls of one run, and refuses its writes once the run has ended.

    Several runs share one transport: the end of one run does not affect the others. ``may_write`` is called
    before each attempt of a write. The default, for calls outside a run, permits every write. ``on_pause`` gets
    each pause before a call is sent again.
    """

    def __init__(
        self, may_write: Callable[[], bool] = lambda: True, on_pause: Callable[[Pause], None] | None = None
    ) -> None:
        self._may_write = may_write
        self.on_pause = on_pause
        self._to_finish: set[str] = set()
        self.count = 0
        """Requests sent so far, retries included."""

    def finish_with(self, project_id: str) -> None:
        """Permits writes to this project after the end of the run, so that the run can clean up."""
        self._to_finish.add(project_id)

    def check(self, call: Call) -> None:
        """Raises NotSentError for a write of a run that has ended, perhaps while the write waited."""
        if call.reads or call.ids.get("project_id") in self._to_finish:
            return
        if not self._may_write():
            raise NotSentError(f"the run ended before it could {call.purpose}")


def unending_list(purpose: str, *, hint: str | None = None) -> IncompleteViewError:
    """The error for a list with more than ``MOST_PAGES`` pages."""
    return IncompleteViewError(f"could not {purpose}: the list did not end within {MOST_PAGES:,} pages", hint=hint)


def gap_in_list(purpose: str) -> IncompleteViewError:
    """The error for a list with an empty page before its end."""
    return IncompleteViewError(
        f"could not {purpose}: the API returned an empty page before the end of the list", hint="run again later"
    )
