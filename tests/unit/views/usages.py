"""Usages of fleets of any size: most tenants use little, some are near a limit, a few have reached one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from reconciler.model.values import replace
from reconciler.plan.plan import Note
from reconciler.usage.thresholds import highest_crossed, percent_of
from reconciler.usage.usage import OrganizationUsage, QuotaUsage, TenantUsage, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

START: Final = datetime(2026, 11, 1, tzinfo=UTC)
AT: Final = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
END: Final = datetime(2026, 12, 1, tzinfo=UTC)
HOUR, GIB, MIB = 3600, 2**30, 2**20
LIMITS: Final = {
    "free": {"active_time_seconds": 100 * HOUR, "data_transfer_bytes": 5 * GIB, "logical_size_bytes": 512 * MIB},
    "pro": {"active_time_seconds": 750 * HOUR, "data_transfer_bytes": 50 * GIB, "logical_size_bytes": 10 * GIB},
    "scale": {"data_transfer_bytes": 500 * GIB, "logical_size_bytes": 50 * GIB},
}
TIERS: Final = ("free",) * 8 + ("pro", "pro", "scale")


def a_usage(count: int, *, names: Sequence[str] = (), seed: int = 7) -> Usage:
    """The usage of so many tenants, some of them with these names."""
    random = Random(seed)  # noqa: S311 - no secret
    given = [*names, *(f"{random.choice(WORDS)}-{number:05}" for number in range(count - len(names)))]
    tenants = tuple(sorted((_tenant(name, random) for name in given), key=lambda one: one.tenant))
    free = sum(one.organization == "free" for one in tenants)
    limit = max(1, round(free / 0.83))
    return Usage(
        fleet="prod",
        at=AT,
        period_start=START,
        period_end=END,
        tenants=tenants,
        organizations=(
            OrganizationUsage(
                "free", free, limit, percent_of(free, limit), highest_crossed((80, 95), free, limit)
            ),
            OrganizationUsage("paid", count - free, None),
        ),
        without_project=("driftwood",),
        unread=(),
        notes=(Note(None, "organization paid has no consumption history on its plan (403)"),),
        looked_at=count,
        left_out=0,
        calls=41,
        least_calls=41,
        idle_seconds=60 * 86_400,
    )


WORDS: Final = ("acme", "birch", "cedar", "delta", "everest", "fjord", "grove", "harbor", "iris", "juniper")


def _tenant(name: str, random: Random) -> TenantUsage:
    tier = random.choice(TIERS)
    paths = ("active_time_seconds", "data_transfer_bytes", "logical_size_bytes")
    quotas = tuple(_quota(path, LIMITS[tier].get(path), random) for path in paths)
    reached = {one.quota for one in quotas if one.reached}
    return TenantUsage(
        tenant=name,
        tier=tier,
        organization="free" if tier == "free" else "paid",
        project_id=f"p-{name}",
        quotas=quotas,
        suspended=bool(reached - {"quota.logical_size_bytes"}),
        writes_fail="quota.logical_size_bytes" in reached,
        last_active_at=AT,
        idle=random.random() < 0.04,
    )


def _quota(name: str, limit: int | None, random: Random) -> QuotaUsage:
    share = min(1.0, random.paretovariate(1.6) / 40 - 0.02) if random.random() < 0.8 else random.random() * 0.7
    used = int(share * (limit or LIMITS["pro"].get(name, GIB)))
    if limit is None:
        return QuotaUsage(f"quota.{name}", used, None)
    day = AT + timedelta(days=random.randrange(1, 12)) if 0.6 < share < 1 else None
    return QuotaUsage(
        f"quota.{name}",
        used,
        limit,
        percent=percent_of(used, limit),
        threshold=highest_crossed((80, 95), used, limit),
        reached_on=None if day is None else day.date(),
    )


def at_limits(names: Sequence[str]) -> Usage:
    """A usage whose tenants are, in turn: suspended by a quota, unable to write, near a limit, and off by file."""
    tenants = tuple(_at_limit(name, number % 4) for number, name in enumerate(names))
    return replace(a_usage(0), tenants=tenants, looked_at=len(tenants), unread=tuple(names[:3]))


def _at_limit(name: str, state: int) -> TenantUsage:
    path = "logical_size_bytes" if state == 1 else "active_time_seconds"
    limit = LIMITS["free"][path]
    used = limit if state in (0, 1) else limit * 9 // 10
    quota = QuotaUsage(
        f"quota.{path}",
        used,
        limit,
        percent=percent_of(used, limit),
        threshold=highest_crossed((80, 95), used, limit),
        reached_on=date(2026, 11, 21) if state == 2 else None,
    )
    usual = _tenant(name, Random(7))  # noqa: S311 - no secret
    reason = f"{name} asked for it" if state == 3 else None
    return replace(
        usual,
        quotas=(quota,),
        suspended=state == 0,
        writes_fail=state == 1,
        suspended_by_file=reason,
        idle=state == 3,
    )
