"""A run that moves tenants together, long after it has observed them."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

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

    from reconciler.fleet import Planned
    from reconciler.neon.client import Neon
    from reconciler.simulator.exchanges import Exchange

STAYING: Final = tuple(f"s{number:02}" for number in range(40))
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
    **behaviour: Any,
) -> Ended:
    """Moves them ``LATE`` after the observation, and looks how they are.

    ``then`` happens right after the transfer. ``since`` decides what becomes of each call from then on, by its
    number from 1.
    """
    world = World.open(folder, dataclasses.replace(KEEPS, **behaviour))
    paying = [a_tenant(name, "pro") for name in staying]
    world.seed(a_fleet(*map(a_tenant, names), *paying, tiers=(FREE_TIER, LARGER)))
    wanted = a_fleet(*(a_tenant(name, "pro") for name in names), *paying, tiers=(FREE_TIER, LARGER))
    allowed = Permissions(lowering=True, counts={"disruptive": len(names), "transfers": len(names)})
    ids: dict[str, str] = {}
    calls_since: list[str] = []
    has_moved = False

    async def on_the_way(passing: Passing) -> httpx.Response:
        nonlocal has_moved
        if has_moved:
            calls_since.append(passing.call)
            return await (answered if since is None else since(world, len(calls_since)))(passing)
        answer = await answered(passing)
        if passing.path.endswith("/transfer"):
            has_moved = True
            await then(world, ids)
        return answer

    async def planned(neon: Neon) -> Planned:
        made: Planned = await Fleet(wanted, neon, now=now).plan(Request(permissions=allowed))
        return made

    async def run() -> set[str]:
        async with world.client(on_the_way) as neon:
            plan = await planned(neon)
            ids.update({each.tenant: each.project.id for each in plan.plan.tenants if each.project})
            assert len(ids) == len(names), plan.plan.refusals
            await asyncio.sleep(LATE)
            await before(world, ids)
            world.forget()
            try:
                report = await Fleet(wanted, neon, now=now).apply(plan, RunOptions(journal=folder / "j"))
            except Killed:
                return set(names)
        return {each.tenant for each in report.outcomes if each.result is not Result.APPLIED}

    async def main() -> Ended:
        not_applied = await run()
        made = list(world.simulator.requests)
        world.simulator.faults.clear()
        async with world.client() as neon:
            left = (await planned(neon)).plan.tenants
            await Fleet(wanted, neon, now=now).apply(await planned(neon), RunOptions(journal=folder / "j2"))
            left_later = (await planned(neon)).plan.tenants
        return Ended(
            not_applied,
            {name for name, id_ in ids.items() if f"GET /projects/{id_}" in {each.line for each in made}},
            sum(lists(each, world.simulator.organization_ids["paid"]) for each in made),
            len(calls_since),
            {plan.tenant for plan in left},
            {plan.tenant for plan in left_later},
        )

    return virtually(main())


def lists(exchange: Exchange, organization_id: str) -> bool:
    """Whether it asked for a page of the organization's list."""
    return exchange.line == "GET /projects" and exchange.query["org_id"] == organization_id
