"""What a plan or a report means for the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ExitCode, weightiest
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.plan.approval import Stale
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan

_FAILURE = {
    ExitCode.INVALID: "invalid",
    ExitCode.STALE: "stale",
    ExitCode.REFUSED: "refused",
    ExitCode.INCOMPLETE_VIEW: "incomplete",
    ExitCode.CHANGES: "drift",
}
"""Codes that --fail-on can switch off, by the word that keeps them on."""


def of_plan(plan: Plan, fail_on: Collection[str], *, detailed: bool) -> ExitCode:
    """DONE even where there is something to do, unless ``detailed``."""
    return _weigh(_standing(plan, changes=detailed), fail_on)


def of_drift(plan: Plan, fail_on: Collection[str]) -> ExitCode:
    """CHANGES for anything that differs: actions, what cannot be done, conflicts, orphans of ours."""
    return _weigh(_differing(plan), fail_on)


def of_apply(plan: Plan, report: Report, fail_on: Collection[str], *, stale: Collection[Stale] = ()) -> ExitCode:
    """What the plan left standing, what a saved plan held back, and what became of the rest."""
    codes = list(_standing(plan, changes=False))
    if stale:
        codes.append(ExitCode.STALE)
    if report.stopped_by is not None:
        codes.append(report.stopped_by)
    if report.count(Result.FAILED) or report.count(Result.SKIPPED):
        codes.append(ExitCode.PARTLY_APPLIED)
    return _weigh(codes, fail_on)


def _standing(plan: Plan, *, changes: bool) -> Iterator[ExitCode]:
    reported = [refusal for refusal in plan.refusals if refusal.rule is Rule.DRIFT_POLICY]
    incomplete = [refusal for refusal in plan.refusals if refusal.rule is Rule.INCOMPLETE_VIEW]
    if plan.conflicts or len(plan.refusals) > len(reported) + len(incomplete):
        yield ExitCode.REFUSED
    if plan.coverage.unknown or incomplete:
        yield ExitCode.INCOMPLETE_VIEW
    if plan.coverage.held_back:
        yield ExitCode.INVALID
    if changes and (plan.tenants or reported):
        yield ExitCode.CHANGES


def _differing(plan: Plan) -> Iterator[ExitCode]:
    if (
        plan.tenants
        or plan.refusals
        or plan.conflicts
        or any(orphan.owned is not False for orphan in plan.orphans)
    ):
        yield ExitCode.CHANGES
    if plan.coverage.unknown:
        yield ExitCode.INCOMPLETE_VIEW
    if plan.coverage.held_back:
        yield ExitCode.INVALID


def _weigh(codes: Collection[ExitCode] | Iterator[ExitCode], fail_on: Collection[str]) -> ExitCode:
    return weightiest(code for code in codes if code not in _FAILURE or _FAILURE[code] in fail_on)
