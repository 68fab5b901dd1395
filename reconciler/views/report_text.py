"""The report of an apply as text: what became of every tenant, failures last and in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import DeleteDuplicate
from reconciler.plan.outcome import GONE, Result
from reconciler.views import remarks, signs
from reconciler.views.blocks import WHOLE, Extent, heading, more
from reconciler.views.grouping import Kind, applied_actions, kind_of
from reconciler.views.layout import Line, Page, Piece, Series, Whole, blank, said
from reconciler.views.phrase import Phrase, phrase
from reconciler.views.voice import deed
from reconciler.views.wording import copies_done, counted, duration, names, report_summary
from reconciler.views.words import NOTHING, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome

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


def render(report: Report, *, journal: str | None, full: bool = False) -> Page:
    """The whole report; ``journal`` is where every call is written down."""
    return Page(lambda: _pieces(report, journal, WHOLE if full else Extent()))


def _pieces(report: Report, journal: str | None, extent: Extent) -> Iterator[Piece]:
    yield from remarks.api_host(report.api_host)
    yield from _applied(_with(report, Result.APPLIED), extent)
    yield from _duplicates(report, extent)
    yield from _alike("Unchanged", _with(report, Result.UNCHANGED), extent)
    yield from _alike("Skipped", _with(report, Result.SKIPPED), extent)
    yield from _alike("Failed", _with(report, Result.FAILED), extent)
    yield from _reservations(report, extent)
    if report.stopped is not None:
        yield Line(words("Stopped: ", signs.REFUSED.style), words(report.stopped))
    yield said(report_summary(report), signs.HEADING)
    if copies := copies_done(applied_actions(report)):
        yield said(f"{copies}.")
    elapsed = duration((report.finished_at - report.started_at).total_seconds())
    yield Line(words(f"{counted(report.calls, 'call')} in {elapsed}; run {report.run}.", signs.ASIDE))
    if journal is not None:
        yield Whole(words(f"Journal: {journal}", signs.ASIDE))


def _with(report: Report, result: Result) -> list[TenantOutcome]:
    return [outcome for outcome in report.outcomes if outcome.result is result]


def _applied(outcomes: Sequence[TenantOutcome], extent: Extent) -> Iterator[Piece]:
    if not outcomes:
        return
    yield from heading("Applied", len(outcomes))
    for verb, kind in _DONE.items():
        if members := [outcome for outcome in outcomes if _verb(outcome) == verb]:
            sign = signs.of_kind(kind)
            lead = words(f"{sign.text:<3}{verb:<{_DONE_WIDTH}}  ", sign.style)
            yield Series(lead, _told(members, extent), indent=2)
    yield blank()


def _verb(outcome: TenantOutcome) -> str:
    """What was done; a project that this run has no record of deleting was gone before."""
    kind = _kind(outcome)
    if kind is Kind.DELETE and outcome.deletion is None:
        return "gone"
    return next(verb for verb, done in _DONE.items() if done is kind)


def _kind(outcome: TenantOutcome) -> Kind:
    return kind_of(one.action for one in outcome.actions)


def _told(members: Sequence[TenantOutcome], extent: Extent) -> tuple[Phrase, ...]:
    shown = members[: extent.blocks]
    rest = len(members) - len(shown)
    return (*map(_named, shown), *([phrase(f"and {rest:,} more")] if rest else []))


def _named(outcome: TenantOutcome) -> Phrase:
    name = outcome.tenant
    if outcome.deletion is not None:
        until = f"{outcome.deletion.recoverable_until:%Y-%m-%d %H:%M} UTC"
        return phrase(f"{{}} (recoverable until {until} by recover: {{}})", name, outcome.deletion.project_id)
    if _kind(outcome) in {Kind.CREATE, Kind.RECOVER} and outcome.project_id is not None:
        return phrase("{} ({})", name, outcome.project_id)
    return phrase("{}", name)


def _alike(title: str, outcomes: Sequence[TenantOutcome], extent: Extent) -> Iterator[Piece]:
    """Tenants that ended for the same reason, together."""
    if not outcomes:
        return
    yield from heading(title, len(outcomes))
    alike: dict[tuple[str | Phrase, ...], list[TenantOutcome]] = {}
    for outcome in outcomes:
        alike.setdefault(_cause(outcome), []).append(outcome)
    groups = list(alike.values())
    for group in groups[: extent.blocks]:
        yield from _ended(group, extent)
        yield blank()
    if extent.blocks is not None and (beyond := groups[extent.blocks :]):
        yield from more(sum(map(len, beyond)), "tenant")


def _reservations(report: Report, extent: Extent) -> Iterator[Piece]:
    """What did not go as it should beside actions that were applied, such as a row that could not be written."""
    told: dict[tuple[str, Phrase], list[str]] = {}
    for outcome in report.outcomes:
        for one in outcome.actions:
            beside = one.result is Result.UNCHANGED and outcome.result is Result.APPLIED
            if (beside or one.result is Result.APPLIED) and one.message not in ("", GONE):  # its line says so
                told.setdefault((one.message, deed(one.action)), []).append(outcome.tenant)
    if not told:
        return
    yield from heading("Applied, but", sum(map(len, told.values())))
    groups = list(told.items())
    for (message, done), tenants in groups[: extent.blocks]:
        sign = signs.STALE
        yield Line(
            words(f"{sign.text:<3}", sign.style), words(names(tenants, extent.names), signs.HEADING), indent=2
        )
        yield Line(NOTHING, words(message), indent=5)
        yield Line(words("beside: ", signs.ASIDE), words(done), indent=5)
        yield blank()
    if extent.blocks is not None and (beyond := groups[extent.blocks :]):
        yield from more(sum(len(tenants) for _, tenants in beyond), "tenant")


def _duplicates(report: Report, extent: Extent) -> Iterator[Piece]:
    """Each second project that was deleted, with everything that proved that it held nothing."""
    done = [action for action in applied_actions(report) if isinstance(action, DeleteDuplicate)]
    if not done:
        return
    yield from heading("Second projects deleted", len(done))
    for action in done[: extent.blocks]:
        yield Line(words(f"{signs.DELETE.text:<3}", signs.DELETE.style), words(action.tenant), indent=2)
        yield from (Line(NOTHING, words(sentence), indent=5) for sentence in action.proof)
        yield blank()
    if extent.blocks is not None and (beyond := done[extent.blocks :]):
        yield from more(len(beyond), "project")


def _cause(outcome: TenantOutcome) -> tuple[str | Phrase, ...]:
    ending = _ending(outcome)
    if ending is None:
        return ()
    told = (deed(ending.action), ending.message, ending.hint or "")
    return (*told, *_applied_before(outcome), *_not_tried(outcome))


def _ending(outcome: TenantOutcome) -> ActionOutcome | None:
    """The action at which the tenant stopped."""
    return next((one for one in outcome.actions if one.result is outcome.result), None)


def _ended(group: Sequence[TenantOutcome], extent: Extent) -> Iterator[Piece]:
    first = group[0]
    sign = signs.REFUSED if first.result is Result.FAILED else signs.SKIPPED
    tenants = names([outcome.tenant for outcome in group], extent.names)
    yield Line(words(f"{sign.text:<3}", sign.style), words(tenants, signs.HEADING), indent=2)
    if ending := _ending(first):
        yield from _why(ending)
    for title, deeds in (("applied before: ", _applied_before(first)), ("not tried: ", _not_tried(first))):
        if deeds:
            yield Series(words(title, signs.ASIDE), deeds, indent=5)


def _why(ending: ActionOutcome) -> Iterator[Piece]:
    yield Line(NOTHING, words(ending.message), indent=5)
    if ending.hint is not None:
        yield Line(words("hint: ", signs.ASIDE), words(ending.hint), indent=5)
    if ending.request_id is not None:
        yield Line(words("request id: ", signs.ASIDE), words(ending.request_id), indent=5)
    if ending.result is Result.FAILED:
        yield Line(words("failed at: ", signs.ASIDE), words(deed(ending.action)), indent=5)


def _applied_before(outcome: TenantOutcome) -> tuple[Phrase, ...]:
    return tuple(deed(one.action) for one in outcome.actions if one.result is Result.APPLIED)


def _not_tried(outcome: TenantOutcome) -> tuple[Phrase, ...]:
    if outcome.result is Result.SKIPPED:
        return ()
    return tuple(deed(one.action) for one in outcome.actions if one.result is Result.SKIPPED)
