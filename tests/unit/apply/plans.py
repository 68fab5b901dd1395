"""Hand-made actions on branches and snapshots of tenant acme, and what the simulator was asked in the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.moments import rfc3339
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch, ResetBranch
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import FieldChange
from reconciler.plan.plan import Plan, TenantPlan, ordered
from reconciler.simulator.seed import BranchSeed
from tests.harness.builders import HERE, a_fleet, a_tenant, a_view, make_plan

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.outcome import Result
    from reconciler.simulator.exchanges import Exchange
    from tests.harness.runs import Applied, World

COMMON: Final[dict[str, Any]] = {"tenant": "acme", "reason": "a test", "source": HERE}
RESOURCES: Final = frozenset(
    {"projects", "organizations", "endpoints", "branches", "snapshot", "snapshots", "transfer", "restore"}
)


def make(branch: str = "dev", **fields: Any) -> CreateBranch:
    """The creation of a development branch."""
    return CreateBranch(**{**COMMON, "branch": branch, "parent": "main", "purpose": Purpose.DEV_BRANCH, **fields})


def mend(branch: str = "dev", *, rename_to: str | None = None, expires_at: datetime | None = None) -> PatchBranch:
    """The patch of a branch."""
    values = {"name": rename_to, "expires_at": None if expires_at is None else rfc3339(expires_at)}
    stated = ((member, value) for member, value in values.items() if value is not None)
    changes = tuple(FieldChange(f"dev_branches.dev.{member}", None, value) for member, value in stated)
    return PatchBranch(**COMMON, branch=branch, changes=changes)


def drop(branch: str, branch_id: str, **fields: Any) -> DeleteBranch:
    """The deletion of a branch."""
    purpose = fields.pop("purpose", Purpose.DEV_BRANCH)
    return DeleteBranch(**COMMON, branch=branch, branch_id=branch_id, purpose=purpose, **fields)


def reset(branch_id: str, **fields: Any) -> ResetBranch:
    """The reset of the development branch."""
    return ResetBranch(**COMMON, branch="dev", branch_id=branch_id, parent="main", **fields)


def take(snapshot: str = "v2", **fields: Any) -> CreateSnapshot:
    """The creation of a snapshot of the default branch."""
    return CreateSnapshot(**COMMON, snapshot=snapshot, branch="main", **fields)


def discard(snapshot: str, snapshot_id: str, **fields: Any) -> DeleteSnapshot:
    """The deletion of a snapshot."""
    return DeleteSnapshot(**COMMON, snapshot=snapshot, snapshot_id=snapshot_id, **fields)


def a_plan(project: LiveProject | None, *actions: Action) -> Plan:
    """The plan that does this to tenant acme, in the order of stages."""
    return with_actions(make_plan(a_fleet(), a_view()), project, *actions)


def with_actions(plan: Plan, project: LiveProject | None, *actions: Action) -> Plan:
    """The plan with these actions beside those that it has for acme."""
    planned = [action for tenant in plan.tenants for action in tenant.actions]
    return replace(plan, tenants=(TenantPlan("acme", project, ordered([*planned, *actions])),))


async def seeded(world: World, tier: str = "free") -> LiveProject:
    """The project of acme as an earlier run has left it, seen whole."""
    world.seed(a_fleet(a_tenant("acme", tier)))
    return await seen(world)


def branched(world: World, project: LiveProject, name: str, run: str = "run0", **fields: Any) -> str:
    """Makes a development branch as an earlier run has left it; the answer is its id."""
    stated = {"fleet": "prod", "tenant": "acme", "run": run, "branch": name, "purpose": Purpose.DEV_BRANCH}
    annotations = fields.pop("annotations", branch_annotations(**{**stated, **fields.pop("stated", {})}))
    return world.simulator.add_branch(project.id, BranchSeed(name, annotations, **fields))


async def snapshotted(world: World, project: LiveProject, *names: str, seconds_apart: float = 3600) -> list[str]:
    """Takes snapshots of the default branch by hand; the answer is their ids."""
    assert project.default_branch
    ids = []
    async with world.client() as neon:
        for name in names:
            answer = await neon.create_snapshot(
                project.organization, project.id, project.default_branch.id, name=name, at=None, expires_at=None
            )
            ids.append(answer.snapshot.id)
            await asyncio.sleep(seconds_apart)
    world.forget()
    return ids


async def seen(world: World, name: str = "myapp-acme") -> LiveProject:
    """The project of that name with all its details. Fails where there are several."""
    async with world.client() as neon:
        (project,) = [*await neon.named("free", name), *await neon.named("paid", name)]
        where, id_ = project.organization, project.id
        project = replace(
            project,
            branches=await neon.branches(where, id_),
            endpoints=await neon.endpoints(where, id_),
            snapshots=await neon.snapshots(where, id_),
        )
    world.forget()
    return project


async def branch_names(world: World) -> list[str]:
    """Of acme's branches beside the default one."""
    return [branch.name for branch in (await seen(world)).branches or () if not branch.default]


async def snapshot_names(world: World) -> list[str]:
    """Of acme's snapshots."""
    return [snapshot.name for snapshot in (await seen(world)).snapshots or ()]


def calls(world: World) -> list[str]:
    """The calls that wrote, ids left out, each with the name that it gives: ``POST /projects/*/branches dev``."""
    return [f"{route(exchange.line)} {_name(exchange)}".strip() for exchange in world.writes()]


def route(line: str) -> str:
    """The line of an exchange with a star for each id: ``PATCH /projects/*/branches/*``."""
    method, _, path = line.partition(" ")
    return f"{method} /{'/'.join(part if part in RESOURCES else '*' for part in path[1:].split('/'))}"


def _name(exchange: Exchange) -> str:
    body = exchange.body if isinstance(exchange.body, dict) else {}
    branch = body.get("branch")
    return exchange.query.get("name") or str(branch.get("name", "") if isinstance(branch, dict) else "")


def outcome(applied: Applied) -> list[Result]:
    """What became of each action of acme."""
    (tenant,) = applied.report.outcomes
    return [action.result for action in tenant.actions]
