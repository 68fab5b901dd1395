"""The usage of a fleet as text: one page, however many tenants there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import unit_of
from reconciler.model.units import format_seconds, roughly_bytes, roughly_seconds
from reconciler.usage.amounts import LOGICAL_SIZE
from reconciler.usage.ranking import biggest_consumers, crossings
from reconciler.usage.states import (
    IDLE_REMEDY,
    NOT_READ_REMEDY,
    WITHOUT_PROJECT_REMEDY,
    suspended_by_files,
    suspended_by_quota,
)
from reconciler.views import sections, symbols
from reconciler.views.formatted_text import FormattedText, formatted
from reconciler.views.remedies import ABOVE_A_THRESHOLD, LABEL, SUSPENDED, SUSPENDED_BY_FILES, WRITES_FAIL
from reconciler.views.sections import ListLimits, heading, limits, section
from reconciler.views.sentences import counted, names
from reconciler.views.terminal import (
    EMPTY,
    CommaList,
    Line,
    blank_line,
    column,
    page,
    paragraph,
    styled,
    width_of,
)
from reconciler.views.values import label, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.usage.ranking import Crossing
    from reconciler.usage.usage import OrganizationUsage, QuotaUsage, TenantUsage, Usage
    from reconciler.views.terminal import Piece

SIZE: Final = f"quota.{LOGICAL_SIZE}"
WIDEST_NAME: Final = 40
MOST_SHOWN: Final = 8
"""Entries of a section, so that all sections fit on one page."""


@page
def usage(report: Usage, *, full: bool = False) -> Iterator[Piece]:
    """The usage; long lists are cut unless ``full``."""
    extent = limits(full=True) if full else ListLimits(blocks=MOST_SHOWN)
    yield from sections.api_host(report.api_host)
    yield from _suspended(report, extent)
    yield from _by_files(report, extent)
    yield from _full(report, extent)
    yield from _crossings(report, extent)
    yield from _consumers(report.tenants)
    yield from _named("Idle", [one.tenant for one in report.tenants if one.idle], extent, IDLE_REMEDY)
    yield from _named("Without a project", report.without_project, extent, WITHOUT_PROJECT_REMEDY)
    yield from _named("Not read", report.unread, extent, NOT_READ_REMEDY)
    yield from sections.notes(report.notes, extent)
    yield from _organizations(report.organizations)
    yield paragraph(summary(report), symbols.HEADING)
    yield from map(paragraph, coverage(report))


def _suspended(report: Usage, extent: ListLimits) -> Iterator[Piece]:
    """Who reached a quota of the period, until when that lasts, and what raises it."""
    until = f"{report.period_end:%Y-%m-%d} UTC"

    def one(tenant: TenantUsage) -> Iterator[Piece]:
        quotas = [quota for quota in tenant.quotas if quota.reached and quota.quota != SIZE]
        yield _tenant_line(tenant, f"reached {reached(quotas)}; its computes cannot start until {until}")

    found = [tenant for tenant in report.tenants if suspended_by_quota(tenant)]
    yield from section(SUSPENDED, found, one, extent, "tenant", compact=True)


def _by_files(report: Usage, extent: ListLimits) -> Iterator[Piece]:
    """Who is suspended on purpose, and why."""

    def one(tenant: TenantUsage) -> Iterator[Piece]:
        yield _tenant_line(tenant, formatted("{}", tenant.suspended_by_file or ""))

    found = suspended_by_files(report)
    yield from section(SUSPENDED_BY_FILES, found, one, extent, "tenant", compact=True)


def _full(report: Usage, extent: ListLimits) -> Iterator[Piece]:
    def one(tenant: TenantUsage) -> Iterator[Piece]:
        quotas = [quota for quota in tenant.quotas if quota.reached and quota.quota == SIZE]
        yield _tenant_line(tenant, f"reached {reached(quotas)}")

    found = [tenant for tenant in report.tenants if tenant.writes_fail]
    yield from section(WRITES_FAIL, found, one, extent, "tenant", compact=True)


def reached(quotas: Iterable[QuotaUsage]) -> str:
    """The quotas with their limits: ``active_time 100h``."""
    return ", ".join(f"{short(quota.quota)} {worded(quota.quota, quota.limit)}" for quota in quotas)


def _tenant_line(tenant: TenantUsage, words: str | FormattedText) -> Line:
    aside = styled(formatted("  (tier {})", tenant.tier), symbols.ASIDE)
    return Line(styled(tenant.tenant, symbols.HEADING) + styled("  "), styled(words) + aside, indent=2)


def _crossings(report: Usage, extent: ListLimits) -> Iterator[Piece]:
    """Every quota above a threshold that is not reached yet, the fullest first."""
    found = [one for one in crossings(report.tenants) if not one.quota.reached]
    shown = found[: extent.blocks]
    tenants = width_of((one.tenant.tenant for one in shown), at_most=WIDEST_NAME)
    quotas = width_of(short(one.quota.quota) for one in shown)

    def one_line(crossing: Crossing) -> Iterator[Piece]:
        quota = crossing.quota
        lead = column(crossing.tenant.tenant, tenants, symbols.HEADING) + column(short(quota.quota), quotas)
        share = f"{quota.percent:5.1f}% of {worded(quota.quota, quota.limit)}"
        day = "" if quota.reached_on is None else f", reached about {quota.reached_on}"
        yield Line(lead, styled(share, symbols.CHANGED) + styled(day), indent=2)

    yield from section(ABOVE_A_THRESHOLD, found, one_line, extent, "quota", compact=True)


def _consumers(tenants: Sequence[TenantUsage]) -> Iterator[Piece]:
    ranked = biggest_consumers(tenants)
    if not ranked:
        return
    yield Line(styled("Biggest consumers", symbols.HEADING))
    yield blank_line()
    width = width_of(map(short, ranked))
    for path, found in ranked.items():
        amounts = tuple(formatted(f"{{}} {roughly(path, used)}", name) for name, used in found)
        yield CommaList(column(short(path), width), amounts, indent=2)
    yield blank_line()


def _named(title: str, tenants: Sequence[str], extent: ListLimits, remedy: str) -> Iterator[Piece]:
    if not tenants:
        return
    yield from heading(title, len(tenants))
    yield Line(EMPTY, styled(names(tenants, extent.names)), indent=2)
    yield Line(styled(f"{LABEL} ", symbols.ASIDE), styled(remedy), indent=2)
    yield blank_line()


def _organizations(organizations: Sequence[OrganizationUsage]) -> Iterator[Piece]:
    if not organizations:
        return
    yield Line(styled("Organizations", symbols.HEADING))
    yield blank_line()
    width = width_of(one.organization for one in organizations)
    for one in organizations:
        style = symbols.CHANGED if one.threshold is not None else ""
        yield Line(column(one.organization, width), styled(room(one), style), indent=2)
    yield blank_line()


def room(one: OrganizationUsage) -> str:
    """``83 of 100 projects (83.0%), room for 17``."""
    if one.limit is None or one.percent is None:
        return f"{counted(one.projects, 'project')}, no limit in tiers.yaml"
    room = max(0, one.limit - one.projects)
    return f"{one.projects:,} of {counted(one.limit, 'project')} ({one.percent:.1f}%), room for {room:,}"


def summary(report: Usage) -> str:
    """``Usage: 3 tenants above a threshold, 1 suspended; 10,000 tenants looked at.``."""
    above = sum(tenant.threshold is not None for tenant in report.tenants)
    line = "a threshold" if report.above is None else f"{report.above}%"
    parts = (
        f"{counted(above, 'tenant')} above {line}" if above else f"no tenant above {line}",
        _if_any(sum(map(suspended_by_quota, report.tenants)), "suspended"),
        _if_any(len(suspended_by_files(report)), "suspended by their files"),
        _if_any(sum(tenant.idle for tenant in report.tenants), f"idle for {idle_time(report)}"),
    )
    return f"Usage: {', '.join(filter(None, parts))}; {counted(report.looked_at, 'tenant')} looked at."


def _if_any(count: int, words: str) -> str:
    return f"{count:,} {words}" if count else ""


def idle_time(report: Usage) -> str:
    """How long a tenant is unused before it is idle."""
    return format_seconds(report.idle_seconds or 0)


def coverage(report: Usage) -> Iterator[str]:
    """The billing period, how old the numbers may be, and the calls with their minimum."""
    period = f"{report.period_start:%Y-%m-%d} to {report.period_end:%Y-%m-%d}"
    read_at = f"{report.at:%Y-%m-%d %H:%M}"
    yield f"Billing period {period} (UTC), read at {read_at}; Neon's counters lag by up to an hour."
    yield f"{counted(report.calls, 'call')}; the minimum is {report.least_calls:,}."
    if report.left_out:
        yield f"{counted(report.left_out, 'tenant')} left out by the selection."


def short(path: str) -> str:
    """The name of a quota: ``active_time``."""
    return label(path).removeprefix("quota.")


def roughly(path: str, amount: int) -> str:
    """A measured amount in a unit that fits."""
    return roughly_bytes(amount) if unit_of(path) is Unit.BYTES else roughly_seconds(amount)
