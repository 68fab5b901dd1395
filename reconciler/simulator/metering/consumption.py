"""The consumption history of projects and branches: what the meters have stored, by hour, day or month.

What is stored (bytes over hours) follows from the branches and snapshots that there are and were, at their
present size; what flows (compute, transfer, writes) follows from the meters.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.simulator.clock import timestamp
from reconciler.simulator.metering import meters
from reconciler.simulator.metering.usage import HOUR_SECONDS, Amounts, Piece, month_of, within
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.simulator.shapes import Document

DAY_SECONDS: Final = 86_400
EARLIEST: Final = datetime(2024, 3, 1, tzinfo=UTC).timestamp()
"""Neon knows of nothing before."""


class Granularity(Enum):
    """How long each frame is."""

    HOURLY = "hourly"
    DAILY = "daily"
    MONTHLY = "monthly"


REACH_SECONDS: Final = {
    Granularity.HOURLY: 168 * HOUR_SECONDS,
    Granularity.DAILY: 60 * DAY_SECONDS,
    Granularity.MONTHLY: 366 * DAY_SECONDS,
}
"""How far back each granularity goes."""

Frame = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stock:
    """Bytes that are stored from one moment to another."""

    start: float
    end: float
    size_bytes: float
    root: bool = False

    def hours(self, frame: Frame) -> float:
        """How long of a frame they are there."""
        return max(0.0, min(self.end, frame[1]) - max(self.start, frame[0])) / HOUR_SECONDS


@dataclass(frozen=True, slots=True)
class History:
    """All that is known of one project, or of one of its branches."""

    pieces: Sequence[Piece]
    branches: Sequence[Stock]
    snapshots: Sequence[Stock] = ()
    restore_window_seconds: float = 0.0

    def consumed(self, frame: Frame) -> Amounts:
        """What flowed in a frame."""
        total = Amounts()
        for piece, share in within(self.pieces, *frame):
            total = total.plus(piece.amounts, share)
        return total

    def byte_hours(self, frame: Frame, *, root: bool) -> float:
        """What the root branches, or the others, held in a frame."""
        return sum(each.size_bytes * each.hours(frame) for each in self.branches if each.root is root)

    def restore_byte_hours(self, frame: Frame) -> float:
        """What was written lately enough to be restored."""
        kept = (
            Stock(middle, middle + self.restore_window_seconds, piece.amounts.written_data_bytes)
            for piece in self.pieces
            for middle in [(piece.start + piece.end) / 2]
        )
        return sum(each.size_bytes * each.hours(frame) for each in kept)

    def size_at_end(self, frame: Frame) -> float:
        """The bytes of all branches when a frame ends."""
        return sum(each.size_bytes for each in self.branches if each.start < frame[1] <= each.end)


Metric: TypeAlias = "Callable[[History, Frame], float]"

BRANCH_METRICS: Final[Mapping[str, Metric]] = {
    "compute_unit_seconds": lambda history, frame: history.consumed(frame).compute_time_seconds,
    "root_branch_bytes_month": lambda history, frame: history.byte_hours(frame, root=True),
    "child_branch_bytes_month": lambda history, frame: history.byte_hours(frame, root=False),
    "instant_restore_bytes_month": lambda history, frame: history.restore_byte_hours(frame),
    "public_network_transfer_bytes": lambda history, frame: history.consumed(frame).data_transfer_bytes,
    "private_network_transfer_bytes": lambda history, frame: 0.0,  # noqa: ARG005 - nobody has a private network
}
"""What ``v2/branches`` knows. Neon calls byte-hours ``bytes_month``."""
PROJECT_METRICS: Final[Mapping[str, Metric]] = {
    **BRANCH_METRICS,
    "extra_branches_month": lambda history, frame: sum(
        each.hours(frame) for each in history.branches if not each.root
    ),
    "snapshot_storage_bytes_month": lambda history, frame: sum(
        each.size_bytes * each.hours(frame) for each in history.snapshots
    ),
}
"""What ``v2/projects`` knows."""
LEGACY_METRICS: Final[Mapping[str, Metric]] = {
    "active_time_seconds": lambda history, frame: history.consumed(frame).active_time_seconds,
    "compute_time_seconds": lambda history, frame: history.consumed(frame).compute_time_seconds,
    "written_data_bytes": lambda history, frame: history.consumed(frame).written_data_bytes,
    "synthetic_storage_size_bytes": lambda history, frame: history.size_at_end(frame),
    "data_storage_bytes_hour": lambda history, frame: (
        history.byte_hours(frame, root=True) + history.byte_hours(frame, root=False)
    ),
    "logical_size_bytes": lambda history, frame: history.size_at_end(frame),
    "logical_size_bytes_hour": lambda history, frame: (
        history.byte_hours(frame, root=True) + history.byte_hours(frame, root=False)
    ),
}
"""What the legacy ``projects`` knows."""
ALWAYS_SHOWN: Final = (
    "active_time_seconds",
    "compute_time_seconds",
    "written_data_bytes",
    "synthetic_storage_size_bytes",
)
"""The legacy metrics that no answer leaves out."""


def frames(start: float, end: float, granularity: Granularity, now: float) -> list[Frame]:
    """The frames of a span of time. Refuses with 406 one that the granularity does not reach."""
    first, last = rounded(start, granularity), rounded(end, granularity)
    if not EARLIEST <= first <= last <= now or first < rounded(now - REACH_SECONDS[granularity], granularity):
        raise Refusal(406, f"the range is outside the boundaries of the granularity {granularity.value}")
    moments = [first]
    while moments[-1] < last:
        moments.append(_following(moments[-1], granularity))
    return list(pairwise(moments))


def rounded(moment: float, granularity: Granularity) -> float:
    """Down to the start of its hour, day or month in UTC."""
    if granularity is Granularity.MONTHLY:
        return month_of(moment)[0]
    length = HOUR_SECONDS if granularity is Granularity.HOURLY else DAY_SECONDS
    return moment - moment % length


def _following(moment: float, granularity: Granularity) -> float:
    if granularity is Granularity.MONTHLY:
        return month_of(moment)[1]
    return moment + timedelta(hours=1 if granularity is Granularity.HOURLY else 24).total_seconds()


def of_project(store: Reading, row: sqlite3.Row, until: float) -> History:
    """The history of a project, as far as it is known at a moment."""
    body = body_of(row)
    return History(
        pieces=meters.pieces(store, row, until),
        branches=[_branch_stock(each, until) for each in _branches(store, row["id"])],
        snapshots=[_snapshot_stock(each, until) for each in _snapshots(store, row["id"])],
        restore_window_seconds=body["history_retention_seconds"],
    )


def of_branches(store: Reading, row: sqlite3.Row, until: float) -> dict[str, History]:
    """The history of each branch of a project, by its id."""
    whole = of_project(store, row, until)
    rows = _branches(store, row["id"])
    return {
        each["id"]: History(
            pieces=[piece for piece in whole.pieces if piece.branch_id == each["id"]],
            branches=[_branch_stock(each, until)],
            restore_window_seconds=whole.restore_window_seconds,
        )
        for each in rows
    }


def _branches(store: Reading, project_id: str) -> list[sqlite3.Row]:
    return store.rows("SELECT * FROM branches WHERE project_id = ? ORDER BY id", project_id)


def _branch_stock(row: sqlite3.Row, until: float) -> Stock:
    end = min(_or(row["deleted_at"], until), _or(row["expires_at"], until))
    return Stock(row["created_at"], end, body_of(row)["logical_size"], row["parent_id"] is None)


def _snapshots(store: Reading, project_id: str) -> list[sqlite3.Row]:
    return store.rows("SELECT * FROM snapshots WHERE project_id = ?", project_id)


def _snapshot_stock(row: sqlite3.Row, until: float) -> Stock:
    return Stock(row["created_at"], _or(row["expires_at"], until), row["size_bytes"])


def _or(moment: float | None, until: float) -> float:
    return until if moment is None else min(moment, until)


def periods(
    plan: str, org_id: str, spans: Sequence[Frame], frame: Callable[[Frame], Document], *, known_until: float
) -> list[Document]:
    """Frames by the billing period that they lie in; a period has its end only once it is over."""
    return [
        {**_period(plan, org_id, month, known_until), "consumption": [frame(each) for each in group]}
        for month, group in groupby(spans, key=lambda span: month_of(span[0]))
    ]


def _period(plan: str, org_id: str, month: Frame, known_until: float) -> Document:
    start, end = timestamp(month[0]), timestamp(month[1])
    period_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{org_id} {start}"))
    period = {"period_id": period_id, "period_plan": plan, "period_start": start}
    return {**period, "period_end": end} if month[1] <= known_until else period


def metric_values(history: History, frame: Frame, metrics: Mapping[str, Metric]) -> Iterator[tuple[str, int]]:
    """The value of each metric in a frame."""
    return ((name, round(metric(history, frame))) for name, metric in metrics.items())
