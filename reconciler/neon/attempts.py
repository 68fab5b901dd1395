"""The attempts of a call whose first one has failed. Most calls have one attempt: only then is this imported."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenacity import AsyncRetrying, IterState, RetryCallState, retry_if_exception_type

from reconciler.neon.answers import TryAgain

if TYPE_CHECKING:
    from collections.abc import Callable

RETRIED: Final = retry_if_exception_type(TryAgain)
PATIENCE_SECONDS: Final = 90.0
"""The maximum total wait between the attempts of one call."""


class NextAttempt(NamedTuple):
    """A call that waits for its next attempt."""

    after: TryAgain
    """How the last attempt has failed."""
    attempts: int
    """How many it had."""
    seconds: float
    """How long it waits."""
    patience_seconds: float
    """How long it may wait in all from now on, this time included."""


class Attempts(AsyncRetrying):
    """The attempts of one call, in whichever thread its loop goes on: tenacity keeps what is known by thread."""

    def __init__(self, wait: Callable[[TryAgain, int], float], tell: Callable[[NextAttempt], None]) -> None:
        """``wait`` returns how long to wait after so many attempts; ``tell`` gets each wait before it begins."""
        super().__init__(
            retry=RETRIED,
            wait=lambda state: wait(_last(state), state.attempt_number),
            stop=_patience_ends,
            sleep=asyncio.sleep,
            before_sleep=lambda state: tell(_waiting(state)),
            reraise=True,
        )
        self._known: dict[str, Any] = {}
        self._state = IterState()

    def end(self) -> None:
        """Forgets what was done, which refers to these attempts: no search for garbage has to find the answer."""
        self._known.clear()
        self._state.reset()

    @property
    def statistics(self) -> dict[str, Any]:
        """What the attempts took so far."""
        return self._known

    @property
    def iter_state(self) -> IterState:
        """What tenacity does next."""
        return self._state


def _waiting(state: RetryCallState) -> NextAttempt:
    left = PATIENCE_SECONDS - (state.idle_for - state.upcoming_sleep)
    return NextAttempt(_last(state), state.attempt_number, state.upcoming_sleep, left)


def _patience_ends(state: RetryCallState) -> bool:
    enough = state.attempt_number >= _last(state).attempts
    return enough or state.idle_for + state.upcoming_sleep > PATIENCE_SECONDS


def _last(state: RetryCallState) -> TryAgain:
    error: Any = state.outcome and state.outcome.exception()
    if not isinstance(error, TryAgain):
        raise TypeError("only TryAgain is retried")
    return error
