"""A plan made anew for few tenants, from what is seen of their projects when their turn comes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.plan.claims import pins
from reconciler.plan.guards import guard_tenants
from reconciler.plan.ownership import created_for
from reconciler.plan.planner import make_plan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from reconciler.desired.selection import Depth, Reach
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.history import History
    from reconciler.plan.lives import Tombstones
    from reconciler.plan.looks import Details
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What a plan follows from, beside what is live and the time."""

    desired: DesiredState
    history: History
    permissions: Permissions
    only: tuple[str, ...]
    """Names of the concerns."""
    tombstones: Tombstones
    depth: Depth
    reach: Reach
    """As it was used: whether tenants are read whole."""

    @cached_property
    def pins(self) -> Mapping[str, str]:
        """The tenant whose file names a project as its own, by project id."""
        return pins(self.desired)


def as_used(reach: Reach, tenants: int) -> Reach:
    """For a plan of a few of so many tenants: each is read whole where all of them were, and not otherwise."""
    return replace(reach, small_fleet=tenants if tenants <= reach.small_fleet else 0)


def seen_again(before: LiveProject, now: LiveProject, dropped: Details) -> LiveProject:
    """The newer reading of a project with the details of the one before, less those that are to be read again."""
    return replace(
        now,
        integrations=before.integrations if now.integrations is None else now.integrations,
        branches=None if "branches" in dropped else before.branches,
        endpoints=None if "endpoints" in dropped else before.endpoints,
        snapshots=None if "snapshots" in dropped else before.snapshots,
    )


def around(grounds: Grounds, tenant: str, projects: Collection[LiveProject]) -> DesiredState:
    """The files with this tenant alone, and with those who could call one of these projects their own."""
    desired = grounds.desired
    told = {tenant}
    for project in projects:
        told.update(
            name
            for name in (
                grounds.pins.get(project.id),
                desired.tenant_by_project_name(project.name),
                created_for(project, desired),
            )
            if name is not None
        )
    return desired.selecting(told & desired.tenants.keys())


def plan_again(grounds: Grounds, desired: DesiredState, live: LiveState, now: datetime) -> Plan:
    """What a plan for these tenants holds now, less what the guards that look at one tenant hold back.

    ``desired`` and ``live`` hold few tenants and what is seen of their projects. Guards that count do so once,
    before a run.
    """
    plan = make_plan(
        desired,
        live,
        now=now,
        history=grounds.history,
        only=grounds.only,
        prune=grounds.permissions.prune,
        tombstones=grounds.tombstones,
    )
    return guard_tenants(plan, desired, live, grounds.permissions, history=grounds.history, now=now)
