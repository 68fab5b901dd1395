"""The notices of an apply and of a drift report: each is sent once, as long as it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.notice import SENT_ONCE, Findings, Notice, NoticeKey, Sent, Weight
from reconciler.plan.outcome import Result
from reconciler.views.actions import was_found, will_do
from reconciler.views.values import label, worded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.plan.action import Action
    from reconciler.plan.approval import Stale
    from reconciler.plan.change import FieldChange
    from reconciler.plan.outcome import Report, TenantOutcome
    from reconciler.plan.plan import Conflict, Plan, Refusal

DELETION, STOP = "deletion", "stop"
"""Topics of events: each is over once it was sent."""
FAILURE, REFUSAL, CONFLICT, STALE, DRIFT, ORPHAN = "failure", "refusal", "conflict", "stale", "drift", "orphan"
OF_APPLY: Final = frozenset({DELETION, STOP, FAILURE, REFUSAL, CONFLICT, STALE})
OF_DRIFT: Final = frozenset({DRIFT, ORPHAN})
EVENTS: Final = frozenset({DELETION, STOP})
MOST_CHARACTERS: Final = 200
"""Of a key: a registry stores no more."""


def of_apply(plan: Plan, report: Report, stale: Iterable[Stale], left_out: Collection[str]) -> Findings:
    """What failed, what was refused or needs a decision, and which projects were deleted, until when recoverable.

    A failure or a refusal lasts until a run that looks at its tenant has none. ``left_out``: the tenants that the
    selection leaves out.
    """
    notices = (
        *_stop(plan, report),
        *(notice for outcome in report.outcomes for notice in _outcome(outcome)),
        *(_refusal(refusal) for refusal in plan.refusals if refusal.asked_for),
        *(_conflict(conflict) for conflict in plan.conflicts if conflict.asked_for),
        *(_notice(STALE, one.tenant, "plan", f"{one.tenant}: {one.message}", "stale") for one in stale),
        *(notice for outcome in report.outcomes for notice in _deletion(outcome, report.run)),
    )
    return _findings(plan, notices, OF_APPLY, left_out, "reconciler plan")


def of_drift(plan: Plan, left_out: Collection[str]) -> Findings:
    """Every difference between live and the files, each until it is gone or becomes another one."""
    notices = (
        *(_drift(action, planned.tenant) for planned in plan.tenants for action in planned.actions),
        *(_conflict(conflict, DRIFT) for conflict in plan.conflicts),
        *(
            _notice(ORPHAN, orphan.tenant, orphan.project.id, f"{orphan.tenant}: project in no file", "in no file")
            for orphan in plan.orphans
            if orphan.owned is not False
        ),
    )
    return _findings(plan, notices, OF_DRIFT, left_out, "reconciler drift")


def _findings(
    plan: Plan, notices: Iterable[Notice], topics: frozenset[str], left_out: Collection[str], command: str
) -> Findings:
    unseen = frozenset(left_out)

    def looked_at(key: NoticeKey) -> bool:
        return key.topic in topics and (key.topic in EVENTS or key.subject not in unseen)

    ordered = sorted(notices, key=lambda notice: -notice.weight)
    return Findings(fleet=plan.fleet, notices=tuple(ordered), looked_at=looked_at, command=command)


def _stop(plan: Plan, report: Report) -> Iterator[Notice]:
    if report.stopped is not None:
        text = f"the run ended early: {report.stopped}"
        yield _notice(STOP, plan.fleet, "run", text, "ended early", Weight.FAILURE, Sent(0, report.run))


def _outcome(outcome: TenantOutcome) -> Iterator[Notice]:
    for one in outcome.actions:
        if one.result is Result.FAILED:
            words = str(will_do(one.action))
            text = f"{outcome.tenant}: {words} failed: {one.message}"
            yield _notice(FAILURE, outcome.tenant, words, text, "failed", Weight.FAILURE)


def _deletion(outcome: TenantOutcome, run: str) -> Iterator[Notice]:
    deletion = outcome.deletion
    if deletion is None:
        return
    until = f"{deletion.recoverable_until:%Y-%m-%d %H:%M} UTC"
    way = f"recover: {deletion.project_id} in its file brings it back until {until}"
    text = f"{outcome.tenant}: project deleted; {way}"
    yield _notice(DELETION, outcome.tenant, deletion.project_id, text, "deleted", Weight.INFO, Sent(0, run))


def _refusal(refusal: Refusal) -> Notice:
    first, *more = refusal.tenants or ("the fleet",)
    others = f" and {len(more):,} more" if more else ""
    text = f"{first}{others}: refused ({refusal.rule.value}): {refusal.message}"
    return _notice(REFUSAL, first, refusal.rule.value, text, "refused")


def _conflict(conflict: Conflict, topic: str = CONFLICT) -> Notice:
    return _notice(
        topic, conflict.tenant, "conflict", f"{conflict.tenant}: {conflict.message}", "needs a decision"
    )


def _drift(action: Action, tenant: str) -> Notice:
    paths = ", ".join(change.path for change in action.changes)
    found = str(was_found(action))
    differences = "; ".join(_difference(action, change) for change in action.changes)
    text = f"{tenant}: {found}{': ' if differences else ''}{differences}"
    return _notice(DRIFT, tenant, f"{found} {paths}", text, "differs")


def _difference(action: Action, change: FieldChange) -> str:
    """Return the field as people know it, with both values if the action is about values."""
    name = label(change.path)
    if action.verb != "change":
        return name
    live, files = (worded(change.path, value) for value in (change.before, change.after))
    return f"{name} live {live}, files {files}"


def _notice(
    topic: str,
    subject: str,
    what: str,
    text: str,
    heading: str,
    weight: Weight = Weight.WARNING,
    sent: Sent = SENT_ONCE,
) -> Notice:
    key = NoticeKey(topic, subject, what[:MOST_CHARACTERS])
    return Notice(key=key, text=text, heading=heading, weight=weight, sent=sent)
