"""The cost of a month as text: one page, however many tenants there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.usage.states import WITHOUT_PROJECT_REMEDY
from reconciler.views import sections, symbols
from reconciler.views.money import charge_label, money
from reconciler.views.remedies import LABEL
from reconciler.views.sections import ListLimits, heading, limits
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.usage.cost import ChargeCost, Cost, OrganizationCost, TenantCost
    from reconciler.views.formatted_text import FormattedText
    from reconciler.views.terminal import Piece, Styled

WIDEST_NAME: Final = 40
MOST_SHOWN: Final = 10
"""Entries of a section, so that all sections fit on one page."""
_DAY: Final = timedelta(days=1)


@page
def cost(report: Cost, *, full: bool = False) -> Iterator[Piece]:
    """The cost; long lists are cut unless ``full``."""
    extent = limits(full=True) if full else ListLimits(blocks=MOST_SHOWN)
    yield from sections.api_host(report.api_host)
    for one in report.organizations:
        yield from _organization(one)
    yield from _tiers(report)
    yield from _tenants(report, extent)
    yield from _named("Without a project", report.without_project, extent, WITHOUT_PROJECT_REMEDY)
    yield from _named("Not known", report.unread, extent, "run again later; reconciler plan shows conflicts")
    yield from sections.notes(report.notes, extent)
    yield paragraph(summary(report), symbols.HEADING)
    yield from map(paragraph, coverage(report))


def _organization(one: OrganizationCost) -> Iterator[Piece]:
    """A line for each charge of an organization, and its sum."""
    what = "" if one.whole else ", only those of the selected tenants"
    about = f"  ({counted(one.projects, 'project')}{what})"
    yield Line(styled(f"Organization {one.organization}", symbols.HEADING) + styled(about, symbols.ASIDE))
    yield blank_line()
    if one.sponsored:
        read = "" if one.read else f"; --organization {one.organization} reads what it consumes"
        yield Line(EMPTY, styled(f"sponsored: it costs nothing{read}"), indent=2)
    yield from _rows(list(_lines(one)))
    yield blank_line()


def _lines(one: OrganizationCost) -> Iterator[tuple[str, str, str]]:
    """What, how much, and the money."""
    for part in one.charges:
        yield charge_label(part.charge), amount(part), "" if one.sponsored else money(part.cost)
    if one.included:
        yield "included", "of data transfer", money(-one.included)
    if one.charges and not one.sponsored:
        yield "total", "", money(one.cost)
    if one.other_projects:
        yield "of that", "projects of no tenant here", money(one.other_projects)


def _rows(lines: Sequence[tuple[str, str, str]]) -> Iterator[Line]:
    """Three columns; money stands to the right of its column."""
    first, second, third = (width_of(line[place] for line in lines) for place in range(3))
    for what, how_much, costs in lines:
        lead = column(what, first) + _right(how_much, second) + styled("  ")
        yield Line(lead, _right(costs, third), indent=2)


def _right(text: str, width: int) -> Styled:
    one = styled(text)
    return styled(" " * (width - one.width)) + one


def _tiers(report: Cost) -> Iterator[Piece]:
    if not report.tiers:
        return
    yield Line(styled("Tiers", symbols.HEADING))
    yield blank_line()
    lines = [
        (one.tier, counted(one.tenants, "tenant"), f"{money(one.cost)}, {money(one.cost / one.tenants)} each")
        for one in report.tiers
    ]
    yield from _rows(lines)
    yield blank_line()


def _tenants(report: Cost, extent: ListLimits) -> Iterator[Piece]:
    """Those that cost most, with what they used."""
    found = sorted((one for one in report.tenants if one.cost), key=lambda one: (-one.cost, one.tenant))
    if not found:
        return
    yield from heading("Tenants by cost", len(found))
    shown = found[: extent.blocks]
    tenants = width_of((one.tenant for one in shown), at_most=WIDEST_NAME)
    costs = width_of(money(one.cost) for one in shown)
    for one in shown:
        lead = column(one.tenant, tenants, symbols.HEADING) + _right(money(one.cost), costs) + styled("  ")
        yield CommaList(lead, tuple(_used(one)), indent=2)
    if len(shown) < len(found):
        yield Line(EMPTY, styled(f"and {len(found) - len(shown):,} more"), indent=2)
    yield blank_line()


def _used(one: TenantCost) -> Iterator[str | FormattedText]:
    """Each charge with a cost, the dearest first."""
    priced = sorted((part for part in one.charges if part.cost), key=lambda part: -(part.cost or 0))
    return (f"{charge_label(part.charge)} {money(part.cost)} ({amount(part)})" for part in priced)


def _named(title: str, tenants: Sequence[str], extent: ListLimits, remedy: str) -> Iterator[Piece]:
    if not tenants:
        return
    yield from heading(title, len(tenants))
    yield Line(EMPTY, styled(names(tenants, extent.names)), indent=2)
    yield Line(styled(f"{LABEL} ", symbols.ASIDE), styled(remedy), indent=2)
    yield blank_line()


def amount(part: ChargeCost) -> str:
    """``12.34 CU-hours``; at least two digits of what is small."""
    digits = 2 if part.quantity >= 1 else max(2, 1 - part.quantity.adjusted())
    return f"{part.quantity:,.{min(digits, 6)}f} {part.unit}"


def summary(report: Cost) -> str:
    """``Cost: 12.34 USD in 2026-11 until 2026-11-29 00:00 UTC; 3 tenants.``."""
    is_over = report.until - report.period_start >= _length_of_month(report)
    until = "" if is_over else f" until {report.until:%Y-%m-%d %H:%M} UTC"
    tenants = counted(len(report.tenants), "tenant")
    return f"Cost: {money(report.cost)} {report.currency} in {report.month}{until}; {tenants}."


def _length_of_month(report: Cost) -> timedelta:
    following = (report.period_start + 32 * _DAY).replace(day=1)
    return following - report.period_start


def coverage(report: Cost) -> Iterable[str]:
    """The date of the prices, and the calls with their minimum."""
    yield f"Prices of {report.prices_as_of} in tiers.yaml, without taxes, discounts and credits."
    yield f"{counted(report.calls, 'call')}; the minimum is {report.least_calls:,}."
    if report.left_out:
        yield f"{counted(report.left_out, 'tenant')} left out by the selection."
