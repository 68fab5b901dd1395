"""The outcomes of tenants, in the words and groups that text and Markdown share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.project import DeleteDuplicate
from reconciler.plan.outcome import GONE, Result
from reconciler.plan.summary import ChangeKind, applied_actions, kind_of
from reconciler.views.actions import will_do
from reconciler.views.formatted_text import FormattedText, formatted
from reconciler.views.grouping import grouped
from reconciler.views.sentences import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome

DONE: Final = {
    "created": ChangeKind.CREATE,
    "recovered": ChangeKind.RECOVER,
    "adopted": ChangeKind.ADOPT,
    "upgraded": ChangeKind.UPGRADE,
    "downgraded": ChangeKind.DOWNGRADE,
    "changed": ChangeKind.CHANGE,
    "restored": ChangeKind.RESTORE,
    "deleted": ChangeKind.DELETE,
    "gone": ChangeKind.DELETE,
}
"""What was done to a tenant, in the order of outputs."""


def with_result(report: Report, result: Result) -> list[TenantOutcome]:
    """The tenants with this result, in the order of the report."""
    return [outcome for outcome in report.outcomes if outcome.result is result]


def by_verb(outcomes: Sequence[TenantOutcome]) -> dict[str, list[TenantOutcome]]:
    """Tenants to which something was applied, by what was done."""
    found = grouped(outcomes, _verb)
    return {verb: found[verb] for verb in DONE if verb in found}


def _verb(outcome: TenantOutcome) -> str:
    """What was done; a project that this run has no record of deleting was gone before."""
    kind = _kind(outcome)
    if kind is ChangeKind.DELETE and outcome.deletion is None:
        return "gone"
    return next(verb for verb, done in DONE.items() if done is kind)


def _kind(outcome: TenantOutcome) -> ChangeKind:
    return kind_of(one.action for one in outcome.actions)


def named(outcome: TenantOutcome) -> FormattedText:
    """The tenant; with its project if that is new, and until when a deleted one can be recovered."""
    name = outcome.tenant
    if outcome.deletion is not None:
        until = f"{outcome.deletion.recoverable_until:%Y-%m-%d %H:%M} UTC"
        dump = formatted("; dumped to {}", outcome.deletion.dump) if outcome.deletion.dump else formatted("")
        template = f"{{}} (recoverable until {until} by recover: {{}}{{}})"
        return formatted(template, name, outcome.deletion.project_id, dump)
    if _kind(outcome) in {ChangeKind.CREATE, ChangeKind.RECOVER} and outcome.project_id is not None:
        return formatted("{} ({})", name, outcome.project_id)
    return formatted("{}", name)


def duplicates(report: Report) -> list[DeleteDuplicate]:
    """The second projects that were deleted."""
    return [action for action in applied_actions(report) if isinstance(action, DeleteDuplicate)]


def by_warning(report: Report) -> list[list[tuple[str, ActionOutcome]]]:
    """Warnings about actions that were applied, those of the same words together: each with its tenant."""
    warnings = grouped(_warnings(report), lambda warning: (warning[1].message, will_do(warning[1].action)))
    return list(warnings.values())


def _warnings(report: Report) -> Iterator[tuple[str, ActionOutcome]]:
    for outcome in report.outcomes:
        for one in outcome.actions:
            beside = one.result is Result.UNCHANGED and outcome.result is Result.APPLIED
            if (beside or one.result is Result.APPLIED) and one.message not in ("", GONE):  # its line says so
                yield outcome.tenant, one


def by_cause(outcomes: Sequence[TenantOutcome]) -> list[list[TenantOutcome]]:
    """Tenants that ended for the same reason, together."""
    return list(grouped(outcomes, _cause).values())


def _cause(outcome: TenantOutcome) -> tuple[str | FormattedText, ...]:
    ending = ending_of(outcome)
    if ending is None:
        return ()
    key = (will_do(ending.action), ending.message, ending.hint or "")
    return (*key, *done_before(outcome), *not_tried(outcome))


def ending_of(outcome: TenantOutcome) -> ActionOutcome | None:
    """The action at which the tenant stopped."""
    return next((one for one in outcome.actions if one.result is outcome.result), None)


def helped(group: Sequence[TenantOutcome]) -> bool:
    """Whether the ending that these tenants share says by itself what to do."""
    ending = ending_of(group[0])
    return ending is not None and ending.hint is not None


def action_lists(outcome: TenantOutcome) -> Iterator[tuple[str, tuple[FormattedText, ...]]]:
    """The applied actions of a tenant that stopped, and those that were not attempted, each with its title."""
    before = "applied before:" if outcome.result is Result.FAILED else "applied:"
    for title, found in ((before, done_before(outcome)), ("not attempted:", not_tried(outcome))):
        if found:
            yield title, found


def done_before(outcome: TenantOutcome) -> tuple[FormattedText, ...]:
    """The actions that were applied."""
    return tuple(will_do(one.action) for one in outcome.actions if one.result is Result.APPLIED)


def not_tried(outcome: TenantOutcome) -> tuple[FormattedText, ...]:
    """The actions after the one that failed."""
    if outcome.result is Result.SKIPPED:
        return ()
    return tuple(will_do(one.action) for one in outcome.actions if one.result is Result.SKIPPED)


def work(report: Report) -> str:
    """``31 calls in 12 s; run 7f3a91.``."""
    elapsed = duration((report.finished_at - report.started_at).total_seconds())
    return f"{counted(report.calls, 'call')} in {elapsed}; run {report.run}."
