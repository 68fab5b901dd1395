"""Annotations of GitHub Actions: workflow commands that put a message beside a line of a pull request.

GitHub shows ten errors, ten warnings and ten notices of a step (docs: usage limits of annotations).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from reconciler.model.problem import Severity
from reconciler.plan.change import Risk
from reconciler.plan.outcome import Result
from reconciler.plan.summary import differing
from reconciler.views.grouping import field_changes, group_by_actions, held_back, same_refusals
from reconciler.views.overview import changed_lines
from reconciler.views.perspective import DRIFT, PLAN
from reconciler.views.safe_text import printable
from reconciler.views.sentences import counted, diff_summary, drift_summary, names, plan_summary, report_summary
from reconciler.views.values import label, worded
from reconciler.views.view import DiffView, DriftView, PlanView, ProblemsView, ReportView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.live.project import LiveProject
    from reconciler.model.problem import Location, Problem
    from reconciler.plan.action import Action
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.views.formatted_text import FormattedText
    from reconciler.views.perspective import Perspective

Annotated = ProblemsView | PlanView | DriftView | DiffView | ReportView
MOST: Final = 10
"""Annotations of one level that GitHub shows."""
_NAMED: Final = 5


class Level(Enum):
    """How GitHub shows it."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Annotation(NamedTuple):
    """One message, beside a line or about the whole run."""

    level: Level
    title: str
    message: str
    place: Location | None = None


def render(view: Annotated, *, full: bool = False) -> str:
    """One command in each line: all if ``full``, else ten of each level; the tenth states how many more exist."""
    found = list(_annotations(view))
    kept = found if full else [one for level in Level for one in _first([a for a in found if a.level is level])]
    return "".join(f"{_command(one)}\n" for one in kept)


def _annotations(view: Annotated) -> Iterator[Annotation]:
    match view:
        case ProblemsView():
            yield from map(_of_problem, sorted(view.problems, key=lambda one: (one.location, one.message)))
        case PlanView():
            yield from _of_plan(view.plan, view.plan.tenants, PLAN)
            yield Annotation(Level.NOTICE, "Plan", plan_summary(view.plan, len(view.stale)))
        case DriftView():
            found = differing(view.plan)
            yield from _of_plan(view.plan, found, DRIFT, risky=Level.WARNING)
            yield Annotation(Level.NOTICE, "Drift", drift_summary(view.plan, len(found)))
        case DiffView():
            yield from _of_plan(view.plan, view.plan.tenants, PLAN)
            yield Annotation(Level.NOTICE, "Diff", diff_summary(view.plan))
        case ReportView():
            yield from _of_report(view.report)
            yield Annotation(Level.NOTICE, "Apply", report_summary(view.report))
        case _:
            assert_never(view)


def _of_problem(problem: Problem) -> Annotation:
    level = Level.ERROR if problem.severity is Severity.ERROR else Level.WARNING
    hint = f"\n{problem.hint}" if problem.hint else ""
    return Annotation(
        level, "Invalid" if level is Level.ERROR else "Doubtful", problem.message + hint, problem.location
    )


def _of_plan(
    plan: Plan, tenants: Iterable[TenantPlan], perspective: Perspective, risky: Level | None = None
) -> Iterator[Annotation]:
    """What is refused and what needs a decision, then what is risky; with ``risky``, every tenant."""
    refused = [one for title in held_back(plan).values() for one in title]
    for refusal in same_refusals(refused):
        place = next((action.source for action in refusal.actions), None)
        about = names(refusal.tenants, _NAMED) if refusal.tenants else "the whole run"
        description = f"{about}: {refusal.message}\nto allow it: {refusal.remedy}"
        yield Annotation(
            Level.ERROR if refusal.asked_for else Level.WARNING, refusal.rule.value, description, place
        )
    for conflict in plan.conflicts:
        description = f"{conflict.tenant}: {conflict.message}\nto resolve it: {conflict.remedy}"
        yield Annotation(Level.ERROR, "Conflict", description, conflict.source)
    for warning in plan.warnings:
        about = names(warning.tenants, _NAMED) if warning.tenants else "the whole run"
        yield Annotation(Level.WARNING, f"Policy {warning.policy}", f"{about}: {warning.message}", warning.source)
    if risky is None:
        yield from _of_changed_lines(plan, perspective)
    for group in group_by_actions(tenants):
        risk = max(action.risk for action in group.actions)
        if risk is not Risk.SAFE or risky is not None:
            did = "\n".join(_did(group.actions, group.members[0].project, perspective))
            title = "Differs" if risky else risk.value.capitalize()
            description = f"{_counted(group.names)}: {names(group.names, _NAMED)}\n{did}"
            yield Annotation(Level.WARNING, title, description, group.members[0].actions[0].source)


def _did(actions: Iterable[Action], project: LiveProject | None, perspective: Perspective) -> Iterator[str]:
    """Each action, and the fields that it changes."""
    for action in actions:
        yield str(perspective.action(action, project))
        for change in field_changes(action):
            before, after = (worded(change.path, value) for value in (change.before, change.after))
            values = f"{perspective.live}{before}{perspective.between}{perspective.files}{after}"
            mark = perspective.change_mark(change, action)
            yield f"{label(change.path)}: {values}" + (f" ({mark})" if mark else "")


def _of_changed_lines(plan: Plan, perspective: Perspective) -> Iterator[Annotation]:
    """What each changed line of a tier does, and to how many tenants."""
    for place, change in changed_lines(plan, perspective):
        level = Level.NOTICE if change.of.risk is Risk.SAFE else Level.WARNING
        description = (str(change.words), f"{_counted(change.of.tenants)}: {change.tenants(full=False)}")
        yield Annotation(
            level, "Changes", "\n".join(filter(None, (*description, change.marks, change.held_back))), place
        )


def _counted(tenants: Sequence[str]) -> str:
    return counted(len(tenants), "tenant")


def _of_report(report: Report) -> Iterator[Annotation]:
    for outcome in report.outcomes:
        for one in outcome.actions:
            if one.result is Result.FAILED:
                description = f"{outcome.tenant}: {one.message}" + (f"\n{one.hint}" if one.hint else "")
                yield Annotation(Level.ERROR, "Failed", description, one.action.source)
    if report.stopped is not None:
        yield Annotation(Level.ERROR, "Stopped", report.stopped)


def _first(found: Sequence[Annotation]) -> Iterator[Annotation]:
    """Yield as many as GitHub shows; where more exist, the last one states their number."""
    if len(found) <= MOST:
        yield from found
        return
    yield from found[: MOST - 1]
    rest = counted(len(found) - MOST + 1, f"more {found[0].level.value}")
    yield Annotation(found[0].level, "More", f"{rest}: see the log, or the job summary")


def _command(one: Annotation) -> str:
    """``::error file=tenants/acme.yaml,line=3,col=1,title=Invalid::message``."""
    place = [] if one.place is None or not one.place.file else _place(one.place)
    properties = ",".join((*place, f"title={_property(one.title)}"))
    return f"::{one.level.value} {properties}::{_data(one.message)}"


def _place(location: Location) -> list[str]:
    return [f"file={_property(location.file)}", f"line={location.line}", f"col={location.column}"]


def _data(text: str | FormattedText) -> str:
    """A message: its own line ends stay, everything else that is not seen is written out."""
    lines = (printable(line) for line in str(text).split("\n"))
    return "%0A".join(line.replace("%", "%25") for line in lines)


def _property(text: str) -> str:
    return printable(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
