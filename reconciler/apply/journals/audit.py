"""Reads the writes of earlier runs from their journals."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from math import isfinite
from typing import IO, TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.apply.journals.dead_runs import is_known, json_lines
from reconciler.apply.journals.recent import ends_before
from reconciler.model.moments import rfc3339, utc
from reconciler.model.record import Audit, RecordedChange, RecordedWrite
from reconciler.model.values import JsonText, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from reconciler.live.registered import RegisteredTenant, RegisteredTenants
    from reconciler.model.values import Value

SUFFIX: Final = ".jsonl"
CLAIM: Final = "claim_tenant"
"""The kind of a write that only a row of the registry shows."""
NO_JOURNAL: Final = "a row of the registry; the journal of the run is not here"
INTERRUPTED: Final = "interrupted"


class WriteFilter(Struct, frozen=True):
    """Which writes are wanted."""

    tenants: tuple[str, ...] = ()
    """Globs; empty for all tenants."""
    since: datetime | None = None
    fleet: str | None = None
    run: str | None = None
    wave: int | None = None

    def part_of(self, write: RecordedWrite) -> RecordedWrite | None:
        """The write, if it is of the run, the wave and one of the tenants, and not older.

        Of a call that tenants share, such as a transfer, it has only the tenants that are wanted.
        """
        if self.since is not None and write.at < self.since:
            return None
        if self.run not in (None, write.run) or self.wave not in (None, write.wave):
            return None
        if not self.tenants:
            return write
        places = [place for place, name in enumerate(write.tenants) if self._names(name)]
        tenants = tuple(write.tenants[place] for place in places)
        ids = tuple(write.project_ids[place] for place in places if place < len(write.project_ids))
        return replace(write, tenants=tenants, project_ids=ids) if tenants else None

    def _names(self, tenant: str) -> bool:
        return any(fnmatchcase(tenant, glob) for glob in self.tenants)


@dataclass(slots=True)
class _File:
    """What was read from one journal so far. A file may contain several runs, also concurrent ones."""

    wanted: WriteFilter
    headers: dict[str, dict[str, Any]] = field(default_factory=dict)
    open: dict[str, dict[str, Any]] = field(default_factory=dict)
    waves: dict[tuple[str, str], int] = field(default_factory=dict)
    """The wave of each tenant, by run and name."""
    writes: list[RecordedWrite] = field(default_factory=list)
    complete: bool = True

    def line(self, entry: dict[str, Any]) -> None:
        match entry.get("line"):
            case "run":
                self.headers[str(entry.get("run"))] = entry
                self.complete = self.complete and is_known(entry)
            case "wave":
                self.wave(entry)
            case "intent":
                self.open[str(entry.get("request_id"))] = entry
            case "outcome":
                intent = self.open.pop(str(entry.get("request_id")), None)
                if intent is not None:
                    self.conclude(intent, str(entry.get("result")), str(entry.get("message", "")))
            case None:
                self.complete = False

    def wave(self, entry: dict[str, Any]) -> None:
        number, tenants = entry.get("number"), entry.get("tenants")
        if not isinstance(number, int) or not isinstance(tenants, list):
            self.complete = False
            return
        self.waves |= {(str(entry.get("run")), str(name)): number for name in tenants}

    def conclude(self, intent: dict[str, Any], result: str, message: str) -> None:
        try:
            write = _write(intent, self.headers, result, message)
            write = replace(write, wave=self.waves.get((write.run, write.tenants[0])) if write.tenants else None)
        except (KeyError, TypeError, ValueError):
            self.complete = False
        else:
            if self.wanted.fleet in (None, self.headers.get(write.run, {}).get("fleet")):
                part = self.wanted.part_of(write)
                self.writes += [] if part is None else [part]


def audit(journals: Sequence[Path], wanted: WriteFilter) -> Audit:
    """Return the wanted writes of these files, and of all journals below these folders. A copy counts once."""
    found: dict[tuple[str, str], RecordedWrite] = {}
    unreadable, count = set(), 0
    for path in _files(journals):
        read = _read(path, wanted)
        if read is None or not read.complete:
            unreadable.add(str(path))
        if read is not None and read.headers:
            count += 1
            for write in read.writes:
                known = found.get((write.run, write.request_id))
                if known is None or known.result == INTERRUPTED:
                    found[write.run, write.request_id] = write
    ordered = sorted(found.values(), key=lambda write: (write.at, write.run, write.request_id))
    return Audit(tuple(ordered), count, tuple(sorted(unreadable)))


def later_writes(journals: Sequence[Path], fleet: str, run: str, own: Sequence[RecordedWrite]) -> Audit:
    """Return the writes of other runs of the fleet since the first one of a run."""
    if not own:
        return Audit((), 0)
    found = audit(journals, WriteFilter(fleet=fleet, since=own[0].at))
    return replace(found, writes=tuple(write for write in found.writes if write.run != run))


def with_rows(found: Audit, registered: RegisteredTenants, wanted: WriteFilter) -> Audit:
    """Return the writes, with the claims that rows of the registry show of runs without a journal."""
    if wanted.fleet not in (None, registered.fleet):
        return found
    journaled = {(write.run, name) for write in found.writes for name in write.tenants}
    rows = (_claim(row) for row in registered.tenants if (row.claimed_by, row.tenant) not in journaled)
    claims = [part for row in rows if (part := wanted.part_of(row)) is not None]
    ordered = sorted([*found.writes, *claims], key=lambda write: (write.at, write.run, write.request_id))
    return replace(found, writes=tuple(ordered))


def _claim(row: RegisteredTenant) -> RecordedWrite:
    stated = (("tier", row.tier), ("state", row.state.value))
    return RecordedWrite(
        at=row.claimed_at,
        run=row.claimed_by,
        request_id="",
        actor="unknown",
        commit=None,
        kind=CLAIM,
        tenants=(row.tenant,),
        organization=row.organization or "",
        project_ids=() if row.project_id is None else (row.project_id,),
        reason=NO_JOURNAL,
        changes=tuple(RecordedChange(path, None, value) for path, value in stated if value is not None),
        result="applied",
        message=f"row changed {rfc3339(row.updated_at)}",
    )


def journal_lines(journals: Sequence[Path], since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Yield the lines of these files, and of all journals below these folders, as far as they can be read.

    Journals that end before ``since`` are left out; the others are read from their start.
    """
    for path in _files(journals):
        with suppress(OSError), _opened(path) as file:
            if since is None or not ends_before(file, since):
                yield from json_lines(file)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file. Raises OSError if it is not a regular file, or cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a regular file")
        yield file


