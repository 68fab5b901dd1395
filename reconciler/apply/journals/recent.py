"""Whether a journal is old, without reading all of it: a log folder keeps the journals of years."""

from __future__ import annotations

import json
from datetime import datetime
from typing import IO, TYPE_CHECKING, Final

from reconciler.model.moments import utc

if TYPE_CHECKING:
    from collections.abc import Sequence

_END_BYTES: Final = 2**13
"""How much is read at each end; most lines are shorter than 1 KiB."""


def ends_before(file: IO[bytes], since: datetime) -> bool:
    """Whether the first and the last line of the file are older. Leaves the file at its start.

    Runs append lines, so those between are older too; whoever joins journals to one file may put a new one first.
    The time of the file says less: a copy may have been given any. False where either line cannot be read.
    """
    first = _lines(file.read(_END_BYTES))[:1]
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_BYTES))
    last = _lines(file.read(_END_BYTES))[-1:]
    file.seek(0)
    moments = [_moment(line) for line in (*first, *last)]
    return len(moments) == 2 and all(at is not None and at < since for at in moments)


def _lines(data: bytes) -> Sequence[bytes]:
    """The lines that end in it. The first may begin before it."""
    return data.split(b"\n")[:-1]


def _moment(line: bytes) -> datetime | None:
    try:
        return utc(datetime.fromisoformat(json.loads(line)["at"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
