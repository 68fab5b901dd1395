"""The report of an apply as Markdown: what failed and what was skipped first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.plan.change import Risk
from reconciler.plan.outcome import Result
from reconciler.plan.summary import applied_actions
from reconciler.views.actions import utc_time, will_do
from reconciler.views.formatted_text import FormattedText, formatted, joined
from reconciler.views.grouping import grouped
from reconciler.views.markdown_findings import FindingList, blocks, stale
from reconciler.views.markdown_tables import OPEN_ROWS, section
from reconciler.views.markup import code, listed, paragraph, prose, row, stacked, strong, table, text
from reconciler.views.outcomes import (
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
from reconciler.views.remedies import (
    APPLIED,
    FAILED,
    SECOND_PROJECTS,
    SKIPPED,
    UNCHANGED,
    WITH_WARNINGS,
    remedy_of,
)
from reconciler.views.sentences import OTHER_HOST, branches_and_snapshots_done, counted, names, report_summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.actions.project import DeleteDuplicate
    from reconciler.plan.outcome import ActionOutcome, Harm, HarmedTenant, Report, TenantOutcome
    from reconciler.views.markdown_size import Size
    from reconciler.views.markup import Block, Markdown
    from reconciler.views.view import ReportView

DOCUMENT: Final = "the report"
_DONE: Final = tuple(map(text, ("result", "tenants", "names")))
_DELETED: Final = tuple(map(text, ("tenant", "recover it by", "until", "dumped to")))
"""The last column is there if something was dumped."""


class ReportParts:
    """The parts of a report."""

    def __init__(self, view: ReportView) -> None:
        report = view.report
        self.head = list(_head(report, len(view.stale)))
        applied = with_result(report, Result.APPLIED)
        self._deeds = by_verb(applied)
        self._applied = len(applied)
        self._deleted = [one for one in report.outcomes if one.deletion is not None]
        failed, skipped = with_result(report, Result.FAILED), with_result(report, Result.SKIPPED)
        self._urgent = [
            _ended(FAILED, failed),
            _harmed(report.harm),
            _ended(SKIPPED, skipped),
            stale(view.stale),
        ]
        self._others = [
            _duplicates(report),
            _warnings(report),
            _ended(UNCHANGED, with_result(report, Result.UNCHANGED)),
        ]
        self.closing = [paragraph(_closing(report, view.journal))]

    def blocks(self, size: Size) -> Iterator[Block]:
        """What needs a person, what was deleted, and what else was done."""
        yield from blocks([one for one in self._urgent if one.items], size, DOCUMENT)
        if self._deleted:
            yield _deleted_table(self._deleted, size)
        if self._applied:
            cells = table(
                _DONE, (_tenants_with_verb(verb, members, size) for verb, members in self._deeds.items())
            )
            yield section(APPLIED, self._applied, cells, 0, opened=True)
        yield from blocks([one for one in self._others if one.items], size, DOCUMENT)


def _head(report: Report, held_back: int) -> Iterator[Markdown]:
    if report.api_host is not None:
        yield strong(row(text(OTHER_HOST), code(report.api_host)))
    yield strong(text(report_summary(report)))
    if report.stopped is not None:
        yield row(strong(text("Stopped:")), prose(report.stopped))
    if done := branches_and_snapshots_done(applied_actions(report)):
        yield text(f"{done}.")
    if held_back:
        yield text(f"{counted(held_back, 'tenant')} stale: the saved plan does not permit what is planned now.")


def _closing(report: Report, journal: str) -> Iterator[Markdown]:
    yield text(f"Started {utc_time(report.started_at)}; {work(report)}")
    yield text(formatted("Journal: {}", journal))


def _ended(title: str, outcomes: Sequence[TenantOutcome]) -> FindingList:
    """Tenants that ended for the same reason, together."""
    groups = by_cause(outcomes)
    items = [partial(_ending, group) for group in groups]
    remedy = None if all(map(helped, groups)) else remedy_of(title)
    return FindingList(title, items, len(outcomes), _rank(outcomes), list(map(len, groups)), remedy)


def _rank(outcomes: Sequence[TenantOutcome]) -> Risk:
    """Failures are cut as late as what destroys something."""
    failed = any(one.result is Result.FAILED for one in outcomes)
    return Risk.DESTRUCTIVE if failed else Risk.SAFE


def _ending(group: Sequence[TenantOutcome], size: Size) -> Markdown:
    first = group[0]
    ending = ending_of(first)
    return stacked(
        (
            row(_count(len(group)), text(_with_requests(group, size.named(_rank(group))))),
            *(_why(ending) if ending is not None else ()),
            *(row(text(title), listed(map(text, found))) for title, found in action_lists(first)),
        )
    )


def _count(tenants: int) -> Markdown:
    return strong(text(f"{counted(tenants, 'tenant')}:")) if tenants > 1 else text("")


def _with_requests(group: Sequence[TenantOutcome], most: int | None) -> FormattedText:
    """The tenants, each with the id of the request that failed, as far as the message does not say it."""
    shown = group if most is None or len(group) <= most + 1 else group[:most]
    shown_names = joined(map(_with_request, shown))
    return (
        formatted(f"{{}} and {len(group) - len(shown):,} more", shown_names)
        if len(shown) < len(group)
        else shown_names
    )


def _with_request(outcome: TenantOutcome) -> FormattedText:
    ending = ending_of(outcome)
    if ending is None or ending.request_to_name is None:
        return formatted("{}", outcome.tenant)
    return formatted("{} (request id {})", outcome.tenant, ending.request_to_name)


def _why(ending: ActionOutcome) -> Iterator[Markdown]:
    yield prose(ending.message)
    if ending.hint is not None:
        yield row(text("hint:"), prose(ending.hint))
    if ending.result is Result.FAILED:
        yield row(text("failed at:"), text(will_do(ending.action)))


def _harmed(harm: Harm | None) -> FindingList:
    """Every tenant that is worse off since a wave, those with the same symptoms together."""
    if harm is None:
        return FindingList("", [], 0)
    groups = list(grouped(harm.tenants, lambda one: (one.symptoms, one.certain)).values())
    items = [partial(_symptoms, group) for group in groups]
    return FindingList(
        f"Worse off since wave {harm.wave:,}",
        items,
        len(harm.tenants),
        Risk.DESTRUCTIVE,
        list(map(len, groups)),
    )


def _symptoms(group: Sequence[HarmedTenant], size: Size) -> Markdown:
    whom = formatted("{}:", names([one.tenant for one in group], size.named(Risk.DESTRUCTIVE)))
    certain = [text("only the run can have caused it")] if group[0].certain else []
    return stacked((row(_count(len(group)), text(whom)), *map(text, group[0].symptoms), *certain))


def _deleted_table(outcomes: Sequence[TenantOutcome], size: Size) -> Block:
    """Every deleted project, with until when and how it comes back."""
    shown = size.cut(outcomes, lambda _: Risk.DESTRUCTIVE)
    columns = 4 if any(one.deletion and one.deletion.dump for one in outcomes) else 3
    rows = [one[:columns] for outcome in shown for one in _deletion(outcome)]
    cells = table(_DELETED[:columns], rows)
    beyond, opened = len(outcomes) - len(shown), len(shown) <= OPEN_ROWS
    return section(
        "Deleted projects", len(outcomes), cells, beyond, opened=opened, noun="projects", document=DOCUMENT
    )


def _deletion(outcome: TenantOutcome) -> Iterator[tuple[Markdown, ...]]:
    if (deletion := outcome.deletion) is not None:
        until = f"{deletion.recoverable_until:%Y-%m-%d %H:%M} UTC"
        dump = code(deletion.dump) if deletion.dump else text("")
        yield code(outcome.tenant), code(f"recover: {deletion.project_id}"), text(until), dump


def _tenants_with_verb(verb: str, members: Sequence[TenantOutcome], size: Size) -> tuple[Markdown, ...]:
    """What was done, to how many, and some of them."""
    shown = members[: size.samples]
    shown_names = [formatted("{}", one.tenant) if one.deletion is not None else named(one) for one in shown]
    more = [formatted(f"and {len(members) - len(shown):,} more")] if len(members) > len(shown) else []
    return text(verb), text(f"{len(members):,}"), text(joined([*shown_names, *more]))


def _warnings(report: Report) -> FindingList:
    """Warnings about actions that were applied."""
    groups = by_warning(report)
    items, weights = [partial(_warning, group) for group in groups], list(map(len, groups))
    return FindingList(WITH_WARNINGS, items, sum(weights), weights=weights, remedy=remedy_of(WITH_WARNINGS))


def _warning(group: Sequence[tuple[str, ActionOutcome]], size: Size) -> Markdown:
    warned = group[0][1]
    whom = text(formatted("{}:", names([tenant for tenant, _ in group], size.samples)))
    action = row(text("action:"), text(will_do(warned.action)))
    return stacked((row(_count(len(group)), whom), prose(warned.message), action))


def _duplicates(report: Report) -> FindingList:
    """Each second project that was deleted, with everything that proved that it held nothing."""

    def one(action: DeleteDuplicate, _: Size) -> Markdown:
        return stacked((text(formatted("{}:", action.tenant)), *map(text, action.proof)))

    items = [partial(one, action) for action in duplicates(report)]
    return FindingList(SECOND_PROJECTS, items, len(items), Risk.DESTRUCTIVE)
