"""The whole error tree, with the exit code on each class, and the order in which exit codes win."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """What the process tells the shell. Published: never renumbered."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    INVALID = 3
    DENIED = 4
    REFUSED = 5
    PARTLY_APPLIED = 6
    STALE = 7
    INTERRUPTED = 8
    INCOMPLETE_VIEW = 9


PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.DENIED,
    ExitCode.INVALID,
    ExitCode.ERROR,
    ExitCode.PARTLY_APPLIED,
    ExitCode.STALE,
    ExitCode.REFUSED,
    ExitCode.INCOMPLETE_VIEW,
    ExitCode.CHANGES,
    ExitCode.DONE,
)
"""Several things can be true of one run; the first of these that applies is the exit code."""


def weightiest(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code of a run of which all of ``codes`` are true; DONE where there are none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.DONE)


class ReconcilerError(Exception):
    """Anything a user can cause or meet. ``str()`` is one clear sentence; ``hint`` says what to do."""

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInputError(ReconcilerError):
    """What a person wrote (files, flags, stdin) cannot be used."""

    exit_code = ExitCode.INVALID


class OutputError(ReconcilerError):
    """What a run has to tell could not be written, to stdout or a file; the calls before that were made."""


class MachineError(ReconcilerError):
    """This machine does not give what a run needs: a file, a folder, a descriptor, memory."""


class StaleFilesError(ReconcilerError):
    """The files are not the newest ones, where the caller asked for these."""

    exit_code = ExitCode.REFUSED


class SupersededError(StaleFilesError):
    """The files were the newest ones of their branch, which has moved on since."""


class UntrustedFilesError(ReconcilerError):
    """The files send keys elsewhere than anybody but the files has said; raised before a key is read."""

    exit_code = ExitCode.REFUSED


class InterruptedRunError(ReconcilerError):
    """A second signal ended the run at once, whatever was under way."""

    exit_code = ExitCode.INTERRUPTED


class IncompleteViewError(ReconcilerError):
    """The live view lacks something without which nothing can be said."""

    exit_code = ExitCode.INCOMPLETE_VIEW


class MissingKeyError(ReconcilerError):
    """An API key or organization id is referenced, but its environment variable is not set."""

    exit_code = ExitCode.DENIED


class WrongPersonalKeyError(ReconcilerError):
    """The key for transfers is no person's, or is one of somebody who is not in all the organizations."""

    exit_code = ExitCode.DENIED


class WrongOrganizationError(ReconcilerError):
    """The answers come from another organization than the one that the files name."""

    exit_code = ExitCode.DENIED


class ForeignProjectError(WrongOrganizationError):
    """A project that was asked for by its id is in an organization that the files do not name."""

    def __init__(self, message: str, *, hint: str | None = None, organization_id: str = "") -> None:
        super().__init__(message, hint=hint)
        self.organization_id = organization_id


class UnreachableError(ReconcilerError):
    """No answer: the host cannot be reached, or the connection broke before a read was answered."""


class NotSentError(ReconcilerError):
    """A call that writes was still waiting for its turn when the run was asked to end."""

    exit_code = ExitCode.INTERRUPTED


class UnknownOutcomeError(ReconcilerError):
    """A write was sent and its answer was lost: it may or may not have been carried out."""

    request_id: str | None = None
    """The ``X-Request-ID`` under which it was sent, where the sender chose it."""


class UnexpectedAnswerError(ReconcilerError):
    """The API answered with something that is not its documented shape."""


class ApiError(ReconcilerError):
    """The API refused a call. ``status`` is the HTTP status, ``code`` Neon's own (often empty)."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        request_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.request_id = request_id


class AuthenticationError(ApiError):
    """401: the key is unknown."""

    exit_code = ExitCode.DENIED


class PermissionDeniedError(ApiError):
    """403: the key may not do this."""

    exit_code = ExitCode.DENIED


class NotFoundError(ApiError):
    """404: unknown, or not visible to this key."""


class ConflictError(ApiError):
    """409: the name is taken."""


class LockedError(ApiError):
    """423: other operations run on the project, and went on for longer than we waited."""


class RateLimitedError(ApiError):
    """429, still after all retries."""


class UnavailableError(ApiError):
    """A 5xx answer to a call that is known not to have been carried out, or to a read."""


class TransferRefusedError(ApiError):
    """400, 406, 412 or 422 to a transfer.

    ``culprits`` are the project ids that the answer names, ``limits`` the limits of the destination in Neon's own
    words; either may be empty. ``legible`` is False where no body could be read, which may have named some.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        culprits: tuple[str, ...] = (),
        limits: tuple[str, ...] = (),
        legible: bool = True,
        request_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id, hint=hint)
        self.culprits = culprits
        self.limits = limits
        self.legible = legible


class OperationFailedError(ReconcilerError):
    """An operation that a call had started ended without success, or did not end in time."""


class NotTakenError(ReconcilerError):
    """A write was answered as if done, but the answer shows another value than the one asked for."""


class LostRaceError(ReconcilerError):
    """Another run created the same tenant first; this run's own project was removed again."""


class UncheckedCreateError(ReconcilerError):
    """A project was created, but the look for rivals after it failed."""


class NoConnectionStringError(ReconcilerError):
    """A project was created, but its connection string, which is to be handed out, could not be read."""


class RegistryError(ReconcilerError):
    """The tenant registry does not answer, or says something else than what was to be put down."""


class ClaimedError(ReconcilerError):
    """The tenant is claimed in the registry, or has its project by now: this run does not create it."""


class LeasedError(ReconcilerError):
    """Another run applies the fleet, or a part of it that this run is about too: nothing was written."""


class NotAdvancedError(ReconcilerError):
    """What was applied could not be put down as the base of the next run."""


class JournalError(ReconcilerError):
    """The journal cannot be written, without which nothing else is written either."""
