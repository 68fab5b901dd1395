"""What a project's computes and users consume between two moments, and where a quota stops it. Pure.

Neon meters per calendar month. A project that has reached one of its quotas is suspended until the month
ends or the quota is raised (Neon: guides/consumption-limits); a branch that has reached its logical size
only stops growing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NEVER: Final = 1e12
"""Later than any simulation."""
NEARLY: Final = 1e-6
"""Amounts closer than this to a quota have reached it: a float may stop short of where it was sent."""
HOUR_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Workload:
    """What the users of a project do all the time, as an even flow through its default branch."""

    active_share: float = 0.0
    """The part of the time that the compute runs, from 0 to 1."""
    cu: float = 0.25
    """Its size while it does."""
    written_bytes_per_hour: float = 0.0
    transferred_bytes_per_hour: float = 0.0
    growth_bytes_per_hour: float = 0.0
    """Of the branch's logical size."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What was consumed, in the units of a quota."""

    active_time_seconds: float = 0.0
    compute_time_seconds: float = 0.0
    """Of one compute unit."""
    written_data_bytes: float = 0.0
    data_transfer_bytes: float = 0.0

    def plus(self, rates: Amounts, seconds: float = 1.0) -> Amounts:
        """More, by ``rates`` a second."""
        return Amounts(*(a + b * seconds for a, b in zip(_values(self), _values(rates), strict=True)))

    def reached(self, quota: Amounts) -> str | None:
        """The first of the amounts that has reached its quota; 0 is no quota."""
        pairs = zip(MEMBERS, _values(self), _values(quota), strict=True)
        return next((member for member, amount, limit in pairs if limit and amount >= limit - NEARLY), None)

    def seconds_until(self, quota: Amounts, rates: Amounts) -> float:
        """When the first of the amounts reaches its quota at ``rates`` a second."""
        triples = zip(_values(self), _values(quota), _values(rates), strict=True)
        return min(((limit - amount) / rate for amount, limit, rate in triples if limit and rate), default=NEVER)


MEMBERS: Final = ("active_time_seconds", "compute_time_seconds", "written_data_bytes", "data_transfer_bytes")


def amounts_by_name(amounts: Amounts) -> dict[str, float]:
    """Each amount by its name."""
    return dict(zip(MEMBERS, _values(amounts), strict=True))


def _values(amounts: Amounts) -> tuple[float, float, float, float]:
    return (
        amounts.active_time_seconds,
        amounts.compute_time_seconds,
        amounts.written_data_bytes,
        amounts.data_transfer_bytes,
    )


NOTHING: Final = Amounts()


@dataclass(frozen=True, slots=True)
class Run:
    """A compute of a branch that runs until a moment."""

    branch_id: str
    cu: float
    until: float


