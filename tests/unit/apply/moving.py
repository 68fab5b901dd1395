"""A run that moves tenants together, long after it has observed them."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.apply.stop import StopSignal
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour
from tests.harness.builders import FREE_COMPUTE, FREE_TIER, PRO_TIER, a_fleet, a_tenant
from tests.harness.runs import World, now, virtually
from tests.harness.wire import Act, Killed, Passing, answered
from tests.unit.apply.late import LATE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.neon.client import Neon
    from reconciler.plan.outcome import Report
    from reconciler.simulator.exchanges import Exchange

STAYING: Final = tuple(f"s{number:02}" for number in range(20))
LARGER: Final = replace(PRO_TIER, compute=FREE_COMPUTE)
"""Another quota and restore window: one patch after the transfer."""
KEEPS: Final = Behaviour(rate_limit=None, transfer_lag_seconds=0, transfer_keeps_quota=True)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run that moved tenants has ended."""

    not_applied: set[str]
    """All of them where the run died."""
    read_alone: set[str]
    """Tenants whose projects were read by themselves."""
    pages: int
    """Calls that listed the new organization."""
    after_transfer: int
    """Calls since the transfer."""
    left: set[str]
    """Tenants that the next plan changes."""
    left_later: set[str]
    """Tenants that the plan after one more run changes."""


async def nothing(_world: World, _ids: dict[str, str]) -> None:
    """Nobody does anything."""


def moved(
    folder: Path,
    names: tuple[str, ...],
    *,
    staying: tuple[str, ...] = STAYING,
    before: Callable[[World, dict[str, str]], Awaitable[None]] = nothing,
    then: Callable[[World, dict[str, str]], Awaitable[None]] = nothing,
    since: Callable[[World, int], Act] | None = None,
    stop: StopSignal | None = None,
    **behaviour: Any,
) -> Ended:
    """Moves them ``LATE`` after the observation, and looks how they are.

    ``then`` happens right after the transfer. ``since`` decides what becomes of each call from then on, by its
    number from 1. ``stop`` ends the run.
    """
    world = World.open(folder, dataclasses.replace(KEEPS, **behaviour))
    paying = [a_tenant(name, "pro") for name in staying]
    world.seed(a_fleet(*map(a_tenant, names), *paying, tiers=(FREE_TIER, LARGER)))
    wanted = a_fleet(*(a_tenant(name, "pro") for name in names), *paying, tiers=(FREE_TIER, LARGER))
    return virtually(_Move(world, folder, names, wanted, then, since, stop or StopSignal()).ended(before))


@dataclass(slots=True)
class _Move:
    """A move, from its plan to the plans after it."""

    world: World
    folder: Path
    names: tuple[str, ...]
    wanted: DesiredState
    then: Callable[[World, dict[str, str]], Awaitable[None]]
    since: Callable[[World, int], Act] | None
    stop: StopSignal
    ids: dict[str, str] = field(default_factory=dict)
    """Of the projects, by tenant."""
    has_moved: bool = False
    calls_since: list[str] = field(default_factory=list)

    async def ended(self, before: Callable[[World, dict[str, str]], Awaitable[None]]) -> Ended:
        """The move itself, and one more run."""
        not_applied = await self._run(before)
        made = list(self.world.simulator.requests)
        self.world.simulator.faults.clear()
        async with self.world.client() as neon:
            left = (await self._planned(neon)).plan.tenants
            await self._applied(neon, await self._planned(neon), RunOptions(journal=self.folder / "j2"))
            left_later = (await self._planned(neon)).plan.tenants
        return Ended(
            not_applied,
            {name for name, id_ in self.ids.items() if f"GET /projects/{id_}" in {each.line for each in made}},
            sum(lists(each, self.world.simulator.organization_ids["paid"]) for each in made),
            len(self.calls_since),
            {plan.tenant for plan in left},
            {plan.tenant for plan in left_later},
        )

    async def _run(self, before: Callable[[World, dict[str, str]], Awaitable[None]]) -> set[str]:
        """The tenants that were not moved."""
        async with self.world.client(self._on_the_way) as neon:
            plan = await self._planned(neon)
            self.ids.update({each.tenant: each.project.id for each in plan.plan.tenants if each.project})
            assert len(self.ids) == len(self.names), plan.plan.refusals
            await asyncio.sleep(LATE)
            await before(self.world, self.ids)
            self.world.forget()
            try:
                report = await self._applied(neon, plan, RunOptions(journal=self.folder / "j", stop=self.stop))
            except Killed:
                return set(self.names)
        return {each.tenant for each in report.outcomes if each.result is not Result.APPLIED}

    async def _on_the_way(self, passing: Passing) -> httpx.Response:
        if self.has_moved:
            self.calls_since.append(passing.call)
            act = answered if self.since is None else self.since(self.world, len(self.calls_since))
            return await act(passing)
        answer = await answered(passing)
        if passing.path.endswith("/transfer"):
            self.has_moved = True
            await self.then(self.world, self.ids)
        return answer

    async def _planned(self, neon: Neon) -> Planned:
        many = len(self.names)
        allowed = Permissions(lowering=True, counts={"disruptive": many, "transfers": many})
        return await Fleet(self.wanted, neon, now=now).plan(Request(permissions=allowed))

    async def _applied(self, neon: Neon, plan: Planned, options: RunOptions) -> Report:
        return await Fleet(self.wanted, neon, now=now).apply(plan, options)


def lists(exchange: Exchange, organization_id: str) -> bool:
    """Whether it asked for a page of the organization's list."""
    return exchange.line == "GET /projects" and exchange.query["org_id"] == organization_id
