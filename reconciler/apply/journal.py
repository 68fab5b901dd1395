"""The journal: what a run meant to write and what became of it, line by line, on disk before each call."""

from __future__ import annotations

import getpass
import json
import os
import stat
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

from reconciler.apply.journal_file import hold, identity
from reconciler.errors import JournalError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from reconciler.model.values import Json, Value
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.outcome import Deletion

FORMAT_VERSION: Final = 1
OWNER_ONLY: Final = 0o600
OF_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class Header:
    """Who ran what: the first line of a run."""

    run: str
    fleet: str
    actor: str
    """The person or the pipeline."""
    commit: str | None
    """The git commit of the files; None outside a repository."""
    version: str
    """Of this program."""
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One call that is about to write."""

    kind: str
    """The kind of the action, or the name of a step of the create protocol."""
    tenants: tuple[str, ...]
    organization: str
    project_ids: tuple[str, ...] = ()
    reason: str = ""
    changes: tuple[FieldChange, ...] = ()


class Journal:
    """Append-only JSON lines in a file that only its owner can read. Holds no key and no password.

    An intent line reaches the disk before its call is sent: an intent without an outcome is a call
    during which the run died.
    """

    def __init__(self, descriptor: int, path: Path, now: Callable[[], datetime]) -> None:
        self._descriptor = descriptor
        self.path = path
        self._now = now

    @classmethod
    def open(cls, path: Path, header: Header, now: Callable[[], datetime]) -> Self:
        """Appends to the file, or creates it with its folder. Raises JournalError where that is impossible.

        A file that others may read is its owner's alone from then on. It is held until the journal is closed, so
        that others can tell whether the run lives.
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
        file = identity(descriptor)
        journal._append(
            "run", {"format_version": FORMAT_VERSION, **asdict(header), "started_at": started_at, "file": file}
        )
        return journal

    def intend(self, request_id: str, intent: Intent) -> None:
        """Puts on disk what is about to be sent. Raises JournalError: the call must then not be sent."""
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
            },
        )

    def conclude(self, request_id: str, result: str, message: str = "") -> None:
        """Puts down what became of a call: ``applied``, ``failed``, ``unknown`` or ``not sent``.

        Raises JournalError.
        """
        self._append("outcome", {"request_id": request_id, "result": result, "message": message})

    def keep(self, run: str, tenant: str, project_id: str) -> None:
        """That the run calls the project the tenant's own, before it tells anybody. Raises JournalError."""
        self._append("kept", {"run": run, "tenant": tenant, "project_id": project_id})

    def deleted(self, action: Action, organization: str, name: str, deletion: Deletion) -> None:
        """The record of a deleted project, as a register of erasures takes it over. Raises JournalError."""
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
            },
        )

    def end(self, stopped: str | None) -> None:
        """The last line of a run that was not killed."""
        self._append("end", {"stopped": stopped})

    def close(self) -> None:
        """Closes the file; harmless when repeated."""
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


def _prepare(descriptor: int) -> None:
    """Of a file only: a terminal, a pipe or /dev/null is not the journal's to close to others, nor to hold."""
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        return
    try:
        if mode & OF_OTHERS:
            os.fchmod(descriptor, stat.S_IMODE(mode) & ~OF_OTHERS)
        hold(descriptor)
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
        hint="nothing is changed without a journal: name another file, or free the disk",
    )


def actor() -> str:
    """Who runs this: the person behind a CI job where the job says so, else the user."""
    for variable in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR"):
        if name := os.environ.get(variable):
            return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
