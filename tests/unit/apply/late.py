"""A run whose first turn comes late, and what people do to acme's project before it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.tenant import DevBranch, Overrides, Snapshot
from reconciler.desired.tier import Tier
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from tests.harness.builders import (
    DAY,
    GIB,
    HERE,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_tenant,
)
from tests.harness.runs import INSTANT, UNHURRIED, World, now, virtually
from tests.harness.wire import Act, answered
from tests.unit.apply.plans import seen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon
    from reconciler.plan.outcome import Report, Result, TenantOutcome
    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.gateway import Latency

ALL: Final = Request()
LATE: Final = 11.0
"""The default of api.look_again_after is ten seconds."""

SCALE_QUOTA = replace(PRO_QUOTA, active_time_seconds=0, logical_size_bytes=100 * GIB)
SCALE = Tier("scale", "paid", HERE, quota=SCALE_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=7 * DAY)
RAISED = replace(PRO_TIER, quota=replace(PRO_QUOTA, data_transfer_bytes=60 * GIB))
PRO = a_fleet(a_tenant("acme", "pro"))
NEW_PRICES = a_fleet(a_tenant("acme", "pro"), tiers=(RAISED, SCALE))
FREE = a_fleet(a_tenant("acme"))
LARGER = a_fleet(a_tenant("acme", overrides=Overrides(compute=Compute(max_cu=1))))
GONE = a_fleet(a_tenant("acme", absent=True))


def with_branches(*branches: DevBranch, tier: str = "pro", **fields: Any) -> DesiredState:
    """Tenant acme with these development branches."""
    return a_fleet(a_tenant("acme", tier, dev_branches=branches, **fields))


def with_snapshots(*names: str) -> DesiredState:
    """Tenant acme with these snapshots."""
    return a_fleet(a_tenant("acme", "pro", snapshots=tuple(map(Snapshot, names))))


@dataclass(frozen=True, slots=True)
class Late:
    """A run whose first turn came late."""

    world: World
    planned: Planned
    report: Report

    @property
    def acme(self) -> TenantOutcome:
        """What became of acme."""
        return next(outcome for outcome in self.report.outcomes if outcome.tenant == "acme")

    @property
    def told(self) -> list[tuple[str, Result, str]]:
        """What became of each of its actions."""
        return [(one.action.kind, one.result, one.message) for one in self.acme.actions]

    @property
    def reads(self) -> list[str]:
        """The looks, without polls of operations."""
        lines = [exchange.line for exchange in self.world.simulator.requests if exchange.method == "GET"]
        return [line for line in lines if "/operations" not in line]


async def nothing(_neon: Neon, _project: LiveProject) -> None:
    """Nobody does anything."""


def late(
    folder: Path,
    before: DesiredState,
    after: DesiredState,
    meddling: Callable[[Neon, LiveProject], Coroutine[Any, Any, object]] = nothing,
    request: Request = ALL,
    *,
    seconds: float = LATE,
    latency: Latency = INSTANT,
    behaviour: Behaviour = UNHURRIED,
    arrange: Callable[[World], None] = World.forget,
    act: Callable[[World], Act] = lambda _: answered,
) -> Late:
    """Somebody meddles with acme's project between the plan that leads from one state to another and its apply."""

    async def main() -> Late:
        world = World.open(folder, behaviour, latency)
        await world.apply(before)
        project = await seen(world)
        async with world.client() as person, world.client(act(world)) as neon:
            fleet = Fleet(after, neon, now=now)
            planned = await fleet.plan(replace(request, base=before))
            assert planned.plan.tenants, planned.plan.refusals
            await asyncio.sleep(seconds)
            await meddling(person, project)
            arrange(world)
            world.forget()
            report = await fleet.apply(planned, RunOptions(id="late", journal=folder / "late.jsonl"))
        return Late(world, planned, report)

    return virtually(main())


async def paid_for_more(neon: Neon, project: LiveProject) -> None:
    """What a checkout for tier scale does in the same organization."""
    await neon.update_project(project.organization, project.id, {"quota.active_time_seconds": 0})


async def resized(neon: Neon, project: LiveProject) -> None:
    """Somebody gives the compute another size in the console."""
    assert project.endpoints
    await neon.update_endpoint(
        project.organization, project.id, project.endpoints[0].id, {"compute.min_cu": 1, "compute.max_cu": 2}
    )


async def renamed(neon: Neon, project: LiveProject) -> None:
    """Somebody gives the project another name in the console."""
    await neon.update_project(project.organization, project.id, {"name": "kept"})


async def moved(neon: Neon, project: LiveProject) -> None:
    """A checkout moves the project."""
    await neon.transfer_projects(project.organization, "paid", [project.id])


async def done_already(neon: Neon, project: LiveProject) -> None:
    """Another run has carried out the same plan."""
    await neon.update_project(project.organization, project.id, {"quota.data_transfer_bytes": 60 * GIB})


async def deleted(neon: Neon, project: LiveProject) -> None:
    """Somebody deletes the project in the console."""
    await neon.delete_project(project.organization, project.id)


async def replaced(neon: Neon, project: LiveProject) -> None:
    """Somebody deletes the project, and a stranger gets one of its name."""
    await deleted(neon, project)
    await neon.create_project(project.organization, {"name": project.name}, {})


def branch_renamed(old: str, new: str) -> Callable[[Neon, LiveProject], Coroutine[Any, Any, object]]:
    """Somebody renames a branch in the console."""

    async def meddling(neon: Neon, project: LiveProject) -> None:
        (branch,) = [branch for branch in project.branches or () if branch.name == old]
        await neon.update_branch(project.organization, project.id, branch.id, name=new)

    return meddling


def branch_extended(name: str, days: int) -> Callable[[Neon, LiveProject], Coroutine[Any, Any, object]]:
    """Somebody gives the branch another time to live in the console."""

    async def meddling(neon: Neon, project: LiveProject) -> None:
        (branch,) = [branch for branch in project.branches or () if branch.name == name]
        await neon.update_branch(
            project.organization, project.id, branch.id, expires_at=now() + timedelta(days=days)
        )

    return meddling


def branch_removed(name: str) -> Callable[[Neon, LiveProject], Coroutine[Any, Any, object]]:
    """Somebody deletes the branch in the console."""

    async def meddling(neon: Neon, project: LiveProject) -> None:
        (branch,) = [branch for branch in project.branches or () if branch.name == name]
        await neon.delete_branch(project.organization, project.id, branch.id)

    return meddling


def applied_meanwhile(state: DesiredState, folder: Path) -> Any:
    """Another run brings the project into this state."""

    async def meddling(neon: Neon, _project: LiveProject) -> None:
        other = Fleet(state, neon, now=now)
        await other.apply(await other.plan(), RunOptions(id="other", journal=folder / "other.jsonl"))

    return meddling
