"""The usage of a fleet as a page: who is near a limit, how shares are spread, and where there is room."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.usage.ranking import biggest_consumers, crossings
from reconciler.usage.states import (
    FREED_BY,
    IDLE_REMEDY,
    NOT_READ_REMEDY,
    RAISED_BY,
    RESUMED_BY,
    WITHOUT_PROJECT_REMEDY,
    at_limit,
    suspended_by_files,
    suspended_by_quota,
)
from reconciler.views.html.charts import BAD, PLAIN, WARN, Chart, Count, Part, chart, parts
from reconciler.views.html.data import page_data
from reconciler.views.html.page import pages
from reconciler.views.html.tile import Tile
from reconciler.views.html.usage_blocks import FACETS, SORTS, effect_of, tenant_section, tone_of
from reconciler.views.sentences import OTHER_HOST, counted
from reconciler.views.usage_counts import by_tier
from reconciler.views.usage_text import coverage, idle_time, roughly, short, summary
from reconciler.views.values import worded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from reconciler.usage.usage import OrganizationUsage, QuotaUsage, TenantUsage, Usage
    from reconciler.views.usage_counts import TierCounts
    from reconciler.views.view import UsageView

MOST_ROWS: Final = 200
"""Rows of a table, unless all are asked for."""
MOST_NAMES: Final = 500
BUCKETS: Final = 10
MOST_DAYS: Final = 31


class Row(Struct, frozen=True):
    """One quota of a tenant."""

    tenant: str
    tier: str
    organization: str
    quota: str
    used: str
    limit: str
    percent: str
    bar: tuple[Part, ...]
    tone: str
    reached_on: str
    effect: str
    """What a limit that is reached stops."""


class TableRows(Struct, frozen=True):
    """Rows of a table, and how many more there are."""

    rows: Sequence[Row]
    more: int

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.rows) + self.more


class TenantNames(Struct, frozen=True):
    """Tenants by name, and the next step."""

    title: str
    anchor: str
    names: Sequence[str]
    more: int
    remedy: str

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.names) + self.more


class Group(Struct, frozen=True):
    """What a tier or an organization has."""

    name: str
    total: int
    cells: tuple[str, ...]
    bar: tuple[Part, ...]
    caption: str
    """The bar in words."""


class Consumer(Struct, frozen=True):
    """A tenant that uses much."""

    tenant: str
    used: str
    bar: tuple[Part, ...]


def render(view: UsageView, *, full: bool) -> Iterator[str]:
    """The page; long tables are cut unless ``full``."""
    usage = view.usage
    rows, most = _rows(usage), None if full else MOST_ROWS
    sections = {
        "reached": _listing([one for one in rows if one.tone == BAD], most),
        "near": _listing([one for one in rows if one.tone == WARN], most),
        "forecast": _listing(_forecast(usage), most),
    }
    lists = [one for one in _lists(usage, None if full else MOST_NAMES) if one.count]
    anchors = (
        {"tenants"} | {name for name, listing in sections.items() if listing.rows} | {one.anchor for one in lists}
    )
    return pages(
        "usage.html.j2",
        data=page_data([tenant_section(usage)], FACETS, SORTS),
        facets=FACETS,
        usage=usage,
        title=f"Usage of {usage.fleet}",
        host_warning=OTHER_HOST,
        summary=summary(usage),
        coverage=list(coverage(usage)),
        numbers=_tiles(usage),
        anchors=anchors,
        **sections,
        days=_days(usage),
        shares=list(_shares([one for one in usage.tenants if one.suspended_by_file is None])),
        tiers=list(map(_tier, by_tier(usage.tenants))),
        consumers=_consumers(usage.tenants),
        organizations=list(map(_organization, usage.organizations)),
        lists=lists,
        raised_by=RAISED_BY,
        freed_by=FREED_BY,
    )


def _tiles(usage: Usage) -> list[Tile]:
    tenants = usage.tenants
    near = sum(one.threshold is not None and not at_limit(one) for one in tenants)
    coming = len(_expected(usage))
    suspended, full = sum(map(suspended_by_quota, tenants)), sum(one.writes_fail for one in tenants)
    above = "above a threshold" if usage.above is None else f"above {usage.above}%"
    tiles = [
        Tile(f"{usage.looked_at:,}", "tenants looked at", anchor="tenants"),
        Tile(f"{suspended:,}", "suspended by a quota", BAD if suspended else PLAIN, "reached"),
        Tile(f"{full:,}", "cannot write: size quota reached", BAD if full else PLAIN, "reached"),
        Tile(f"{near:,}", f"{above}, not at a limit", WARN if near else PLAIN, "near"),
        Tile(f"{coming:,}", "quotas that will be reached", anchor="forecast"),
    ]
    if off := len(suspended_by_files(usage)):
        tiles.append(Tile(f"{off:,}", "suspended by their files", anchor="suspended-by-their-files"))
    if usage.idle_seconds is not None:
        tiles.append(Tile(f"{sum(one.idle for one in tenants):,}", f"idle for {idle_time(usage)}", anchor="idle"))
    return tiles


def _rows(usage: Usage) -> list[Row]:
    """Every quota above a threshold, the fullest first."""
    return [_row(usage, one.tenant, one.quota) for one in crossings(usage.tenants)]


def _row(usage: Usage, tenant: TenantUsage, quota: QuotaUsage) -> Row:
    tone = tone_of(quota)
    return Row(
        tenant=tenant.tenant,
        tier=tenant.tier,
        organization=tenant.organization,
        quota=short(quota.quota),
        used=roughly(quota.quota, quota.used or 0),
        limit=worded(quota.quota, quota.limit),
        percent=f"{quota.percent or 0:.1f}%",
        bar=parts([(int(min(quota.percent or 0, 100) * 10), tone)], 1000),
        tone=tone,
        effect=effect_of(usage, quota),
        reached_on="" if quota.reached_on is None else str(quota.reached_on),
    )


def _listing(rows: Sequence[Row], most: int | None) -> TableRows:
    if most is None or len(rows) <= most:
        return TableRows(rows, 0)
    return TableRows(rows[:most], len(rows) - most)


def _expected(usage: Usage) -> list[tuple[date, TenantUsage, QuotaUsage]]:
    """The quotas that are reached if tenants go on as before, the first ones first."""
    found = [
        (quota.reached_on, tenant, quota)
        for tenant in usage.tenants
        for quota in tenant.quotas
        if quota.reached_on is not None
    ]
    return sorted(found, key=lambda one: (one[0], one[1].tenant, one[2].quota))


def _forecast(usage: Usage) -> list[Row]:
    return [_row(usage, tenant, quota) for _, tenant, quota in _expected(usage)]


def _days(usage: Usage) -> Chart | None:
    """On which days quotas are reached; None if none will be."""
    days = Counter(day for day, *_ in _expected(usage))
    if not days:
        return None
    first, last = min(days), max(days)
    shown = [first + timedelta(days=number) for number in range(min(MOST_DAYS, (last - first).days + 1))]
    counts = [Count(f"{day:%Y-%m-%d}", days[day], f"{day:%m-%d}", WARN) for day in shown]
    later = sum(count for day, count in days.items() if day > shown[-1])
    aside = f"{later:,} later" if later else ""
    return chart("Quotas by the day on which they are reached", counts, aside=aside, unit="day", of="quotas")


def _shares(tenants: Sequence[TenantUsage]) -> Iterator[Chart]:
    """For each quota that limits somebody: how many tenants have used which share of it."""
    for path in dict.fromkeys(quota.quota for tenant in tenants for quota in tenant.quotas):
        found = [quota for tenant in tenants for quota in tenant.quotas if quota.quota == path]
        limited = [quota for quota in found if quota.limit is not None]
        if limited:
            yield _spread(path, limited, len(found) - len(limited))


def _spread(path: str, limited: Sequence[QuotaUsage], unlimited: int) -> Chart:
    buckets: list[list[QuotaUsage]] = [[] for _ in range(BUCKETS + 1)]
    for quota in limited:
        if quota.percent is not None:
            buckets[min(BUCKETS, int(quota.percent // (100 // BUCKETS)))].append(quota)
    counts = [_count(number, one) for number, one in enumerate(buckets)]
    unread = sum(quota.percent is None for quota in limited)
    aside = [f"{unlimited:,} without a limit"] * bool(unlimited) + [f"{unread:,} not read"] * bool(unread)
    return chart(short(path), counts, aside=", ".join(aside))


def _count(number: int, quotas: Sequence[QuotaUsage]) -> Count:
    start, step = number * 100 // BUCKETS, 100 // BUCKETS
    label = "100%" if number == BUCKETS else f"{start}% to {start + step}%"
    return Count(label, len(quotas), f"{start}%", _tone(number, quotas))


def _tone(number: int, quotas: Sequence[QuotaUsage]) -> str:
    if number == BUCKETS:
        return BAD
    return WARN if 2 * sum(quota.threshold is not None for quota in quotas) > len(quotas) else PLAIN


def _tier(one: TierCounts) -> Group:
    fine = one.tenants - one.at_limit - one.near
    return Group(
        name=one.tier,
        total=one.tenants,
        cells=(f"{one.tenants:,}", f"{one.at_limit:,}", f"{one.near:,}", f"{one.idle:,}"),
        bar=parts([(one.at_limit, BAD), (one.near, WARN), (fine, PLAIN)], one.tenants),
        caption=f"{one.at_limit:,} at a limit, {one.near:,} above a threshold, {fine:,} below",
    )


def _consumers(tenants: Sequence[TenantUsage]) -> dict[str, list[Consumer]]:
    return {
        short(path): [
            Consumer(name, roughly(path, used), parts([(used, PLAIN)], found[0][1])) for name, used in found
        ]
        for path, found in biggest_consumers(tenants).items()
    }


def _organization(one: OrganizationUsage) -> Group:
    tone = PLAIN if one.threshold is None else BAD if one.projects >= (one.limit or 0) else WARN
    if one.limit is None or one.percent is None:
        caption = "no limit in tiers.yaml"
        return Group(one.organization, one.projects, (f"{one.projects:,}", "", "", ""), (), caption)
    room = max(0, one.limit - one.projects)
    return Group(
        name=one.organization,
        total=one.projects,
        cells=(f"{one.projects:,}", f"{one.limit:,}", f"{one.percent:.1f}%", f"{room:,}"),
        bar=parts([(one.projects, tone)], one.limit),
        caption=f"{one.percent:.1f}% of {counted(one.limit, 'project')}",
    )


def _lists(usage: Usage, most: int | None) -> Iterator[TenantNames]:
    idle = [one.tenant for one in usage.tenants if one.idle]
    off = [f"{one.tenant}: {one.suspended_by_file}" for one in suspended_by_files(usage)]
    yield _names("Suspended by their files", "suspended-by-their-files", off, most, RESUMED_BY)
    yield _names("Idle", "idle", idle, most, IDLE_REMEDY)
    yield _names("Without a project", "without-project", usage.without_project, most, WITHOUT_PROJECT_REMEDY)
    yield _names("Not read", "not-read", usage.unread, most, NOT_READ_REMEDY)


def _names(title: str, anchor: str, names: Sequence[str], most: int | None, remedy: str) -> TenantNames:
    shown = names if most is None else names[:most]
    return TenantNames(title, anchor, shown, len(names) - len(shown), remedy)
