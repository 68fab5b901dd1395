"""The history of a branch: the moments that it can be read at, as times and as positions in its log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.simulator.clock import seconds_of, timestamp
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.store import Transaction

LOG_BYTES_PER_SECOND: Final = 4096
"""Every simulated log grows at this rate from 1970 on, so that positions and times stand for each other."""

NO_PAST: Final = "a branch that was restored from a snapshot cannot be read at an earlier point in time"
"""Neon: guides/backup-restore, a limitation for now."""

_POSITION: Final = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


def position(seconds: float) -> str:
    """The log sequence number at a time, like ``68E/D7A00000``."""
    high, low = divmod(int(seconds) * LOG_BYTES_PER_SECOND, 2**32)
    return f"{high:X}/{low:X}"


def moment(member: str, stated: str) -> float:
    """Seconds since 1970 of a time in a request, to the second. Refuses with 400 what is none."""
    try:
        return float(int(seconds_of(stated)))
    except ValueError as error:
        raise Refusal(400, f"invalid request: {member}: {error}") from None


def since(store: Reading, branch: sqlite3.Row) -> float:
    """When the history of a branch begins: with its creation, unless a restore has cut or handed it on."""
    stored = store.value("SELECT since FROM histories WHERE branch_id = ?", branch["id"])
    beginning: float = branch["created_at"] if stored is None else stored
    return beginning


def kept_since(store: Reading, project_id: str) -> float:
    """From when on a project has kept its history: what a window had left behind is gone, however it is raised."""
    stored = store.value("SELECT since FROM raised_windows WHERE project_id = ?", project_id)
    return 0.0 if stored is None else float(stored)


def raise_window(transaction: Transaction, project_id: str, *, before_seconds: int) -> None:
    """Note that a window is longer from now on: of what was before, it holds what the shorter one did."""
    since = max(kept_since(transaction, project_id), transaction.now - before_seconds)
    transaction.execute("INSERT OR REPLACE INTO raised_windows VALUES (?, ?)", project_id, since)


def begin(transaction: Transaction, branch_id: str, moment: float) -> None:
    """Let the history of a branch begin at a moment."""
    transaction.execute("INSERT OR REPLACE INTO histories VALUES (?, ?)", branch_id, moment)


def point(
    store: Reading,
    branch: sqlite3.Row,
    window_seconds: int,
    now: float,
    *,
    stated_time: str | None,
    stated_position: str | None,
) -> float:
    """The moment of a branch that a request asks for: now, where it names none.

    Refuses with 400 one outside the restore window (Neon: the time "must fall within the restore window").
    """
    if stated_time is not None and stated_position is not None:
        raise Refusal(400, "a timestamp and an LSN cannot both be given")
    if stated_time is not None:
        seconds = moment("timestamp", stated_time)
    elif stated_position is not None:
        seconds = _seconds_of_position(stated_position)
    else:
        return now
    if "restored_from" in body_of(branch):
        raise Refusal(422, NO_PAST)
    kept = max(since(store, branch), kept_since(store, branch["project_id"]))
    earliest = max(int(kept), int(now) - window_seconds)
    if not earliest <= seconds <= now:
        within = f"{timestamp(earliest)} to {timestamp(now)}"
        raise Refusal(400, f"{stated_time or stated_position} is outside the restore window ({within})")
    return seconds


def _seconds_of_position(text: str) -> float:
    found = _POSITION.fullmatch(text)
    if found is None:
        raise Refusal(400, f"invalid request: {text!r} is no LSN")
    return float((int(found[1], 16) * 2**32 + int(found[2], 16)) // LOG_BYTES_PER_SECOND)
