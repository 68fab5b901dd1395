"""Projects that calls of this process made a moment ago, which a search of Neon may not show yet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from reconciler.live.registered import Registered
from reconciler.plan.action import CreateProject

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from reconciler.live.state import LiveState
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan

TOLD_TO_THE_SECOND: Final = 1.0


class JustMade:
    """Finds a tenant's project by id, as a row of a registry does, until every search shows it."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Registered, float]] = {}

    def note(self, plan: Plan, report: Report, at: datetime, settle_seconds: float) -> None:
        """Remembers the projects that a run has created for its tenants."""
        until = asyncio.get_running_loop().time() + settle_seconds + TOLD_TO_THE_SECOND
        creates = {
            action.tenant: action.organization for action in plan.actions if isinstance(action, CreateProject)
        }
        for outcome in report.outcomes:
            if outcome.tenant in creates and outcome.project_id is not None:
                row = Registered(outcome.project_id, creates[outcome.tenant], report.run, at)
                self._rows[outcome.tenant] = row, until

    def rows(self, tenants: Collection[str] | None) -> dict[str, Registered]:
        """Of all tenants, or of a few."""
        now = asyncio.get_running_loop().time()
        self._rows = {name: (row, until) for name, (row, until) in self._rows.items() if now < until}
        return {name: row for name, (row, _) in self._rows.items() if tenants is None or name in tenants}

    def forget_the_gone(self, live: LiveState) -> bool:
        """Whether the view shows that one of the tenants of its rows has lost its project since."""
        seen = {*(one.id for one in live.projects), *(one.id for one in live.unknown), *live.elsewhere}
        gone = [
            name
            for name, row in live.registered.items()
            if name in self._rows and self._rows[name][0] == row and row.project_id not in seen
        ]
        for name in gone:
            del self._rows[name]
        return bool(gone)