@dataclass(frozen=True, slots=True)
class Meter:
    """A project at one moment: what it has consumed this month, and all that decides how it goes on."""

    at: float
    used: Amounts
    branch_id: str
    """The default branch, which the workload goes through."""
    logical_size_bytes: float = 0.0
    """Of that branch."""
    byte_hours: float = 0.0
    """Its size over the hours of this month."""
    quota: Amounts = NOTHING
    size_limit_bytes: float = 0.0
    """0 is none."""
    workload: Workload = field(default_factory=Workload)
    runs: Sequence[Run] = ()
    last_active_at: float | None = None
    stopped_at: float | None = None
    """When a quota suspended the computes that were running."""

    @property
    def exceeded(self) -> str | None:
        """The quota that keeps the project suspended; None if none does."""
        return self.used.reached(self.quota)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one branch consumed, evenly, between two moments."""

    branch_id: str
    start: float
    end: float
    amounts: Amounts


@lru_cache(maxsize=64)
def month_of(moment: float) -> tuple[float, float]:
    """Start and end of the billing period of a moment, in seconds since 1970."""
    start = datetime.fromtimestamp(moment, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start.timestamp(), end.timestamp()


def advanced(meter: Meter, now: float) -> tuple[Meter, list[Piece]]:
    """The meter at a later moment, and what was consumed until then."""
    pieces: list[Piece] = []
    meter = _stopped(meter)
    while meter.at < now:
        end, rates = _next_stop(meter, now)
        seconds = end - meter.at
        pieces += (
            Piece(branch_id, meter.at, end, NOTHING.plus(rate, seconds))
            for branch_id, rate in rates.items()
            if rate != NOTHING
        )
        meter = _moved(meter, end, _total(rates))
    return meter, pieces


def _next_stop(meter: Meter, now: float) -> tuple[float, Mapping[str, Amounts]]:
    """Until when nothing changes, and what each branch consumes a second until then."""
    stops = [now, month_of(meter.at)[1]]
    if meter.exceeded:
        return min(stops), {}
    rates = _rates(meter)
    stops.append(meter.at + max(meter.used.seconds_until(meter.quota, _total(rates)), NEARLY))
    stops += (run.until for run in meter.runs if run.until > meter.at)
    growth = _growth(meter)
    if meter.size_limit_bytes and growth:
        stops.append(meter.at + max((meter.size_limit_bytes - meter.logical_size_bytes) / growth, NEARLY))
    return min(stops), rates


def _growth(meter: Meter) -> float:
    """Bytes a second by which the default branch grows."""
    return 0.0 if _full(meter) or meter.exceeded else meter.workload.growth_bytes_per_hour / HOUR_SECONDS


def _full(meter: Meter) -> bool:
    return bool(meter.size_limit_bytes) and meter.logical_size_bytes >= meter.size_limit_bytes - NEARLY


def _rates(meter: Meter) -> dict[str, Amounts]:
    rates = {meter.branch_id: _rate_of_workload(meter)}
    for run in meter.runs:
        if run.until > meter.at:
            rates[run.branch_id] = rates.get(run.branch_id, NOTHING).plus(Amounts(1.0, run.cu))
    return rates


def _rate_of_workload(meter: Meter) -> Amounts:
    """A compute that runs anyway is not counted twice, and a branch that is full is not written to."""
    load = meter.workload
    runs_anyway = any(run.branch_id == meter.branch_id and run.until > meter.at for run in meter.runs)
    share = 0.0 if runs_anyway else load.active_share
    written = 0.0 if _full(meter) else load.written_bytes_per_hour / HOUR_SECONDS
    return Amounts(share, share * load.cu, written, load.transferred_bytes_per_hour / HOUR_SECONDS)


def _total(rates: Mapping[str, Amounts]) -> Amounts:
    total = NOTHING
    for rate in rates.values():
        total = total.plus(rate)
    return total


def _moved(meter: Meter, end: float, rates: Amounts) -> Meter:
    seconds = end - meter.at
    size = meter.logical_size_bytes + _growth(meter) * seconds
    moved = replace(
        meter,
        at=end,
        used=meter.used.plus(rates, seconds),
        logical_size_bytes=size,
        byte_hours=meter.byte_hours + (meter.logical_size_bytes + size) / 2 * seconds / HOUR_SECONDS,
        last_active_at=end if rates.active_time_seconds else meter.last_active_at,
    )
    if end == month_of(meter.at)[1]:
        return replace(_stopped(moved), used=NOTHING, byte_hours=0.0)
    return _stopped(moved)


def _stopped(meter: Meter) -> Meter:
    """A quota that is reached suspends what runs; a new month starts none of it again."""
    return replace(meter, runs=(), stopped_at=meter.at) if meter.runs and meter.exceeded else meter


def within(pieces: Sequence[Piece], start: float, end: float) -> Iterator[tuple[Piece, float]]:
    """The pieces that touch a span of time, each with the part of it that lies within."""
    for piece in pieces:
        length = piece.end - piece.start
        if length <= 0:
            share = 1.0 if start <= piece.start < end else 0.0
        else:
            share = max(0.0, min(piece.end, end) - max(piece.start, start)) / length
        if share:
            yield piece, share
