"""The usage as text is one page, however many tenants are near a limit."""

from __future__ import annotations

from datetime import UTC, date, datetime

from reconciler.plan.plan import Note
from reconciler.usage.usage import OrganizationUsage, QuotaUsage, TenantUsage, Usage
from reconciler.views.console import as_text
from reconciler.views.usage_text import usage

ONE_PAGE = 80
"""Lines, with every section that there can be."""
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def a_tenant(number: int) -> TenantUsage:
    """Each of them at, or near, every limit."""
    reached = number % 2 == 0
    used = 360_000 if reached else 350_000
    percent, day = used / 3600, date(2026, 11, 30)
    active = QuotaUsage("quota.active_time_seconds", used, 360_000, percent=percent, threshold=95, reached_on=day)
    size = QuotaUsage("quota.logical_size_bytes", 2**29, 2**29, percent=100.0, threshold=95)
    return TenantUsage(
        f"t{number:05}", "free", "free", f"p-{number}", (active, size), reached, True, None, idle=True
    )


def a_usage(count: int) -> Usage:
    names = tuple(f"m{number}" for number in range(count))
    return Usage(
        fleet="prod",
        at=START,
        period_start=START,
        period_end=END,
        tenants=tuple(map(a_tenant, range(count))),
        organizations=(OrganizationUsage("free", 29_000, 30_000, 96.6, 95), OrganizationUsage("paid", 7, None)),
        without_project=names,
        unread=names,
        notes=(Note(None, "a note"),),
        looked_at=count,
        left_out=3,
        calls=41,
        least_calls=40,
        idle_seconds=60 * 86_400,
    )


def test_ten_thousand_tenants_near_every_limit_fit_on_one_page() -> None:
    told = as_text(usage(a_usage(10_000)))
    assert len(told.splitlines()) <= ONE_PAGE
    assert "Usage: 10,000 tenants above a threshold, 5,000 suspended, 10,000 idle for 60d;" in told


def test_full_shows_every_tenant() -> None:
    told = as_text(usage(a_usage(50), full=True))
    assert all(f"t{number:05}" in told for number in range(50))


def test_everything_that_is_known_of_a_tenant_is_said() -> None:
    told = as_text(usage(a_usage(2)))
    assert "t00000  reached active_time 100h; its computes cannot start until 2026-12-01 UTC  (tier free)" in told
    assert "t00001  active_time   97.2% of 100h, reached about 2026-11-30" in told
    assert "free  29,000 of 30,000 projects (96.6%), room for 1,000" in told
    assert "paid  7 projects, no limit in tiers.yaml" in told
    assert "41 calls; the minimum is 40." in told
