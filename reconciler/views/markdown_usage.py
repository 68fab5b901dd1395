"""The usage of a fleet as Markdown: who is at a limit and who is near one first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.plan.change import Risk
from reconciler.usage.ranking import biggest_consumers, crossings
from reconciler.usage.states import (
    IDLE_REMEDY,
    NOT_READ_REMEDY,
    WITHOUT_PROJECT_REMEDY,
    suspended_by_files,
    suspended_by_quota,
)
from reconciler.views import markdown_findings
from reconciler.views.formatted_text import formatted, joined
from reconciler.views.markdown_tables import OPEN_ROWS, section
from reconciler.views.markup import code, paragraph, row, strong, table, text
from reconciler.views.remedies import (
    ABOVE_A_THRESHOLD,
    LABEL,
    SUSPENDED,
    SUSPENDED_BY_FILES,
    WRITES_FAIL,
    remedy_of,
)
from reconciler.views.sentences import OTHER_HOST, names
from reconciler.views.usage_counts import by_tier
from reconciler.views.usage_text import SIZE, coverage, reached, room, roughly, short, summary
from reconciler.views.values import worded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.usage.ranking import Crossing
    from reconciler.usage.usage import TenantUsage, Usage
    from reconciler.views.markdown_size import Size
    from reconciler.views.markup import Block, Markdown

Item = TypeVar("Item")

DOCUMENT: Final = "the usage"
NAMED: Final = 20
"""Tenants of a list of names that are shown."""
_QUOTAS: Final = ("tenant", "tier", "quota", "used", "of", "expected")


class UsageParts:
    """The parts of a usage."""

    def __init__(self, report: Usage) -> None:
        self._report = report
        self.head = list(_head(report))
        self._near = [one for one in crossings(report.tenants) if not one.quota.reached]
        self._notes = markdown_findings.notes(report.notes)
        self.closing = [paragraph(map(text, coverage(report)))]

    def blocks(self, size: Size) -> Iterator[Block]:
        """Who is at a limit, who is near one, counts, and the rest."""
        yield from _at_limits(self._report, size)
        yield from _table(ABOVE_A_THRESHOLD, _QUOTAS, self._near, _crossing, size)
        yield from _counts(self._report)
        yield from _consumers(self._report.tenants)
        yield from _lists(self._report, size)
        yield from markdown_findings.blocks([self._notes] if self._notes.items else [], size, DOCUMENT)


def _head(report: Usage) -> Iterator[Markdown]:
    if report.api_host is not None:
        yield strong(row(text(OTHER_HOST), code(report.api_host)))
    yield strong(text(summary(report)))


def _at_limits(report: Usage, size: Size) -> Iterator[Block]:
    """Who cannot run and who cannot write, and the next step."""
    suspended = [one for one in report.tenants if suspended_by_quota(one)]
    full = [one for one in report.tenants if one.writes_fail]
    until = text(f"Their computes cannot start until {report.period_end:%Y-%m-%d} UTC.")
    head = ("tenant", "tier", "reached")
    quotas, of_size = partial(_reached, of_size=False), partial(_reached, of_size=True)
    yield from _table(SUSPENDED, head, suspended, quotas, size, until)
    yield from _table(WRITES_FAIL, head, full, of_size, size)
    head, off = ("tenant", "tier", "reason"), suspended_by_files(report)
    yield from _table(SUSPENDED_BY_FILES, head, off, _reason, size)


def _table(
    title: str,
    head: Sequence[str],
    found: Sequence[Item],
    cells: Callable[[Item], tuple[Markdown, ...]],
    size: Size,
    *below: Markdown,
) -> Iterator[Block]:
    """A row for each, as far as ``size`` allows; nothing if there are none."""
    if not found:
        return
    shown = size.cut(found, lambda _: Risk.DESTRUCTIVE)
    rows, beyond = table(tuple(map(text, head)), map(cells, shown)), len(found) - len(shown)
    remedy = remedy_of(title)
    opened, beneath = len(shown) <= OPEN_ROWS, [paragraph([*below, *([_remedy(remedy)] if remedy else [])])]
    yield section(title, len(found), rows, beyond, opened=opened, document=DOCUMENT, below=beneath)


def _remedy(words: str) -> Markdown:
    return text(f"{LABEL} {words}")


def _reached(tenant: TenantUsage, *, of_size: bool) -> tuple[Markdown, ...]:
    quotas = [quota for quota in tenant.quotas if quota.reached and (quota.quota == SIZE) is of_size]
    return code(tenant.tenant), code(tenant.tier), text(reached(quotas))


def _reason(tenant: TenantUsage) -> tuple[Markdown, ...]:
    return code(tenant.tenant), code(tenant.tier), code(tenant.suspended_by_file or "")


def _crossing(crossing: Crossing) -> tuple[Markdown, ...]:
    tenant, quota = crossing.tenant, crossing.quota
    day = "" if quota.reached_on is None else f"reached about {quota.reached_on}"
    numbers = (f"{quota.percent:.1f}%", worded(quota.quota, quota.limit), day)
    return code(tenant.tenant), code(tenant.tier), text(short(quota.quota)), *map(text, numbers)


def _counts(report: Usage) -> Iterator[Block]:
    """Tenants by tier and state, and the room in the organizations."""
    if tiers := by_tier(report.tenants):
        head = ("tier", "tenants", "at a limit", "above a threshold", "idle")
        rows = [
            (code(one.tier), *(text(f"{n:,}") for n in (one.tenants, one.at_limit, one.near, one.idle)))
            for one in tiers
        ]
        yield _all("Tiers", head, rows)
    if report.organizations:
        rows = [(code(one.organization), text(room(one))) for one in report.organizations]
        yield _all("Organizations", ("organization", "projects"), rows)


def _all(title: str, head: Sequence[str], rows: Sequence[tuple[Markdown, ...]]) -> Block:
    """A table of few rows: of tiers, organizations or quotas."""
    shown = rows[:OPEN_ROWS]
    cells = table(tuple(map(text, head)), shown)
    return section(title, len(rows), cells, len(rows) - len(shown), opened=True, document=DOCUMENT)


def _consumers(tenants: Sequence[TenantUsage]) -> Iterator[Block]:
    """Who uses most of each quota."""
    if ranked := biggest_consumers(tenants):
        rows = [
            (
                text(short(path)),
                text(joined(formatted(f"{{}} {roughly(path, used)}", name) for name, used in found)),
            )
            for path, found in ranked.items()
        ]
        yield _all("Biggest consumers", ("quota", "tenants"), rows)


def _amounts(path: str, found: Sequence[tuple[str, int]]) -> Markdown:
    return text(joined(formatted(f"{{}} {roughly(path, used)}", name) for name, used in found))


def _lists(report: Usage, size: Size) -> Iterator[Block]:
    """Tenants by name, and the next step."""
    idle = [one.tenant for one in report.tenants if one.idle]
    for title, found, remedy in (
        ("Idle", idle, IDLE_REMEDY),
        ("Without a project", report.without_project, WITHOUT_PROJECT_REMEDY),
        ("Not read", report.unread, NOT_READ_REMEDY),
    ):
        if found:
            most = None if size.samples is None else NAMED
            name_list = paragraph([text(names(found, most))])
            yield section(title, len(found), name_list, 0, opened=False, below=[paragraph([_remedy(remedy)])])
