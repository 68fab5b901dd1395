"""Calls that write, each between its two journal lines."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import JournalError, NotSentError, ReconcilerError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.apply.journal import Intent, Journal
    from reconciler.apply.stop import StopSignal
    from reconciler.plan.action import Action
    from reconciler.plan.outcome import Deletion

T = TypeVar("T")


class Writes:
    """Sends a run's calls that write. A request id is the run's id and a number, so that Neon's logs lead back."""

    def __init__(self, journal: Journal, *, run: str, stop: StopSignal) -> None:
        self._journal = journal
        self._run = run
        self._stop = stop
        self._sent = 0

    async def send(
        self,
        intent: Intent,
        call: Callable[[str], Awaitable[T]],
        *,
        tell: Callable[[T], str] = lambda _answer: "",
    ) -> T:
        """Makes the call with its request id. Raises what the call raises, or JournalError before it is made.

        ``tell`` says what of the answer is worth a word in the journal.
        """
        self._sent += 1
        request_id = f"{self._run}-{self._sent}"
        self._intend(request_id, intent)
        try:
            answer = await call(request_id)
        except UnknownOutcomeError as error:
            error.request_id = request_id
            self._conclude(request_id, "unknown", str(error))
            raise
        except ReconcilerError as error:
            self._conclude(request_id, "not sent" if isinstance(error, NotSentError) else "failed", str(error))
            raise
        self._conclude(request_id, "applied", tell(answer))
        return answer

    def found(self, lost: UnknownOutcomeError, message: str) -> None:
        """Puts down that a call whose answer was lost was carried out after all."""
        if lost.request_id is not None:
            self._conclude(lost.request_id, "applied", message)

    def not_carried_out(self, lost: UnknownOutcomeError, message: str) -> None:
        """Puts down that a call whose answer was lost was never carried out."""
        if lost.request_id is not None:
            self._conclude(lost.request_id, "failed", message)

    def keep(self, tenant: str, project_id: str) -> None:
        """Puts down that the new project is the tenant's. Raises JournalError: nobody may be told of it then."""
        try:
            self._journal.keep(self._run, tenant, project_id)
        except JournalError as error:
            self._stop.request(str(error), error.exit_code)
            raise

    def deleted(self, action: Action, organization: str, name: str, deletion: Deletion) -> None:
        """Puts down the record of a deleted project; where that fails, nothing more is sent."""
        try:
            self._journal.deleted(action, organization, name, deletion)
        except JournalError as error:
            self._stop.request(str(error), error.exit_code)

    def end(self) -> None:
        """Puts down that the run came to its end, and what stopped it before its plan did."""
        with suppress(JournalError):  # nothing is written after this line that could need it
            self._journal.end(self._stop.reason)

    def _intend(self, request_id: str, intent: Intent) -> None:
        try:
            self._journal.intend(request_id, intent)
        except JournalError as error:
            self._stop.request(str(error), error.exit_code)
            raise

    def _conclude(self, request_id: str, result: str, message: str = "") -> None:
        """What was done stays done without its line, but nothing more is sent."""
        try:
            self._journal.conclude(request_id, result, message)
        except JournalError as error:
            self._stop.request(str(error), error.exit_code)
