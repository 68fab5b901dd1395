"""The outputs as text: plan, drift report, report of an apply, rebuilt registry."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, assert_never

from reconciler.plan.action import DeleteDuplicate
from reconciler.plan.approval import Made
from reconciler.plan.outcome import GONE, Result
from reconciler.plan.summary import Kind, applied_actions, by_tenant, differing, kind_of
from reconciler.views import problems_text, sections, symbols
from reconciler.views.actions import DRIFT, PLAN, will_do
from reconciler.views.grouping import CONFLICTS, conflicts_by_cause, held_back, same_refusals
from reconciler.views.safe_text import FormattedText, formatted
from reconciler.views.sections import NO_LIMITS, ListLimits, heading, not_shown
from reconciler.views.sentences import (
    branches_and_snapshots_done,
    budget,
    count_held_back,
    counted,
    coverage,
    drift_summary,
    duration,
    names,
    plan_summary,
    report_summary,
    saved_plan_origin,
)
from reconciler.views.terminal import (
    EMPTY,
    CommaList,
    Line,
    Page,
    Piece,
    UnbrokenLine,
    blank_line,
    indented,
    paragraph,
    styled,
)
from reconciler.views.view import DriftView, PlanView, ProblemsView, ReportView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.approval import Stale
    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome
    from reconciler.plan.plan import Plan, Refusal
    from reconciler.plan.registration import Registration, RowChange
    from reconciler.views.view import View


def render(view: View, *, full: bool = False) -> Page:
    """The view as text for people; long groups are cut unless ``full``."""
    match view:
        case PlanView(saved=True, made=Made() as about):
            return saved_plan(view.plan, about, full=full)
        case PlanView():
            return plan(view.plan, stale=view.stale, full=full)
        case DriftView():
            return drift(view.plan, full=full)
        case ReportView():
            return report(view.report, journal=view.journal, full=full)
        case ProblemsView():
            return problems_text.render(view.problems, view.desired)
        case _:
            assert_never(view)


def plan(plan: Plan, *, stale: Sequence[Stale] = (), full: bool = False) -> Page:
    """The whole plan, with the tenants that a saved plan holds back; long groups are cut unless ``full``."""
    return Page(lambda: _plan(plan, stale, NO_LIMITS if full else ListLimits()))


def saved_plan(plan: Plan, made: Made, *, full: bool = False) -> Page:
    """A saved plan, and where it comes from."""
    about = paragraph(saved_plan_origin(plan.fleet, made), symbols.ASIDE)
    return Page(lambda: chain((about, blank_line()), _plan(plan, (), NO_LIMITS if full else ListLimits())))


def _plan(plan: Plan, stale: Sequence[Stale], extent: ListLimits) -> Iterator[Line | CommaList]:
    yield from sections.api_host(plan.api_host)
    yield from sections.tenants_by_kind(plan.tenants, PLAN, extent)
    for title, refusals in held_back(plan).items():
        yield from _held_back(title, refusals, extent)
    yield from _stale(stale, extent)
    for title, found in conflicts_by_cause(plan).items():
        yield from sections.conflicts(title, found, extent)
    yield from sections.waiting(plan.waiting, extent)
    yield from sections.file_changes(plan, extent)
    yield from sections.orphans(plan.orphans, extent)
    yield from sections.notes(plan.notes, extent)
    yield from _plan_summary(plan, len(stale))


def _held_back(title: str, held: Sequence[Refusal], extent: ListLimits) -> Iterator[Line | CommaList]:
    if not held:
        return
    yield from heading(title, count_held_back(held))
    refusals = same_refusals(held)
    for refusal in refusals[: extent.blocks]:
        yield from sections.refusal(refusal, extent, naming=not refusal.actions)
        planned = by_tenant(refusal.actions)
        yield from indented(sections.tenants(planned, PLAN, extent.inside), by=3)
    yield from sections.not_shown_of(refusals, extent, "refusal")
    yield from sections.rules_page()


def _stale(stale: Sequence[Stale], extent: ListLimits) -> Iterator[Line | CommaList]:
    """What would be done now beside what the saved plan has in its place; the same message is told once."""
    if not stale:
        return
    yield from heading("Stale", len(stale))
    alike: dict[str, list[Stale]] = {}
    for one in stale:
        alike.setdefault(one.message, []).append(one)
    messages = list(alike)
    for message in messages[: extent.blocks]:
        group = alike[message]
        yield from sections.stale(message, [one.tenant for one in group], extent)
        yield from _beside("not permitted", (action for one in group for action in one.fresh), extent)
        yield from _beside("in the saved plan", (action for one in group for action in one.saved), extent)
    yield from sections.not_shown_of(messages, extent, "reason")


def _beside(title: str, actions: Iterable[Action], extent: ListLimits) -> Iterator[Line | CommaList]:
    if tenants := by_tenant(actions):
        yield Line(styled(f"{title}:", symbols.ASIDE), indent=5)
        yield from indented(sections.tenants(tenants, PLAN, extent.inside), by=3)


def _plan_summary(plan: Plan, stale: int) -> Iterator[Line | CommaList]:
    yield paragraph(plan_summary(plan, stale), symbols.HEADING)
    if not plan.empty:
        yield paragraph(budget(plan.budget))
    yield from map(paragraph, coverage(plan.coverage))


def drift(plan: Plan, *, full: bool = False) -> Page:
    """Everything that a plan found to differ; long groups are cut unless ``full``."""
    return Page(lambda: _drift(plan, NO_LIMITS if full else ListLimits()))


def _drift(plan: Plan, extent: ListLimits) -> Iterator[Piece]:
    found = differing(plan)
    yield from sections.api_host(plan.api_host)
    yield from sections.tenants_by_kind(found, DRIFT, extent)
    yield from _not_repaired(plan, extent)
    yield from sections.conflicts(CONFLICTS, plan.conflicts, extent)
    yield from sections.orphans(plan.orphans, extent)
    yield from sections.notes(plan.notes, extent)
    yield paragraph(drift_summary(plan, len(found)), symbols.HEADING)
    yield from map(paragraph, coverage(plan.coverage))


def _not_repaired(plan: Plan, extent: ListLimits) -> Iterator[Piece]:
    if plan.refusals:
        yield from heading("Not changed by apply", count_held_back(plan.refusals))
        refusals = same_refusals(plan.refusals)
        for refusal in refusals[: extent.blocks]:
            yield from sections.refusal(refusal, extent, naming=True)
        yield from sections.not_shown_of(refusals, extent, "refusal")
        yield from sections.rules_page()


_DONE: Final = {
    "created": Kind.CREATE,
    "recovered": Kind.RECOVER,
    "adopted": Kind.ADOPT,
    "upgraded": Kind.UPGRADE,
    "downgraded": Kind.DOWNGRADE,
    "changed": Kind.CHANGE,
    "deleted": Kind.DELETE,
    "gone": Kind.DELETE,
}
_DONE_WIDTH: Final = max(map(len, _DONE))


def report(report: Report, *, journal: str | None, full: bool = False) -> Page:
    """The whole report; ``journal`` is where every call is written down."""
    return Page(lambda: _report(report, journal, NO_LIMITS if full else ListLimits()))


def _report(report: Report, journal: str | None, extent: ListLimits) -> Iterator[Piece]:
    yield from sections.api_host(report.api_host)
    yield from _applied(_with(report, Result.APPLIED), extent)
    yield from _duplicates(report, extent)
    yield from _alike("Unchanged", _with(report, Result.UNCHANGED), extent)
    yield from _alike("Skipped", _with(report, Result.SKIPPED), extent)
    yield from _alike("Failed", _with(report, Result.FAILED), extent)
    yield from _reservations(report, extent)
    if report.stopped is not None:
        yield Line(styled("Stopped: ", symbols.REFUSED.style), styled(report.stopped))
    yield paragraph(report_summary(report), symbols.HEADING)
    if copies := branches_and_snapshots_done(applied_actions(report)):
        yield paragraph(f"{copies}.")
    elapsed = duration((report.finished_at - report.started_at).total_seconds())
    yield Line(styled(f"{counted(report.calls, 'call')} in {elapsed}; run {report.run}.", symbols.ASIDE))
    if journal is not None:
        yield UnbrokenLine(styled(f"Journal: {journal}", symbols.ASIDE))


def _with(report: Report, result: Result) -> list[TenantOutcome]:
    return [outcome for outcome in report.outcomes if outcome.result is result]


def _applied(outcomes: Sequence[TenantOutcome], extent: ListLimits) -> Iterator[Piece]:
    if not outcomes:
        return
    yield from heading("Applied", len(outcomes))
    for verb, kind in _DONE.items():
        if members := [outcome for outcome in outcomes if _verb(outcome) == verb]:
            sign = symbols.symbol_of_kind(kind)
            lead = styled(f"{sign.text:<3}{verb:<{_DONE_WIDTH}}  ", sign.style)
            yield CommaList(lead, _named_members(members, extent), indent=2)
    yield blank_line()


def _verb(outcome: TenantOutcome) -> str:
    """What was done; a project that this run has no record of deleting was gone before."""
    kind = _kind(outcome)
    if kind is Kind.DELETE and outcome.deletion is None:
        return "gone"
    return next(verb for verb, done in _DONE.items() if done is kind)


def _kind(outcome: TenantOutcome) -> Kind:
    return kind_of(one.action for one in outcome.actions)


def _named_members(members: Sequence[TenantOutcome], extent: ListLimits) -> tuple[FormattedText, ...]:
    shown = members[: extent.blocks]
    rest = len(members) - len(shown)
    return (*map(_named, shown), *([formatted(f"and {rest:,} more")] if rest else []))


def _named(outcome: TenantOutcome) -> FormattedText:
    name = outcome.tenant
    if outcome.deletion is not None:
        until = f"{outcome.deletion.recoverable_until:%Y-%m-%d %H:%M} UTC"
        return formatted(f"{{}} (recoverable until {until} by recover: {{}})", name, outcome.deletion.project_id)
    if _kind(outcome) in {Kind.CREATE, Kind.RECOVER} and outcome.project_id is not None:
        return formatted("{} ({})", name, outcome.project_id)
    return formatted("{}", name)


def _alike(title: str, outcomes: Sequence[TenantOutcome], extent: ListLimits) -> Iterator[Piece]:
    """Tenants that ended for the same reason, together."""
    if not outcomes:
        return
    yield from heading(title, len(outcomes))
    alike: dict[tuple[str | FormattedText, ...], list[TenantOutcome]] = {}
    for outcome in outcomes:
        alike.setdefault(_cause(outcome), []).append(outcome)
    groups = list(alike.values())
    for group in groups[: extent.blocks]:
        yield from _ended(group, extent)
        yield blank_line()
    if extent.blocks is not None and (beyond := groups[extent.blocks :]):
        yield from not_shown(sum(map(len, beyond)), "tenant")


def _reservations(report: Report, extent: ListLimits) -> Iterator[Piece]:
    """What did not go as it should beside actions that were applied, such as a row that could not be written."""
    told: dict[tuple[str, FormattedText], list[str]] = {}
    for outcome in report.outcomes:
        for one in outcome.actions:
            beside = one.result is Result.UNCHANGED and outcome.result is Result.APPLIED
            if (beside or one.result is Result.APPLIED) and one.message not in ("", GONE):  # its line says so
                told.setdefault((one.message, will_do(one.action)), []).append(outcome.tenant)
    if not told:
        return
    yield from heading("Applied with warnings", sum(map(len, told.values())))
    groups = list(told.items())
    for (message, done), tenants in groups[: extent.blocks]:
        sign = symbols.STALE
        yield Line(
            styled(f"{sign.text:<3}", sign.style), styled(names(tenants, extent.names), symbols.HEADING), indent=2
        )
        yield Line(EMPTY, styled(message), indent=5)
        yield Line(styled("action: ", symbols.ASIDE), styled(done), indent=5)
        yield blank_line()
    if extent.blocks is not None and (beyond := groups[extent.blocks :]):
        yield from not_shown(sum(len(tenants) for _, tenants in beyond), "tenant")


def _duplicates(report: Report, extent: ListLimits) -> Iterator[Piece]:
    """Each second project that was deleted, with everything that proved that it held nothing."""
    done = [action for action in applied_actions(report) if isinstance(action, DeleteDuplicate)]
    if not done:
        return
    yield from heading("Second projects deleted", len(done))
    for action in done[: extent.blocks]:
        yield Line(styled(f"{symbols.DELETE.text:<3}", symbols.DELETE.style), styled(action.tenant), indent=2)
        yield from (Line(EMPTY, styled(sentence), indent=5) for sentence in action.proof)
        yield blank_line()
    if extent.blocks is not None and (beyond := done[extent.blocks :]):
        yield from not_shown(len(beyond), "project")


def _cause(outcome: TenantOutcome) -> tuple[str | FormattedText, ...]:
    ending = _ending(outcome)
    if ending is None:
        return ()
    told = (will_do(ending.action), ending.message, ending.hint or "")
    return (*told, *_applied_before(outcome), *_not_tried(outcome))


def _ending(outcome: TenantOutcome) -> ActionOutcome | None:
    """The action at which the tenant stopped."""
    return next((one for one in outcome.actions if one.result is outcome.result), None)


def _ended(group: Sequence[TenantOutcome], extent: ListLimits) -> Iterator[Piece]:
    first = group[0]
    sign = symbols.REFUSED if first.result is Result.FAILED else symbols.SKIPPED
    tenants = names([outcome.tenant for outcome in group], extent.names)
    yield Line(styled(f"{sign.text:<3}", sign.style), styled(tenants, symbols.HEADING), indent=2)
    if ending := _ending(first):
        yield from _why(ending)
    for title, deeds in (("applied before: ", _applied_before(first)), ("not attempted: ", _not_tried(first))):
        if deeds:
            yield CommaList(styled(title, symbols.ASIDE), deeds, indent=5)


def _why(ending: ActionOutcome) -> Iterator[Piece]:
    yield Line(EMPTY, styled(ending.message), indent=5)
    if ending.hint is not None:
        yield Line(styled("hint: ", symbols.ASIDE), styled(ending.hint), indent=5)
    if ending.request_id is not None and ending.request_id not in ending.message:
        yield Line(styled("request id: ", symbols.ASIDE), styled(ending.request_id), indent=5)
    if ending.result is Result.FAILED:
        yield Line(styled("failed at: ", symbols.ASIDE), styled(will_do(ending.action)), indent=5)


def _applied_before(outcome: TenantOutcome) -> tuple[FormattedText, ...]:
    return tuple(will_do(one.action) for one in outcome.actions if one.result is Result.APPLIED)


def _not_tried(outcome: TenantOutcome) -> tuple[FormattedText, ...]:
    if outcome.result is Result.SKIPPED:
        return ()
    return tuple(will_do(one.action) for one in outcome.actions if one.result is Result.SKIPPED)


def registry(rebuilt: Registration, rows: int, api_host: str | None = None) -> Page:
    """Every row that was changed, what is left, and how many rows there are now."""
    return Page(lambda: _registry(rebuilt, rows, api_host))


def _registry(rebuilt: Registration, rows: int, api_host: str | None) -> Iterator[Piece]:
    yield from sections.api_host(api_host)
    yield from _row_changes("Rows changed", rebuilt.changes)
    yield from _row_changes("Rows not changed", rebuilt.waiting)
    yield from sections.conflicts(CONFLICTS, rebuilt.conflicts, NO_LIMITS)
    done = counted(len(rebuilt.changes), "row") + " changed" if rebuilt.changes else "Nothing to change"
    yield paragraph(f"{done}; the registry has {counted(rows, 'row')}.", symbols.HEADING)


def _row_changes(title: str, changes: Sequence[RowChange]) -> Iterator[Piece]:
    if not changes:
        return
    yield from heading(title, len(changes))
    for change in changes:
        yield Line(styled(f"{change.tenant}  ", symbols.HEADING), styled(change.message), indent=2)
    yield blank_line()
