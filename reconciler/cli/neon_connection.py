"""The connection of a command to Neon: with the keys that trusted files name, and to the permitted host.

While calls are repeated, stderr says why, and until when: a run that waits for Neon does not look stuck.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from reconciler.cli.runtime import runtime
from reconciler.desired.destinations import destinations
from reconciler.desired.tier import EnvReference
from reconciler.fleet import Fleet
from reconciler.neon.trust import chosen_host
from reconciler.views.console import WARNING, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from reconciler.cli.flags import AccountFlags
    from reconciler.desired.state import DesiredState
    from reconciler.neon.call import Attempt, CallLimit, CallObserver, Pause


SECONDS_BEFORE: Final = 3.0
"""How long a call fails before it is told: most succeed at the second attempt."""
SECONDS_BETWEEN: Final = 10.0
"""Between two messages, however many calls fail."""


def warn(sentence: str) -> None:
    """Tells what is wrong with a connection that goes on."""
    say(sentence, level=WARNING)


def connection_of(
    account: AccountFlags,
    desired: DesiredState,
    trusted: DesiredState | None,
    *,
    share: float,
    observer: CallObserver | None,
    limit: CallLimit | None,
    tell: Callable[[str], None] = warn,
) -> tuple[AbstractAsyncContextManager[Fleet], str]:
    """A connection to Neon that is not open yet, and its host. ``trusted``: the price list at the base."""
    around = runtime()
    around.forget(one.value.name for one in destinations(desired) if isinstance(one.value, EnvReference))
    host = chosen_host(desired, around.environ, account.api_host)
    connection = Fleet.connect(
        desired,
        environ=around.environ,
        host=host,
        base=trusted,
        share=share,
        observer=RepeatedCalls(observer),
        limit=limit,
        tell=tell,
    )
    return connection, host


class RepeatedCalls(Struct):
    """Sees all calls of a connection, and passes them on."""

    beyond: CallObserver | None = None
    clock: Callable[[], float] = time.monotonic
    _told_at: float | None = None
    _failing: dict[str, float] = field(default_factory=dict)
    """By request id: for how many seconds a call has failed, pauses included."""

    def attempted(self, attempt: Attempt) -> None:
        """A request has ended."""
        if attempt.status is not None and attempt.status < HTTPStatus.BAD_REQUEST:
            self._failing.pop(attempt.request_id, None)
        else:
            self._failing[attempt.request_id] = self._failing.get(attempt.request_id, 0.0) + attempt.seconds
        if self.beyond is not None:
            self.beyond.attempted(attempt)

    def paused(self, pause: Pause) -> None:
        """A call was not carried out, and is sent again later."""
        seconds = self._failing.get(pause.request_id, 0.0) + pause.seconds
        self._failing[pause.request_id] = seconds
        if seconds >= SECONDS_BEFORE and not pause.expected and self._may_tell():
            _tell(pause)
        if self.beyond is not None:
            self.beyond.paused(pause)

    def _may_tell(self) -> bool:
        now = self.clock()
        if self._told_at is not None and now - self._told_at < SECONDS_BETWEEN:
            return False
        self._told_at = now
        return True


def _tell(pause: Pause) -> None:
    from reconciler.views.sentences import duration  # noqa: PLC0415 - most runs tell nothing

    patience = f"{duration(pause.patience_seconds)} of such pauses"
    end = patience if pause.attempts_left is None else f"{pause.attempts_left} more attempts"
    say(
        f"{pause.why}; the call is sent again in {duration(pause.seconds)}, and given up after {end}",
        level=WARNING,
        request_id=pause.request_id,
        status=pause.status,
        attempt=pause.attempt,
        next_in_seconds=round(pause.seconds, 1),
    )