def _files(journals: Iterable[Path]) -> Iterator[Path]:
    for path in journals:
        if path.is_dir():
            yield from sorted(path.glob(f"**/*{SUFFIX}"))
        else:
            yield path


def _read(path: Path, wanted: WriteFilter) -> _File | None:
    """None if it is not a regular file, or cannot be read."""
    with suppress(OSError), _opened(path) as file:
        return _read_file(file, wanted)
    return None


def _read_file(file: IO[bytes], wanted: WriteFilter) -> _File:
    read = _File(wanted)
    for line in json_lines(file):
        read.line(line)
    for intent in read.open.values():
        read.conclude(intent, INTERRUPTED, "the run ended during the call")
    return read


def _write(intent: dict[str, Any], headers: dict[str, dict[str, Any]], result: str, message: str) -> RecordedWrite:
    """Raises KeyError, TypeError or ValueError for a line that no run writes."""
    request_id = str(intent["request_id"])
    run = request_id.rpartition("-")[0]
    header = headers.get(run, {})
    commit = header.get("commit")
    return RecordedWrite(
        at=utc(datetime.fromisoformat(intent["at"])),
        run=run,
        request_id=request_id,
        actor=str(header.get("actor", "unknown")),
        commit=None if commit is None else str(commit),
        kind=str(intent["kind"]),
        tenants=tuple(map(str, intent["tenants"])),
        organization=str(intent["organization"]),
        project_ids=tuple(map(str, intent["project_ids"])),
        reason=str(intent["reason"]),
        changes=tuple(map(_change, intent["changes"])),
        result=result,
        message=message,
        object=_object(intent.get("object")),
    )


def _object(value: Any) -> dict[str, str] | None:
    return None if value is None else {str(name): str(value) for name, value in dict(value).items()}


def _change(value: dict[str, Any]) -> RecordedChange:
    return RecordedChange(str(value["path"]), _value(value["before"]), _value(value["after"]))


def _value(value: Any) -> Value:
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("not a value of a field")
    return JsonText.of(value) if isinstance(value, dict | list) else value
