"""The journal of a run: one line before each write and one after it, flushed to disk before the call is sent."""

from __future__ import annotations

import getpass
import json
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from reconciler.apply.journals.dead_runs import FORMAT_VERSION, file_identity, hold_lock
from reconciler.errors import JournalError, NotSentError, ReconcilerError, UnknownOutcomeError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from reconciler.apply.stop import StopSignal
    from reconciler.model.values import Json, Value
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.outcome import Deletion

T = TypeVar("T")

OWNER_ONLY: Final = 0o600
GROUP_AND_OTHERS: Final = 0o077


class Header(Struct, frozen=True):
    """The first line of a run: who ran it, and on which files."""

    run: str
    fleet: str
    actor: str
    """The user, or the person behind a CI job."""
    commit: str | None
    """The git commit of the files; None outside a repository."""
    version: str
    """The version of this program."""
    started_at: datetime


class Intent(Struct, frozen=True, kw_only=True):
    """A write that is about to be sent."""

    kind: str
    """The kind of the action."""
    tenants: tuple[str, ...]
    organization: str
    project_ids: tuple[str, ...] = ()
    reason: str = ""
    changes: tuple[FieldChange, ...] = ()
    object: Mapping[str, str] = {}
    """Names and ids of what it changes below or beside the project (``named``)."""
    quotas_at_risk: tuple[str, ...] = ()
    """Those of the projects that have a quota, which Neon may remove with the transfer."""


NAMED: Final = (
    *("branch", "branch_id", "replica", "endpoint_id", "snapshot", "snapshot_id"),
    *("role", "database", "project_id", "destination"),
)


def named(action: Action) -> dict[str, str]:
    """Return the names and ids of the object of an action, by the members of the action that hold them."""
    members = ((name, getattr(action, name, None)) for name in NAMED)
    return {name: value for name, value in members if isinstance(value, str)}


