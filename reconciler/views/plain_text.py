"""The outputs as text: plan, drift report, report of an apply, rebuilt registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from reconciler.plan.approval import PlanOrigin
from reconciler.plan.outcome import Result
from reconciler.plan.summary import applied_actions, by_tenant, differing
from reconciler.views import problems_text, sections, symbols
from reconciler.views.actions import will_do
from reconciler.views.coverage_sentences import budget, coverage
from reconciler.views.forecast_text import forecast_sentences
from reconciler.views.formatted_text import FormattedText, formatted
from reconciler.views.grouping import (
    CONFLICTS,
    NOT_APPLIED,
    NOT_POSSIBLE,
    conflicts_by_cause,
    grouped,
    held_back,
    same_refusals,
)
from reconciler.views.outcomes import (
    DONE,
    action_lists,
    by_cause,
    by_verb,
    by_warning,
    duplicates,
    ending_of,
    helped,
    named,
    with_result,
    work,
)
from reconciler.views.overview import authors_by_tenant, overviews
from reconciler.views.perspective import DRIFT, PLAN
from reconciler.views.remedies import (
    APPLIED,
    FAILED,
    SECOND_PROJECTS,
    SKIPPED,
    STALE,
    UNCHANGED,
    WITH_WARNINGS,
)
from reconciler.views.sections import NOBODY, heading, limits, section
from reconciler.views.sentences import (
    DIFF_SAYS_NOTHING_OF,
    branches_and_snapshots_done,
    count_held_back,
    diff_origin,
    diff_summary,
    drift_summary,
    names,
    plan_summary,
    report_summary,
    saved_plan_origin,
)
from reconciler.views.terminal import (
    EMPTY,
    CommaList,
    Line,
    Piece,
    UnbrokenLine,
    blank_line,
    indented,
    page,
    paragraph,
    styled,
)
from reconciler.views.view import (
    AdoptionView,
    AuditView,
    CollectedView,
    CostView,
    DiffView,
    DoctorView,
    DriftView,
    ExplainedView,
    HistoryView,
    PlanView,
    ProblemsView,
    RegistryView,
    ReportView,
    RowChangesView,
    UsageView,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.actions.project import DeleteDuplicate
    from reconciler.plan.approval import Stale
    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome
    from reconciler.plan.plan import Plan, Refusal, TenantPlan
    from reconciler.plan.plan_cost import PastCost
    from reconciler.views.perspective import Perspective
    from reconciler.views.sections import ListLimits
    from reconciler.views.terminal import Page
    from reconciler.views.view import View


def render(view: View, *, full: bool = False) -> Page:  # noqa: PLR0911 - one case for each view
    """The view as text for people; long groups are cut unless ``full``."""
    match view:
        case PlanView(saved=True, made=PlanOrigin() as about):
            return saved_plan(view.plan, about, full=full)
        case PlanView():
            return plan(view.plan, stale=view.stale, past_cost=view.past_cost, full=full)
        case DriftView():
            return drift(view.plan, full=full)
        case DiffView():
            return diff(view.plan, view.made, full=full)
        case ReportView():
            return report(view.report, journal=view.journal, full=full)
        case ProblemsView():
            return problems_text.render(view.problems, view.desired)
        case DoctorView():
            from reconciler.views import doctor_text  # noqa: PLC0415 - as below

            return doctor_text.render(view.diagnosis)
        case AdoptionView() | CollectedView():
            return _of_files(view, full=full)
        case (
            HistoryView()
            | ExplainedView()
            | UsageView()
            | CostView()
            | AuditView()
            | RegistryView()
            | RowChangesView()
        ):
            return _of_one_command(view, full=full)
        case _:
            assert_never(view)


def _of_files(view: AdoptionView | CollectedView, *, full: bool) -> Page:
    """What a command has written into files."""
    if isinstance(view, AdoptionView):
        from reconciler.views import adoption_text  # noqa: PLC0415 - as below

        return adoption_text.render(view, full=full)
    from reconciler.views import collected_text  # noqa: PLC0415 - as below

    return collected_text.render(view, full=full)


def _of_one_command(
    view: HistoryView | ExplainedView | UsageView | CostView | AuditView | RegistryView | RowChangesView,
    *,
    full: bool,
) -> Page:
    """The views that a single command shows: other commands do not import them."""
    if isinstance(view, HistoryView):
        from reconciler.views import history_text  # noqa: PLC0415

        return history_text.render(view.points)
    if isinstance(view, ExplainedView):
        from reconciler.views import explained_text  # noqa: PLC0415

        return explained_text.render(view.explained, live=view.live)
    if isinstance(view, RegistryView | RowChangesView):
        from reconciler.views import registry_text  # noqa: PLC0415

        return registry_text.render(view)
    if isinstance(view, AuditView):
        from reconciler.views import audit_text  # noqa: PLC0415

        return audit_text.render(view.audit, full=full)
    if isinstance(view, CostView):
        from reconciler.views import cost_text  # noqa: PLC0415

        return cost_text.cost(view.cost, full=full)
    from reconciler.views import usage_text  # noqa: PLC0415

    return usage_text.usage(view.usage, full=full)


@page
def plan(
    plan: Plan, *, stale: Sequence[Stale] = (), past_cost: PastCost | None = None, full: bool = False
) -> Iterator[Piece]:
    """The whole plan, with the tenants that a saved plan holds back; long groups are cut unless ``full``."""
    extent = limits(full=full)
    yield from sections.api_host(plan.api_host)
    yield from sections.observed_at(plan.observed_at)
    yield from _changes(plan, plan.tenants, PLAN, extent)
    for title, refusals in held_back(plan).items():
        yield from _refusals(title, refusals, extent, with_actions=True)
    yield from _stale(stale, extent)
    for title, found in conflicts_by_cause(plan).items():
        yield from sections.conflicts(title, found, extent)
    yield from sections.policy_warnings(plan, extent)
    yield from sections.waiting(plan.waiting, extent)
    yield from sections.file_changes(plan, extent)
    yield from sections.orphans(plan.orphans, extent)
    yield from sections.notes(plan.notes, extent)
    yield from _plan_summary(plan, len(stale), past_cost)


@page
def saved_plan(saved: Plan, made: PlanOrigin, *, full: bool = False) -> Iterator[Piece]:
    """A saved plan, and where it comes from."""
    yield paragraph(saved_plan_origin(saved.fleet, made), symbols.ASIDE)
    yield blank_line()
    yield from plan(saved, full=full).pieces()


def _changes(
    plan: Plan, members: Sequence[TenantPlan], perspective: Perspective, extent: ListLimits
) -> Iterator[Piece]:
    """The changes that tenants share, and then tenant by tenant; each commit is named once."""
    shared = overviews(plan, perspective)
    yield from sections.overview(shared, extent)
    authors = NOBODY if shared or perspective is DRIFT else authors_by_tenant(plan)
    yield from sections.tenants_by_kind(members, perspective, extent, authors)


def _refusals(title: str, held: Sequence[Refusal], extent: ListLimits, *, with_actions: bool) -> Iterator[Piece]:
    def one(refusal: Refusal) -> Iterator[Piece]:
        yield from sections.refusal(refusal, extent, naming=not (with_actions and refusal.actions))
        if with_actions:
            yield from indented(sections.tenants(by_tenant(refusal.actions), PLAN, extent.inside), by=3)

    yield from section(title, same_refusals(held), one, extent, "refusal", count=count_held_back(held))
    if held:
        yield from sections.rules_page()


def _stale(stale: Sequence[Stale], extent: ListLimits) -> Iterator[Piece]:
    """The actions of the new plan next to those of the saved plan; an equal message is printed once."""

    def one(group: Sequence[Stale]) -> Iterator[Piece]:
        yield from sections.stale(group[0].message, [each.tenant for each in group], extent)
        yield from _beside("not permitted", (action for each in group for action in each.fresh), extent)
        yield from _beside("in the saved plan", (action for each in group for action in each.saved), extent)

    groups = list(grouped(stale, lambda each: each.message).values())
    return section(STALE, groups, one, extent, "reason", count=len(stale))


def _beside(title: str, actions: Iterable[Action], extent: ListLimits) -> Iterator[Piece]:
    if tenants := by_tenant(actions):
        yield Line(styled(f"{title}:", symbols.ASIDE), indent=5)
        yield from indented(sections.tenants(tenants, PLAN, extent.inside), by=3)


def _plan_summary(plan: Plan, stale: int, past_cost: PastCost | None) -> Iterator[Piece]:
    yield paragraph(plan_summary(plan, stale), symbols.HEADING)
    yield from map(paragraph, forecast_sentences(plan))
    if not plan.empty:
        yield paragraph(budget(plan.budget))
    if plan.monthly_cost is not None or past_cost is not None:
        from reconciler.views.plan_cost import cost_sentences  # noqa: PLC0415 - for prices only

        yield from map(paragraph, cost_sentences(plan, past_cost))
    if plan.command is None:
        yield from map(paragraph, coverage(plan.coverage))


@page
def drift(plan: Plan, *, full: bool = False) -> Iterator[Piece]:
    """Everything that a plan found to differ; long groups are cut unless ``full``."""
    found, extent = differing(plan), limits(full=full)
    yield from sections.api_host(plan.api_host)
    yield from _changes(plan, found, DRIFT, extent)
    yield from _refusals(NOT_APPLIED, plan.refusals, extent, with_actions=False)
    yield from sections.conflicts(CONFLICTS, plan.conflicts, extent)
    yield from sections.policy_warnings(plan, extent)
    yield from sections.orphans(plan.orphans, extent)
    yield from sections.notes(plan.notes, extent)
    yield paragraph(drift_summary(plan, len(found)), symbols.HEADING)
    yield from map(paragraph, coverage(plan.coverage))


@page
def diff(plan: Plan, made: PlanOrigin, *, full: bool = False) -> Iterator[Piece]:
    """What a change of the files asks for; long groups are cut unless ``full``."""
    extent = limits(full=full)
    yield from _changes(plan, plan.tenants, PLAN, extent)
    yield from _refusals(NOT_POSSIBLE, plan.refusals, extent, with_actions=True)
    yield from sections.conflicts(CONFLICTS, plan.conflicts, extent)
    yield from sections.policy_warnings(plan, extent)
    yield from sections.file_changes(plan, extent)
    yield from sections.notes(plan.notes, extent)
    yield paragraph(diff_summary(plan), symbols.HEADING)
    yield paragraph(diff_origin(made))
    yield paragraph(DIFF_SAYS_NOTHING_OF, symbols.ASIDE)


_DONE_WIDTH: Final = max(map(len, DONE))


@page
def report(report: Report, *, journal: str | None, full: bool = False) -> Iterator[Piece]:
    """The whole report; ``journal`` is where every call is written down."""
    extent = limits(full=full)
    yield from sections.api_host(report.api_host)
    yield from _applied(with_result(report, Result.APPLIED), extent)
    yield from _duplicates(report, extent)
    yield from _alike(UNCHANGED, with_result(report, Result.UNCHANGED), extent)
    yield from _alike(SKIPPED, with_result(report, Result.SKIPPED), extent)
    yield from _alike(FAILED, with_result(report, Result.FAILED), extent)
    yield from _reservations(report, extent)
    if report.stopped is not None:
        yield Line(styled("Stopped: ", symbols.REFUSED.style), styled(report.stopped))
    yield paragraph(report_summary(report), symbols.HEADING)
    if done := branches_and_snapshots_done(applied_actions(report)):
        yield paragraph(f"{done}.")
    yield Line(styled(work(report), symbols.ASIDE))
    if journal is not None:
        yield UnbrokenLine(styled(f"Journal: {journal}", symbols.ASIDE))


def _applied(outcomes: Sequence[TenantOutcome], extent: ListLimits) -> Iterator[Piece]:
    if not outcomes:
        return
    yield from heading(APPLIED, len(outcomes))
    for verb, members in by_verb(outcomes).items():
        sign = symbols.symbol_of_kind(DONE[verb])
        lead = styled(f"{sign.text:<3}{verb:<{_DONE_WIDTH}}  ", sign.style)
        yield CommaList(lead, _named_members(members, extent), indent=2)
    yield blank_line()


def _named_members(members: Sequence[TenantOutcome], extent: ListLimits) -> tuple[FormattedText, ...]:
    shown = members[: extent.blocks]
    rest = len(members) - len(shown)
    return (*map(named, shown), *([formatted(f"and {rest:,} more")] if rest else []))


def _alike(title: str, outcomes: Sequence[TenantOutcome], extent: ListLimits) -> Iterator[Piece]:
    """Tenants that ended for the same reason, together."""

    def one(group: Sequence[TenantOutcome]) -> Iterator[Piece]:
        yield from _ended(group, extent)
        yield blank_line()

    groups = by_cause(outcomes)
    return section(title, groups, one, extent, "tenant", weight=len, helped=all(map(helped, groups)))


def _reservations(report: Report, extent: ListLimits) -> Iterator[Piece]:
    """Warnings about actions that were applied, such as a registry row that could not be written."""

    def one(group: Sequence[tuple[str, ActionOutcome]]) -> Iterator[Piece]:
        sign, (_, warned) = symbols.STALE, group[0]
        tenants = styled(names([tenant for tenant, _ in group], extent.names), symbols.HEADING)
        yield Line(styled(f"{sign.text:<3}", sign.style), tenants, indent=2)
        yield Line(EMPTY, styled(warned.message), indent=5)
        yield Line(styled("action: ", symbols.ASIDE), styled(will_do(warned.action)), indent=5)
        yield blank_line()

    return section(WITH_WARNINGS, by_warning(report), one, extent, "tenant", weight=len)


def _duplicates(report: Report, extent: ListLimits) -> Iterator[Piece]:
    """Each second project that was deleted, with everything that proved that it held nothing."""

    def one(action: DeleteDuplicate) -> Iterator[Piece]:
        yield Line(styled(f"{symbols.DELETE.text:<3}", symbols.DELETE.style), styled(action.tenant), indent=2)
        yield from (Line(EMPTY, styled(sentence), indent=5) for sentence in action.proof)
        yield blank_line()

    return section(SECOND_PROJECTS, duplicates(report), one, extent, "project")


def _ended(group: Sequence[TenantOutcome], extent: ListLimits) -> Iterator[Piece]:
    first = group[0]
    sign = symbols.REFUSED if first.result is Result.FAILED else symbols.SKIPPED
    tenants = names([outcome.tenant for outcome in group], extent.names)
    yield Line(styled(f"{sign.text:<3}", sign.style), styled(tenants, symbols.HEADING), indent=2)
    if ending := ending_of(first):
        yield from _why(ending)
    for title, found in action_lists(first):
        yield CommaList(styled(f"{title} ", symbols.ASIDE), found, indent=5)


def _why(ending: ActionOutcome) -> Iterator[Piece]:
    yield Line(EMPTY, styled(ending.message), indent=5)
    if ending.hint is not None:
        yield Line(styled("hint: ", symbols.ASIDE), styled(ending.hint), indent=5)
    if ending.request_to_name is not None:
        yield Line(styled("request id: ", symbols.ASIDE), styled(ending.request_to_name), indent=5)
    if ending.result is Result.FAILED:
        yield Line(styled("failed at: ", symbols.ASIDE), styled(will_do(ending.action)), indent=5)
