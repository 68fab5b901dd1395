"""What an apply did, as a page: failures first, then what was skipped, deleted, unchanged and applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.outcome import Result
from reconciler.views.actions import utc_time
from reconciler.views.grouping import grouped
from reconciler.views.html.blocks import ChangeBlock, Facet, PageMember, PageSection, PageStep, shown
from reconciler.views.html.charts import BAD, PLAIN, WARN
from reconciler.views.html.data import NAME, RANK, SIZE, page_data
from reconciler.views.html.facets import (
    CAUSE,
    ORGANIZATION,
    RISK,
    TIER,
    causes_of,
    organizations_of,
    rank_of,
    risks_of,
)
from reconciler.views.html.overview import report_figures
from reconciler.views.html.page import pages
from reconciler.views.html.tile import Tile
from reconciler.views.outcomes import helped
from reconciler.views.perspective import PLAN
from reconciler.views.remedies import STALE, remedy_of
from reconciler.views.sentences import OTHER_HOST, counted, duration, report_summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.approval import Stale
    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome
    from reconciler.views.view import ReportView

ORDER: Final = (Result.FAILED, Result.SKIPPED, Result.APPLIED, Result.UNCHANGED)
TONES: Final = {Result.FAILED: BAD, Result.SKIPPED: WARN, Result.APPLIED: PLAIN, Result.UNCHANGED: PLAIN}
SORTS: Final = (("most tenants first", SIZE), ("riskiest first", RANK), ("by name", NAME))
RESULT: Final = Facet("Result", "all results", [*(one.value.capitalize() for one in ORDER), STALE])
FACETS: Final = (RESULT, TIER, RISK, CAUSE, ORGANIZATION)


def render(view: ReportView, *, full: bool) -> Iterator[str]:
    """The page; long lists are cut unless ``full``."""
    report = view.report
    sections = [*_sections(report, view.tier_of), *_stale(view.stale, view.tier_of)]
    return pages(
        "report.html.j2",
        data=page_data(sections, FACETS, SORTS),
        facets=FACETS,
        title=f"Report of run {report.run}",
        host=report.api_host,
        host_warning=OTHER_HOST,
        summary=report_summary(report),
        stopped=report.stopped,
        numbers=_tiles(report, len(view.stale)),
        overview=report_figures(report, view.tier_of),
        anchors={one.anchor for one in sections},
        sections=shown(sections, full=full),
        closing=_closing(report, view.journal),
    )


def _tiles(report: Report, stale: int) -> list[Tile]:
    tiles = []
    for result in ORDER:
        count = report.count(result)
        tiles.append(Tile(f"{count:,}", result.value, TONES[result] if count else PLAIN, result.value))
    deleted = sum(outcome.deletion is not None for outcome in report.outcomes)
    tiles.append(Tile(f"{deleted:,}", "projects deleted"))
    return [*tiles, *([Tile(f"{stale:,}", "stale", WARN, "stale")] if stale else [])]


def _sections(report: Report, tier_of: Mapping[str, str]) -> Iterator[PageSection]:
    for result in ORDER:
        if found := [outcome for outcome in report.outcomes if outcome.result is result]:
            title = result.value.capitalize()
            remedy = None if all(helped([one]) for one in found) else remedy_of(title)
            yield PageSection(title, result.value, len(found), _blocks(found, title, tier_of), remedy or "")


def _blocks(outcomes: Sequence[TenantOutcome], title: str, tier_of: Mapping[str, str]) -> list[ChangeBlock]:
    """Tenants with the same outcomes together, the most first; a failure stands alone, with its request id."""
    alike = grouped(outcomes, lambda outcome: (*map(_step, outcome.actions), *_recovery(outcome)))
    blocks = [
        ChangeBlock([_member(one, title, tier_of) for one in found], steps, rank=rank_of(_actions(found[0])))
        for steps, found in alike.items()
    ]
    return sorted(blocks, key=lambda block: -len(block.members))


def _member(outcome: TenantOutcome, title: str, tier_of: Mapping[str, str]) -> PageMember:
    actions = _actions(outcome)
    facets = (
        [title],
        _tier(outcome.tenant, tier_of),
        risks_of(actions),
        causes_of(actions),
        organizations_of(None, actions),
    )
    return PageMember(outcome.tenant, outcome.project_id or "", facets=facets)


def _tier(tenant: str, tier_of: Mapping[str, str]) -> list[str]:
    return [tier_of[tenant]] if tenant in tier_of else []


def _actions(outcome: TenantOutcome) -> list[Action]:
    return [one.action for one in outcome.actions]


def _recovery(outcome: TenantOutcome) -> Iterator[PageStep]:
    """Until when its deleted project can be recovered, and how; and where its databases were dumped to."""
    if (deletion := outcome.deletion) is not None:
        until = utc_time(deletion.recoverable_until)
        dump = f"; dumped to {deletion.dump}" if deletion.dump else ""
        yield PageStep(f"recover: {deletion.project_id} brings it back until {until}{dump}")


def _step(one: ActionOutcome) -> PageStep:
    failed = one.result is Result.FAILED
    details = (
        f"hint: {one.hint}" if one.hint else "",
        f"request id: {one.request_to_name}" if one.request_to_name and failed else "",
    )
    return PageStep(
        words=str(PLAN.action(one.action, None)),
        tone=TONES[one.result],
        marks=one.result.value,
        reason=one.message,
        details=tuple(filter(None, details)),
    )


def _stale(stale: Sequence[Stale], tier_of: Mapping[str, str]) -> Iterator[PageSection]:
    """The tenants that the saved plan does not permit as they are now."""
    if stale:
        blocks = [
            ChangeBlock(
                [PageMember(one.tenant, facets=([STALE], _tier(one.tenant, tier_of), [], [], []))],
                [PageStep(one.message)],
            )
            for one in stale
        ]
        yield PageSection(STALE, "stale", len(stale), blocks)


def _closing(report: Report, journal: str) -> list[str]:
    elapsed = duration((report.finished_at - report.started_at).total_seconds())
    began = f"Started {utc_time(report.started_at)}, {counted(report.calls, 'call')} in {elapsed}."
    return [began, f"Journal: {journal}"]
