"""Whether other runs are dead, and which projects they kept: read from their journals.

A run keeps a lock on its journal as long as it lives; the system releases the lock when the process ends. A lock
says nothing about a copy of the file, a file from another machine, or one from before a restart. A journal
therefore states which file it is. It proves that its run is dead only if it is that very file, on this machine,
since the last start, and no process holds the lock. A copy proves no death, but the projects that it lists as kept
are believed.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from reconciler.live.state import RunState, RunStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.model.values import Json

FORMAT_VERSION: Final = 3
"""Of journals. Version 1 recorded no ``object`` and no waves, version 2 no quotas."""
LONGEST_LINE_BYTES: Final = 2**24
DECLARED_DEAD: Final = "declared with --run-is-dead"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""The id of the running kernel. The containers of a machine share it, and its locks."""
_LOCK_ATTEMPTS: Final = 200
_HELD_ATTEMPTS: Final = 5
_ATTEMPT_PAUSE_SECONDS: Final = 0.01


def hold_lock(descriptor: int) -> None:
    """Takes the lock of a running run on the file, until it is closed. Several runs may share one file.

    Where the file system has no locks, the run is never considered dead. Raises OSError if another program
    keeps the file locked; ``is_held`` locks it only for a moment.
    """
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_ATTEMPT_PAUSE_SECONDS)
        except OSError:
            return
        else:
            return
    raise BlockingIOError("another program keeps it locked")


def is_held(descriptor: int) -> bool:
    """Whether a run holds the lock on the file. Raises OSError if that cannot be determined."""
    for _ in range(_HELD_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # locked by a run, or for a moment by another call of this function
            time.sleep(_ATTEMPT_PAUSE_SECONDS)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return False
    return True


def file_identity(descriptor: int) -> dict[str, Json]:
    """Identifies the file among the files of all machines. Empty if that is impossible."""
    status = os.fstat(descriptor)
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return {}
    if not stat.S_ISREG(status.st_mode) or not boot:
        return {}
    return {"boot": boot, "device": status.st_dev, "inode": status.st_ino}


class _Record(Struct):
    """What one file says about one run."""

    path: Path
    original: bool
    held: bool
    complete: bool = True
    """Whether every line could be read."""
    kept: set[str] = field(default_factory=set)


def run_statuses(
    runs: Collection[str], journals: Sequence[Path], declared_dead: Collection[str]
) -> dict[str, RunStatus]:
    """What is known of these runs. ``journals`` are files and folders to search. ``declared_dead`` are runs that a
    person declares dead: that is believed unless a process holds the lock on their journal.
    """
    if not runs:
        return {}
    records: dict[str, list[_Record]] = {run: [] for run in runs}
    for path in _files(journals, runs):
        for run, record in _read(path, runs).items():
            records[run].append(record)
    return {run: _fate(found, declared=run in declared_dead) for run, found in records.items()}


def _fate(records: Sequence[_Record], *, declared: bool) -> RunStatus:
    originals = [record for record in records if record.original and record.complete]
    kept = frozenset(project for record in records for project in record.kept)
    known = kept if originals or kept else None
    if held := [record for record in records if record.held]:
        return RunStatus(RunState.RUNNING, f"a process holds the lock on its journal {held[0].path}", known)
    if originals:
        return RunStatus(RunState.DEAD, f"no process holds the lock on its journal {originals[0].path}", known)
    return RunStatus(RunState.DEAD, DECLARED_DEAD, known) if declared else RunStatus(kept=known)


def _files(journals: Iterable[Path], runs: Collection[str]) -> Iterator[Path]:
    """The files. In a folder only those named after one of the runs, as in the log folder."""
    for path in journals:
        if path.is_dir():
            yield from (path / f"{run}.jsonl" for run in runs)
        else:
            yield path


def _read(path: Path, runs: Collection[str]) -> dict[str, _Record]:
    """What the file says about these runs. Nothing if it is not a regular file, or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return {}
    with suppress(OSError), open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _records(path, file, runs)
    return {}


def _records(path: Path, file: IO[bytes], runs: Collection[str]) -> dict[str, _Record]:
    held, own = is_held(file.fileno()), file_identity(file.fileno())
    records: dict[str, _Record] = {}
    for line in json_lines(file):
        run = line.get("run")
        if line.get("line") == "run" and isinstance(run, str) and run in runs:
            original = bool(own) and line.get("file") == own
            records.setdefault(run, _Record(path, original, held and original, complete=is_known(line)))
        elif line.get("line") == "kept" and run in records:
            records[run].kept.add(str(line.get("project_id")))
        elif not line:
            for record in records.values():
                record.complete = False
    return records


def is_known(line: Mapping[str, Any]) -> bool:
    """Whether the first line of a run is of a known format: of a later one, something may be missed."""
    version = line.get("format_version")
    return isinstance(version, int) and version <= FORMAT_VERSION


def json_lines(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Every line; an empty one where it is not valid. Omits an incomplete last line: the run died there."""
    while text := file.readline(LONGEST_LINE_BYTES):
        if not text.endswith(b"\n") and len(text) < LONGEST_LINE_BYTES:
            return
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = {}
        yield line if isinstance(line, dict) else {}