class Journal:
    """An append-only file of JSON lines, readable by its owner only. It never contains a key or a password.

    An intent line is on disk before its call is sent: an intent without an outcome is a call during which the run
    died.
    """

    def __init__(self, descriptor: int, path: Path, now: Callable[[], datetime]) -> None:
        self._descriptor = descriptor
        self.path = path
        self._now = now

    @classmethod
    def open(cls, path: Path, header: Header, now: Callable[[], datetime]) -> Self:
        """Opens the file for appending, and creates it and its folder where needed. Raises JournalError.

        Removes the permissions of group and others. The file is locked until the journal is closed, so that other
        runs can tell whether this run is alive.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = regular_files.open_to_write(path, append=True, mode=OWNER_ONLY)
            _prepare(descriptor)
        except OSError as error:
            raise _unwritable(path, error) from error
        except UnreadableError as error:
            raise JournalError(f"the journal {path} {error}", hint=regular_files.REMEDY) from error
        journal = cls(descriptor, path, now)
        started_at = header.started_at.isoformat()
        file = file_identity(descriptor)
        journal._append(
            "run", {"format_version": FORMAT_VERSION, **asdict(header), "started_at": started_at, "file": file}
        )
        return journal

    def intend(self, request_id: str, intent: Intent) -> None:
        """Writes the intent to disk. Raises JournalError: the call must then not be sent."""
        self._append(
            "intent",
            {
                "request_id": request_id,
                "kind": intent.kind,
                "tenants": list(intent.tenants),
                "organization": intent.organization,
                "project_ids": list(intent.project_ids),
                "reason": intent.reason,
                "changes": [_change(change) for change in intent.changes],
                "object": dict(intent.object),
                "quotas_at_risk": list(intent.quotas_at_risk),
            },
        )

    def wave(self, run: str, number: int, tenants: Iterable[str]) -> None:
        """Records which tenants a wave has, before it starts. Raises JournalError."""
        self._append("wave", {"run": run, "number": number, "tenants": list(tenants)})

    def conclude(self, request_id: str, result: str, message: str) -> None:
        """Writes the outcome of a call: applied, failed, unknown or not sent. Raises JournalError."""
        self._append("outcome", {"request_id": request_id, "result": result, "message": message})

    def look(self, run: str, number: int, harmed: Sequence[str], *, harmful: bool) -> None:
        """Records that a wave was looked at, and which tenants of it are worse off. Raises JournalError."""
        fields: dict[str, Json] = {"run": run, "number": number, "harmed": list(harmed), "harmful": harmful}
        self._append("look", fields)

    def keep(self, run: str, tenant: str, project_id: str) -> None:
        """Records that the project is the tenant's, before its string is returned. Raises JournalError."""
        self._append("kept", {"run": run, "tenant": tenant, "project_id": project_id})

    def has_quota(self, run: str, project_id: str) -> None:
        """Records that the project still has its quota after a transfer. Raises JournalError."""
        self._append("quota", {"run": run, "project_id": project_id})

    def deleted(self, action: Action, organization: str, name: str, deletion: Deletion) -> None:
        """Writes the record of a deleted project, for a register of erasures. Raises JournalError."""
        self._append(
            "deletion",
            {
                "request_id": deletion.request_id,
                "tenant": action.tenant,
                "project_id": deletion.project_id,
                "name": name,
                "organization": organization,
                "reason": action.reason,
                "deleted_at": deletion.at.isoformat(),
                "recoverable_until": deletion.recoverable_until.isoformat(),
                "dump": deletion.dump,
            },
        )

    def end(self, run: str, stopped: str | None) -> None:
        """Writes the last line of a run that was not killed."""
        self._append("end", {"run": run, "stopped": stopped})

    def close(self) -> None:
        """Closes the file. Closing it again has no effect."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, line: str, fields: dict[str, Json]) -> None:
        text = json.dumps({"line": line, "at": self._now().isoformat(), **fields}) + "\n"
        try:
            _write_whole(self._descriptor, text.encode())
            os.fsync(self._descriptor)
        except OSError as error:
            raise _unwritable(self.path, error) from error


class Writes:
    """Sends the writes of a run, each between its two journal lines.

    A request id is the id of the run and a number, so that a line of Neon's logs can be traced to the run.
    """

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
        describe: Callable[[T], str] = lambda _answer: "",
    ) -> T:
        """Makes the call with a new request id. Raises what the call raises, or JournalError before the call.

        ``describe`` returns what the journal says of the answer.
        """
        self._sent += 1
        request_id = f"{self._run}-{self._sent}"
        with self._stopped_by_failure():
            self._journal.intend(request_id, intent)
        try:
            answer = await call(request_id)
        except UnknownOutcomeError as error:
            error.request_id = request_id
            self._conclude(request_id, "unknown", str(error))
            raise
        except ReconcilerError as error:
            self._conclude(request_id, "not sent" if isinstance(error, NotSentError) else "failed", str(error))
            raise
        self._conclude(request_id, "applied", describe(answer))
        return answer

    def found(self, lost: UnknownOutcomeError, message: str) -> None:
        """Records that a call whose answer was lost was carried out."""
        if lost.request_id is not None:
            self._conclude(lost.request_id, "applied", message)

    def not_carried_out(self, lost: UnknownOutcomeError, message: str) -> None:
        """Records that a call whose answer was lost was not carried out."""
        if lost.request_id is not None:
            self._conclude(lost.request_id, "failed", message)

    def wave(self, number: int, tenants: Iterable[str]) -> None:
        """Records which tenants a wave has. If that fails, nothing more is sent."""
        with suppress(JournalError), self._stopped_by_failure():
            self._journal.wave(self._run, number, tenants)

    def look(self, run: str, number: int, harmed: Sequence[str], *, harmful: bool) -> None:
        """Records that a wave was looked at. If that fails, nothing more is sent."""
        with suppress(JournalError), self._stopped_by_failure():
            self._journal.look(run, number, harmed, harmful=harmful)

    def keep(self, tenant: str, project_id: str) -> None:
        """Records that the new project is the tenant's. Raises JournalError: then it must not be returned."""
        with self._stopped_by_failure():
            self._journal.keep(self._run, tenant, project_id)

    def has_quota(self, project_id: str) -> None:
        """Records that the project still has its quota after a transfer. If that fails, nothing more is sent."""
        with suppress(JournalError), self._stopped_by_failure():
            self._journal.has_quota(self._run, project_id)

    def deleted(self, action: Action, organization: str, name: str, deletion: Deletion) -> None:
        """Writes the record of a deleted project. If that fails, nothing more is sent."""
        with suppress(JournalError), self._stopped_by_failure():
            self._journal.deleted(action, organization, name, deletion)

    def end(self) -> None:
        """Records that the run ended, and what stopped it early."""
        with suppress(JournalError):  # the run writes nothing after this line
            self._journal.end(self._run, self._stop.reason)

    def _conclude(self, request_id: str, result: str, message: str) -> None:
        """Writes the outcome line. If that fails, nothing more is sent."""
        with suppress(JournalError), self._stopped_by_failure():
            self._journal.conclude(request_id, result, message)

    @contextmanager
    def _stopped_by_failure(self) -> Iterator[None]:
        """Ends the run if the journal cannot be written."""
        try:
            yield
        except JournalError as error:
            self._stop.request(str(error), error.exit_code)
            raise


def _prepare(descriptor: int) -> None:
    """Sets permissions and takes the lock, of a regular file only: not of a terminal, a pipe or /dev/null."""
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        return
    try:
        if mode & GROUP_AND_OTHERS:
            os.fchmod(descriptor, stat.S_IMODE(mode) & ~GROUP_AND_OTHERS)
        hold_lock(descriptor)
    except OSError:
        os.close(descriptor)
        raise


def _write_whole(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _change(change: FieldChange) -> dict[str, Json]:
    return {"path": change.path, "before": _plain(change.before), "after": _plain(change.after)}


def _plain(value: Value) -> Json:
    return value.value if isinstance(value, JsonText) else value


def _unwritable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"the journal {path} cannot be written: {error.strerror or error}",
        hint="nothing is changed without a journal: name another file (--journal FILE), or free disk space",
    )


def actor() -> str:
    """The person behind a CI job where the job names one, else the user."""
    for variable in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR"):
        if name := os.environ.get(variable):
            return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
