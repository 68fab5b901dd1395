"""The metrics of a run, collected while it lasts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.usage.usage import Usage


class CallFigures(Struct):
    """The API calls of a run, in figures."""

    count: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By method, route and status; the status is empty if there was no response."""
    seconds: float = 0.0
    waited_seconds: float = 0.0
    pauses: Counter[str] = field(default_factory=Counter)
    """By status."""
    pause_seconds: float = 0.0


class RunFigures(Struct):
    """The metrics of a run up to its end."""

    command: str
    fleet: str | None = None
    run: str | None = None
    calls: CallFigures = field(default_factory=CallFigures)
    plan: Plan | None = None
    drift: Plan | None = None
    report: Report | None = None
    stale: int = 0
    usage: Usage | None = None
    plan_made_at: datetime | None = None
    """When the plan was saved that was applied, or the live state was recorded that was planned with."""
