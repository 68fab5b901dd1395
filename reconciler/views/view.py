"""The kinds of view: what a command shows, whichever format it is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.model.problem import Problem
    from reconciler.plan.approval import Made, Stale
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan


class PlanView(NamedTuple):
    """What apply would do."""

    plan: Plan
    made: Made | None = None
    """When and from which commit: JSON needs it."""
    stale: Sequence[Stale] = ()
    """The tenants that a saved plan holds back."""
    saved: bool = False
    """Whether it was read from a file: then the view says where it comes from."""


class DriftView(NamedTuple):
    """Where the live fleet differs from the files."""

    plan: Plan


class ReportView(NamedTuple):
    """What an apply did."""

    report: Report
    journal: str
    """The file with a record of every write."""
    stale: Sequence[Stale] = ()


class ProblemsView(NamedTuple):
    """What is wrong with the files."""

    problems: Sequence[Problem]
    desired: DesiredState | None = None
    """What was checked, where it could be read."""


View: TypeAlias = PlanView | DriftView | ReportView | ProblemsView
