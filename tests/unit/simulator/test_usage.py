"""What a project consumes, and where a quota stops it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.metering.usage import (
    NEVER,
    NOTHING,
    Amounts,
    Meter,
    Run,
    Workload,
    advanced,
    month_of,
    within,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
JANUARY = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
HOUR = 3600.0
IDLE = Meter(NOON, NOTHING, "br-main")
BUSY = replace(IDLE, workload=Workload(0.5, 2, written_bytes_per_hour=100, transferred_bytes_per_hour=10))


def test_the_billing_period_is_the_month_in_utc() -> None:
    assert month_of(NOON) == (datetime(2026, 11, 1, tzinfo=UTC).timestamp(), DECEMBER)
    assert month_of(DECEMBER) == (DECEMBER, JANUARY)


def test_a_project_that_nobody_uses_consumes_nothing() -> None:
    meter, pieces = advanced(IDLE, NOON + 100 * HOUR)
    assert (meter.used, pieces, meter.last_active_at) == (NOTHING, [], None)


def test_a_workload_consumes_evenly() -> None:
    meter, pieces = advanced(BUSY, NOON + 10 * HOUR)
    assert meter.used == Amounts(5 * HOUR, 10 * HOUR, 1000, 100)
    assert [(piece.branch_id, piece.start, piece.end) for piece in pieces] == [("br-main", NOON, NOON + 10 * HOUR)]
    assert meter.last_active_at == NOON + 10 * HOUR


def test_each_compute_that_runs_counts_until_it_suspends() -> None:
    runs = (Run("br-main", 1, NOON + 300), Run("br-dev", 0.25, NOON + 600), Run("br-dev", 4, NOON - 1))
    meter, pieces = advanced(replace(IDLE, runs=runs), NOON + HOUR)
    assert meter.used == Amounts(900, 450)
    assert {(piece.branch_id, piece.end - piece.start) for piece in pieces} == {("br-main", 300), ("br-dev", 300)}
    assert sum(p.amounts.active_time_seconds for p in pieces if p.branch_id == "br-dev") == 600


def test_a_compute_that_runs_anyway_is_not_counted_twice_for_the_workload() -> None:
    meter, _ = advanced(replace(BUSY, runs=(Run("br-main", 1, NEVER),)), NOON + HOUR)
    assert meter.used == Amounts(HOUR, HOUR, 100, 10)


@pytest.mark.parametrize(
    ("quota", "reached", "hours"),
    [
        (Amounts(active_time_seconds=2 * HOUR), "active_time_seconds", 4),
        (Amounts(compute_time_seconds=2 * HOUR), "compute_time_seconds", 2),
        (Amounts(written_data_bytes=300), "written_data_bytes", 3),
        (Amounts(data_transfer_bytes=50), "data_transfer_bytes", 5),
        (NOTHING, None, 100),
    ],
)
def test_a_quota_that_is_reached_stops_everything_and_0_is_no_quota(
    quota: Amounts, reached: str | None, hours: float
) -> None:
    meter, _ = advanced(replace(BUSY, quota=quota), NOON + 100 * HOUR)
    assert meter.exceeded == reached
    assert meter.used.written_data_bytes == pytest.approx(100 * hours)
    assert meter.last_active_at == pytest.approx(NOON + hours * HOUR)


def test_a_quota_suspends_the_computes_that_run_and_the_next_month_does_not_start_them_again() -> None:
    running = replace(IDLE, runs=(Run("br-main", 1, NEVER),), quota=Amounts(active_time_seconds=HOUR))
    meter, _ = advanced(running, DECEMBER + HOUR)
    assert (meter.stopped_at, meter.runs, meter.used) == (NOON + HOUR, (), NOTHING)


def test_a_quota_below_what_is_used_suspends_at_once() -> None:
    running = replace(IDLE, used=Amounts(10), runs=(Run("br-main", 1, NEVER),), quota=Amounts(5))
    meter, pieces = advanced(running, NOON + HOUR)
    assert (meter.stopped_at, meter.used, pieces) == (NOON, Amounts(10), [])


def test_a_new_month_counts_from_nothing_and_the_workload_goes_on() -> None:
    meter, _ = advanced(replace(BUSY, quota=Amounts(active_time_seconds=HOUR)), DECEMBER + HOUR)
    assert meter.used == Amounts(HOUR / 2, HOUR, 100, 10)
    assert meter.exceeded is None


def test_a_branch_grows_to_its_logical_size_and_is_written_to_no_more() -> None:
    growing = replace(BUSY, logical_size_bytes=1000, size_limit_bytes=1500)
    growing = replace(growing, workload=replace(growing.workload, growth_bytes_per_hour=100))
    meter, _ = advanced(growing, NOON + 10 * HOUR)
    assert meter.logical_size_bytes == pytest.approx(1500)
    assert meter.used.written_data_bytes == pytest.approx(500)
    assert meter.used.data_transfer_bytes == pytest.approx(100)
    assert meter.exceeded is None


def test_stored_bytes_are_counted_by_the_hour() -> None:
    growing = replace(IDLE, logical_size_bytes=100, workload=Workload(growth_bytes_per_hour=10))
    assert advanced(growing, NOON + 2 * HOUR)[0].byte_hours == pytest.approx(220)


def test_a_piece_is_shared_out_by_time_and_a_jump_belongs_to_its_moment() -> None:
    _, pieces = advanced(BUSY, NOON + 10 * HOUR)
    assert [share for _, share in within(pieces, NOON + HOUR, NOON + 2 * HOUR)] == [pytest.approx(0.1)]
    jump = replace(pieces[0], end=NOON)
    assert [share for _, share in within([jump], NOON, NOON + 1)] == [1.0]
    assert not list(within([jump], NOON + 1, NOON + 2))


amounts = st.floats(0, 1e6)
quotas = st.sampled_from([0.0, 1e3, 1e5])
workloads = st.builds(Workload, st.floats(0, 1), st.sampled_from([0.25, 2.0]), amounts, amounts, amounts)
runs = st.lists(
    st.builds(Run, st.sampled_from(["br-main", "br-dev"]), st.just(1.0), st.floats(NOON - 10, DECEMBER + 1e5)),
    max_size=3,
)
meters = st.builds(
    Meter,
    st.just(NOON),
    st.builds(Amounts, amounts, amounts, amounts, amounts),
    st.just("br-main"),
    amounts,
    quota=st.builds(Amounts, quotas, quotas, quotas, quotas),
    size_limit_bytes=quotas,
    workload=workloads,
    runs=runs,
)


@given(meters, st.lists(st.floats(0, 30 * 86_400), min_size=1, max_size=5))
def test_it_does_not_matter_when_somebody_looks(meter: Meter, steps: list[float]) -> None:
    moments = sorted(NOON + step for step in steps)
    at_once, pieces = advanced(meter, moments[-1])
    looked_at, seen = meter, []
    for moment in moments:
        looked_at, more = advanced(looked_at, moment)
        seen += more
    assert looked_at.exceeded == at_once.exceeded
    assert looked_at.used.active_time_seconds == pytest.approx(at_once.used.active_time_seconds, abs=0.1)
    assert looked_at.logical_size_bytes == pytest.approx(at_once.logical_size_bytes, abs=0.1)
    for end in (moments[-1], DECEMBER):
        sums = [
            sum(p.amounts.written_data_bytes * s for p, s in within(each, NOON, end)) for each in (pieces, seen)
        ]
        assert sums[0] == pytest.approx(sums[1], abs=0.1)


@given(meters, st.floats(0, 60 * 86_400))
def test_no_quota_is_ever_overrun_unless_it_was_at_the_start(meter: Meter, seconds: float) -> None:
    end, _ = advanced(meter, NOON + seconds)
    pairs = [
        (end.used.active_time_seconds, meter.quota.active_time_seconds, meter.used.active_time_seconds),
        (end.used.written_data_bytes, meter.quota.written_data_bytes, meter.used.written_data_bytes),
        (end.logical_size_bytes, meter.size_limit_bytes, meter.logical_size_bytes),
    ]
    assert all(amount <= max(limit, start) + 0.1 for amount, limit, start in pairs if limit)
