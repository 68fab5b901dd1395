"""What a plan or a report means for the exit code.

The code is about what the run was asked to do. A refusal of that counts. Drift, and a conflict of a tenant that no
commit changed, is reported, and counts if ``--fail-on`` names it. A plan is asked to do what its files change; a
change that waits since an earlier commit is tried by apply, and counts there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.errors import ExitCode, ReconcilerError, weightiest
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.plan.approval import Stale
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.usage.usage import Usage

_FAILURE = {
    ExitCode.INVALID: "invalid",
    ExitCode.STALE: "stale",
    ExitCode.REFUSED: "refused",
    ExitCode.INCOMPLETE_VIEW: "incomplete",
    ExitCode.CHANGES: "drift",
}
"""Codes that --fail-on can switch off, by the word that keeps them on."""


def of_error(error: BaseException) -> ExitCode:
    """The code of a command that an error ends."""
    if isinstance(error, ReconcilerError):
        return error.exit_code
    return ExitCode.INTERRUPTED if isinstance(error, click.Abort | KeyboardInterrupt) else ExitCode.ERROR


def of_plan(plan: Plan, fail_on: Collection[str], *, detailed: bool) -> ExitCode:
    """DONE even if there is something to do, unless ``detailed``. ``fail_on`` is empty for the default."""
    codes = list(_standing(plan, fail_on, passed_on=plan.passed_on))
    if detailed:
        codes += _differing(plan)
    return _weigh(codes, fail_on)


def of_command(plan: Plan) -> ExitCode:
    """REFUSED if a guard refuses what the command asks for; DONE even if there is something to do."""
    return _weigh([ExitCode.REFUSED] if plan.refusals or plan.conflicts else [], ())


def of_drift(plan: Plan, fail_on: Collection[str]) -> ExitCode:
    """CHANGES for anything that differs: actions, what cannot be done, conflicts, orphans of ours; an account with
    projects of which files declare none."""
    return _weigh(_differing(plan), fail_on)


def of_usage(usage: Usage) -> ExitCode:
    """CHANGES if a threshold is crossed; INCOMPLETE_VIEW if Neon did not return the project of a tenant."""
    codes = [ExitCode.CHANGES] if usage.crossed else []
    return weightiest([*codes, ExitCode.INCOMPLETE_VIEW] if usage.unread else codes)


def of_apply(
    plan: Plan,
    report: Report,
    fail_on: Collection[str],
    *,
    stale: Collection[Stale] = (),
    named: bool = False,
    recorded: bool = True,
) -> ExitCode:
    """From what the plan left out, what a saved plan held back, and the outcomes of the rest.

    ``named`` says that the run was asked for each tenant by name: then whatever is refused was asked for;
    ``recorded``, that the base was moved, if the run had to move it.
    """
    codes = list(_standing(plan, fail_on))
    if not recorded:
        codes.append(ExitCode.ERROR)
    if named and plan.refusals:
        codes.append(ExitCode.REFUSED)
    return _weigh([*codes, *_of_outcomes(report, stale)], fail_on)


def of_report(report: Report, *, stale: Collection[Stale]) -> ExitCode:
    """From the outcomes alone: a report does not say what the plan left out."""
    return weightiest(_of_outcomes(report, stale))


def _of_outcomes(report: Report, stale: Collection[Stale]) -> Iterator[ExitCode]:
    if stale:
        yield ExitCode.STALE
    if report.stopped_by is not None:
        yield report.stopped_by
    if report.denied:
        yield ExitCode.DENIED
    if report.count(Result.FAILED) or report.count(Result.SKIPPED):
        yield ExitCode.PARTLY_APPLIED


def _standing(
    plan: Plan, fail_on: Collection[str], *, passed_on: frozenset[str] = frozenset()
) -> Iterator[ExitCode]:
    """``passed_on`` are tenants for which the run had nothing to do: they count if ``fail_on`` names the word."""
    others: frozenset[str] = frozenset() if "refused" in fail_on else passed_on
    incomplete = [refusal for refusal in plan.refusals if refusal.rule is Rule.INCOMPLETE_VIEW]
    asked = [refusal for refusal in plan.refusals if refusal.asked_for and refusal not in incomplete]
    refused = any(not refusal.tenants or not others.issuperset(refusal.tenants) for refusal in asked)
    in_conflict = [each for each in plan.conflicts if each.asked_for and each.tenant not in passed_on]
    if refused or in_conflict or (plan.conflicts and "conflict" in fail_on):
        yield ExitCode.REFUSED
    if "drift" in fail_on and not all(refusal.asked_for for refusal in plan.refusals):
        yield ExitCode.CHANGES
    yield from _not_read(plan, incomplete=bool(incomplete))


def _differing(plan: Plan) -> Iterator[ExitCode]:
    ours = any(orphan.owned is not False for orphan in plan.orphans)
    if plan.tenants or plan.refusals or plan.conflicts or ours or plan.coverage.undeclared:
        yield ExitCode.CHANGES
    yield from _not_read(plan)


def _not_read(plan: Plan, *, incomplete: bool = False) -> Iterator[ExitCode]:
    if plan.coverage.unknown or incomplete:
        yield ExitCode.INCOMPLETE_VIEW
    if plan.coverage.held_back:
        yield ExitCode.INVALID


def _weigh(codes: Iterable[ExitCode], fail_on: Collection[str]) -> ExitCode:
    return weightiest(code for code in codes if _counts(code, fail_on))


def _counts(code: ExitCode, fail_on: Collection[str]) -> bool:
    """A conflict ends with the code of a refusal, whichever of the two words is named."""
    words = {_FAILURE.get(code, ""), "conflict" if code is ExitCode.REFUSED else ""}
    return code not in _FAILURE or not fail_on or not words.isdisjoint(fail_on)
