"""A platform that keeps a registry, on a simulated account: real client, planner and executor, on virtual time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.plan.permissions import Permissions
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.registry_database import in_memory
from tests.harness.runs import UNHURRIED, World, now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.plan.outcome import Report, Result
    from reconciler.simulator.behaviour import Behaviour

ACME = a_fleet(a_tenant("acme"))
NOTHING_EXTRA = Request()
LOWERING = Request(permissions=Permissions(lowering=True))
CREATE = ("POST", "/projects")


class Platform:
    """A simulated account and a registry."""

    def __init__(self, folder: Path, behaviour: Behaviour = UNHURRIED) -> None:
        self.world = World.open(folder, behaviour)
        self.registry = in_memory()

    @asynccontextmanager
    async def fleet(
        self, desired: DesiredState = ACME, clock: Callable[[], datetime] = now
    ) -> AsyncIterator[Fleet]:
        async with self.world.client() as neon:
            yield Fleet(desired, neon, now=clock, registry=self.registry)

    async def apply(
        self, desired: DesiredState = ACME, run: str = "run1", request: Request = NOTHING_EXTRA
    ) -> Report:
        async with self.fleet(desired) as fleet:
            journal = self.world.folder / f"{run}.jsonl"
            return await fleet.apply(await fleet.plan(request), RunOptions(id=run, journal=journal))

    def lose(self, tenant: str) -> None:
        """Takes the tenant's row away, whatever it says."""
        self.registry.drop(tenant, self.registry.rows()[tenant])

    def rows(self) -> dict[str, tuple[str | None, str | None]]:
        return {name: (row.project_id, row.organization) for name, row in self.registry.rows().items()}


def why(report: Report) -> tuple[Result, str]:
    (outcome,) = report.outcomes
    return outcome.result, outcome.actions[0].message
