"""The error tree, with the exit code of each class, and the precedence of exit codes."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """The exit codes of the process. Published: never renumbered."""

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
"""If several exit codes apply to a run, the first of these is used."""


def weightiest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code of a run to which all of ``codes`` apply; DONE if there are none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.DONE)


class ReconcilerError(Exception):
    """Any error that a user can cause or meet. ``str()`` is one clear sentence; ``hint`` is the remedy."""

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInputError(ReconcilerError):
    """User input (files, flags, stdin) is invalid."""

    exit_code = ExitCode.INVALID


class MissingPackageError(InvalidInputError):
    """A file or a flag needs an extra that is not installed: the same command cannot succeed later by itself."""


class RepositoryError(InvalidInputError):
    """A git repository, or something that was looked up in it, does not exist or cannot be used."""


class OutputError(ReconcilerError):
    """The output of a run could not be written, to stdout or a file; the calls before that were made."""


class NotDeliveredError(ReconcilerError):
    """A notice reached no service at its address; everything else was done."""


class MachineError(ReconcilerError):
    """This machine lacks something that a run needs: a file, a folder, a descriptor, memory."""


class StaleFilesError(ReconcilerError):
    """The files are not the newest ones, and the caller required that."""

    exit_code = ExitCode.REFUSED


class SupersededError(StaleFilesError):
    """The files were the newest ones of their branch, which has moved on since."""


class RenamedFleetError(ReconcilerError):
    """The files rename a fleet that has projects."""

    exit_code = ExitCode.REFUSED


class CallLimitError(ReconcilerError):
    """The command needs more calls than its caller permits."""

    exit_code = ExitCode.REFUSED


class UntrustedFilesError(ReconcilerError):
    """The files send keys to a place that only the files name; raised before a key is read."""

    exit_code = ExitCode.REFUSED


class InterruptedRunError(ReconcilerError):
    """A second signal ended the run immediately."""

    exit_code = ExitCode.INTERRUPTED


class IncompleteViewError(ReconcilerError):
    """The live view lacks something that the run needs."""

    exit_code = ExitCode.INCOMPLETE_VIEW


class MissingKeyError(ReconcilerError):
    """An API key or organization id is referenced, but its environment variable is not set."""

    exit_code = ExitCode.DENIED


class MalformedKeyError(ReconcilerError):
    """The value of an environment variable cannot be the API key or the organization id that it should contain."""

    exit_code = ExitCode.DENIED


class WrongPersonalKeyError(ReconcilerError):
    """The key for transfers does not belong to a person, or to one who is not in all the organizations."""

    exit_code = ExitCode.DENIED


class WrongOrganizationError(ReconcilerError):
    """The responses come from another organization than the one in the files."""

    exit_code = ExitCode.DENIED


class ForeignProjectError(WrongOrganizationError):
    """A project requested by id is in an organization that the files do not name."""

    def __init__(self, message: str, *, hint: str | None = None, organization_id: str = "") -> None:
        super().__init__(message, hint=hint)
        self.organization_id = organization_id


class UnreachableError(ReconcilerError):
    """No response: the host cannot be reached, or the connection broke before a read was answered."""


class NotSentError(ReconcilerError):
    """A write was still queued when the run was asked to end."""

    exit_code = ExitCode.INTERRUPTED


class UnknownOutcomeError(ReconcilerError):
    """A write was sent and its response was lost: it may or may not have been carried out."""

    request_id: str | None = None
    """The ``X-Request-ID`` of the call, if the sender chose it."""


class UnexpectedAnswerError(ReconcilerError):
    """The API returned a response that does not match its documentation."""


class ApiError(ReconcilerError):
    """The API rejected a call. ``status`` is the HTTP status, ``code`` Neon's own (often empty)."""

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
    """403: the key has no permission."""

    exit_code = ExitCode.DENIED


class NotFoundError(ApiError):
    """404: unknown, or not visible to this key."""


class ConflictError(ApiError):
    """409: the name is taken."""


class LockedError(ApiError):
    """423: other operations on the project did not end in time."""


class RateLimitedError(ApiError):
    """429, still after all retries."""


class UnavailableError(ApiError):
    """A 5xx response to a read, or to a call that is known not to have been carried out."""


class TransferRefusedError(ApiError):
    """400, 406, 412 or 422 to a transfer.

    ``culprits`` are the project ids in the response, ``limits`` the destination's limits in Neon's words; either
    may be empty. ``legible`` is False if no body could be read, which may have named some.
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
    """An operation failed, or did not end in time."""


class MovedProjectError(ReconcilerError):
    """A project has left its organization while a run worked on it: somebody moved it or deleted it."""

    request_id: str | None = None
    """The id of the call that did not find it there."""


class NotTakenError(ReconcilerError):
    """A write succeeded, but the response shows another value than the requested one."""


class LostRaceError(ReconcilerError):
    """Another run created the same project or read replica first; this run deletes its own."""


class UncheckedCreateError(ReconcilerError):
    """A project or a read replica was created, but the check for a second one failed."""


class NoConnectionStringError(ReconcilerError):
    """A requested connection string does not exist, or could not be read after its project was created."""


class NoOwnProjectError(ReconcilerError):
    """A command on one tenant: the tenant has no project, or it is not certain which project is its own."""


class DumpError(ReconcilerError):
    """A database could not be dumped before its project is deleted: the project stays."""


class RegistryError(ReconcilerError):
    """The tenant registry cannot be used, or holds another value than the one written."""


class MissingRegistryPackageError(MissingPackageError, RegistryError):
    """The registry cannot be used without an extra that is not installed."""


class PolicyError(ReconcilerError):
    """The policies of the fleet cannot be evaluated: then nothing is planned."""


class MissingPolicyPackageError(MissingPackageError, PolicyError):
    """Policies cannot be evaluated without an extra that is not installed."""


class ClaimedError(ReconcilerError):
    """The tenant is claimed in the registry, or already has its project: this run does not create it."""


class LeasedError(ReconcilerError):
    """Another run applies the fleet, or a part of it that this run covers: nothing was written."""


class NotAdvancedError(ReconcilerError):
    """What was applied could not be recorded as the base of the next run."""


class JournalError(ReconcilerError):
    """The journal cannot be written; without it nothing else is written."""


SET_UP: tuple[type[ReconcilerError], ...] = (
    MissingKeyError,
    MalformedKeyError,
    WrongPersonalKeyError,
    WrongOrganizationError,
    AuthenticationError,
    PermissionDeniedError,
    UnreachableError,
    RepositoryError,
)
"""Errors whose cause may be the set-up: keys, organizations, the network, git. ``doctor`` examines it."""
