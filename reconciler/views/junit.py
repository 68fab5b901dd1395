"""JUnit XML, which the viewers of most CI systems read: a case for each file, tenant or refusal.

The output of the suite is the whole text, so that a viewer says no less than the log of the job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, assert_never
from xml.sax.saxutils import escape, quoteattr

from reconciler.plan.outcome import Result
from reconciler.plan.summary import differing
from reconciler.views import plain_text
from reconciler.views.console import as_text
from reconciler.views.perspective import DRIFT, PLAN
from reconciler.views.safe_text import harmless, printable
from reconciler.views.sentences import names
from reconciler.views.view import DriftView, PlanView, ProblemsView, ReportView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.views.perspective import Perspective

Tested = ProblemsView | PlanView | DriftView | ReportView
_NAMED = 5


class Case(NamedTuple):
    """One case; it passes without a failure."""

    name: str
    failure: str | None = None
    output: str = ""
    """The output of a case that passes."""


def render(view: Tested, *, full: bool = False) -> str:
    """One suite. ``full`` concerns the text: of the cases a viewer shows as many as it likes."""
    match view:
        case ProblemsView():
            name, cases = "reconciler validate", _of_problems(view)
        case PlanView():
            name, cases = "reconciler plan", _of_plan(view.plan, view.plan.tenants, PLAN)
        case DriftView():
            name, cases = "reconciler drift", _of_plan(view.plan, differing(view.plan), DRIFT, fails=True)
        case ReportView():
            name, cases = "reconciler apply", _of_report(view)
        case _:
            assert_never(view)
    return _suite(name, list(cases), as_text(plain_text.render(view, full=full)))


def _of_problems(view: ProblemsView) -> Iterator[Case]:
    for problem in sorted(view.problems, key=lambda one: (one.location, one.message)):
        yield Case(f"{problem.location.file}:{problem.location.line}", str(problem))
    if not view.problems:
        yield Case("files")


def _of_plan(
    plan: Plan, tenants: Iterable[TenantPlan], perspective: Perspective, *, fails: bool = False
) -> Iterator[Case]:
    """What is refused or in conflict fails, and of drift every tenant that differs."""
    for refusal in plan.refusals:
        about = names(refusal.tenants, _NAMED) if refusal.tenants else "the whole run"
        output = f"{refusal.message}\nto allow it: {refusal.remedy}"
        yield Case(f"{refusal.rule.value}: {about}", output if refusal.asked_for or fails else None, output)
    for warning in plan.warnings:
        about = names(warning.tenants, _NAMED) if warning.tenants else "the whole run"
        yield Case(f"policy {warning.policy}: {about}", output=warning.message)
    for conflict in plan.conflicts:
        yield Case(f"conflict: {conflict.tenant}", f"{conflict.message}\nto resolve it: {conflict.remedy}")
    for tenant in tenants:
        did = "\n".join(str(perspective.action(action, tenant.project)) for action in tenant.actions)
        yield Case(tenant.tenant, did if fails else None, did)
    if plan.empty:
        yield Case("fleet")


def _of_report(view: ReportView) -> Iterator[Case]:
    for outcome in view.report.outcomes:
        output = "\n".join(one.message for one in outcome.actions if one.message)
        yield Case(
            outcome.tenant, output or outcome.result.value if outcome.result is Result.FAILED else None, output
        )
    if view.report.stopped is not None:
        yield Case("run", view.report.stopped)


def _suite(name: str, cases: list[Case], text: str) -> str:
    failed = sum(case.failure is not None for case in cases)
    counts = f'tests="{len(cases)}" failures="{failed}"'
    lines = "".join(map(_written, cases))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites {counts}>\n<testsuite name={quoteattr(name)} {counts}>\n{lines}"
        f"<system-out>{_text(text)}</system-out>\n</testsuite>\n</testsuites>\n"
    )


def _written(case: Case) -> str:
    opening = f'  <testcase classname="reconciler" name={quoteattr(printable(case.name))}'
    if case.failure is not None:
        first = printable(case.failure.split("\n", 1)[0])
        return (
            f"{opening}>\n    <failure message={quoteattr(first)}>{_text(case.failure)}</failure>\n  </testcase>\n"
        )
    end = f">\n    <system-out>{_text(case.output)}</system-out>\n  </testcase>\n" if case.output else "/>\n"
    return opening + end


def _text(text: str) -> str:
    return escape(harmless("\n".join(printable(line) for line in text.split("\n"))))
