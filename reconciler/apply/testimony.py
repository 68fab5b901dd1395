"""What the journals of other runs tell of them: whether they are dead, and which projects they called a tenant's.

A journal proves a death only where it is the very file that its run wrote, on this machine, since its last start,
and where no process holds it. A copy proves nothing that would let a project go; what it says of projects that the
run kept is believed.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

from reconciler.apply.journal_file import identity, is_held
from reconciler.live.runs import Fate, Life

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

LONGEST_LINE_BYTES: Final = 2**24
SAID: Final = "a person says so (--run-is-dead)"


@dataclass(slots=True)
class _Record:
    """What one file says of one run."""

    path: Path
    original: bool
    held: bool
    whole: bool = True
    """Whether every line could be read."""
    kept: set[str] = field(default_factory=set)


def fates(runs: Collection[str], journals: Sequence[Path], said_dead: Collection[str]) -> dict[str, Fate]:
    """What is known of these runs. ``journals`` are files and folders to look in. ``said_dead`` are runs that a
    person calls dead: that is believed unless a process still holds their journal.
    """
    if not runs:
        return {}
    records: dict[str, list[_Record]] = {run: [] for run in runs}
    for path in _files(journals, runs):
        for run, record in _read(path, runs).items():
            records[run].append(record)
    return {run: _fate(found, said=run in said_dead) for run, found in records.items()}


def _fate(records: Sequence[_Record], *, said: bool) -> Fate:
    originals = [record for record in records if record.original and record.whole]
    kept = frozenset(project for record in records for project in record.kept)
    known = kept if originals or kept else None
    if held := [record for record in records if record.held]:
        return Fate(Life.AT_WORK, f"a process holds its journal {held[0].path}", known)
    if originals:
        return Fate(Life.DEAD, f"no process holds its journal {originals[0].path}", known)
    return Fate(Life.DEAD, SAID, known) if said else Fate(kept=known)


def _files(journals: Iterable[Path], runs: Collection[str]) -> Iterator[Path]:
    """Of a folder only what is named after one of the runs, as it is in the log folder."""
    for path in journals:
        if path.is_dir():
            yield from (path / f"{run}.jsonl" for run in runs)
        else:
            yield path


def _read(path: Path, runs: Collection[str]) -> dict[str, _Record]:
    """What the file says of these runs; nothing where it is no regular file, or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return {}
    with suppress(OSError), open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _testimony(path, file, runs)
    return {}


def _testimony(path: Path, file: IO[bytes], runs: Collection[str]) -> dict[str, _Record]:
    held, own = is_held(file.fileno()), identity(file.fileno())
    records: dict[str, _Record] = {}
    for line in _lines(file):
        run = line.get("run")
        if line.get("line") == "run" and isinstance(run, str) and run in runs:
            original = bool(own) and line.get("file") == own
            records.setdefault(run, _Record(path, original, held and original))
        elif line.get("line") == "kept" and run in records:
            records[run].kept.add(str(line.get("project_id")))
        elif not line:
            for record in records.values():
                record.whole = False
    return records


def _lines(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Every line; an empty one for what is none. A last one without its end is left out: its run died on it."""
    while text := file.readline(LONGEST_LINE_BYTES):
        if not text.endswith(b"\n") and len(text) < LONGEST_LINE_BYTES:
            return
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = {}
        yield line if isinstance(line, dict) else {}
