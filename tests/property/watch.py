"""What goes on while a client writes to a simulator: what Neon refuses, what exceeds a limit in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import httpx

from reconciler.simulator import branches, snapshots
from tests.wiring import WRITING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.desired.tier import Organization
    from reconciler.simulator.simulator import Simulator
    from tests.wiring import World

HeldByProject: TypeAlias = "Mapping[str, Held]"
"""By the id of the project."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a project holds of that which an organization limits."""

    organization: str
    branches: int
    manual_snapshots: int


class Watch(httpx.AsyncBaseTransport):
    """A way to the simulator on which a look at the rows follows every write."""

    def __init__(self, world: World, organizations: Mapping[str, Organization]) -> None:
        self._world = world
        self._organizations = organizations
        self.refused: list[str] = []
        """Writes that Neon would not carry out, with its words."""
        self.overfull: list[str] = []
        """Writes after which a project held more than its organization allows, and more than before in it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises whatever the simulator raises."""
        if request.method not in WRITING:
            return await self._world.via.handle_async_request(request)
        before = held_by_project(self._world.simulator)
        response = await self._world.via.handle_async_request(request)
        if response.is_client_error:
            self.refused.append(f"{request.method} {request.url.path}: {(await response.aread()).decode()}")
        after = held_by_project(self._world.simulator)
        self.overfull += [f"{request.method} {request.url.path}: {what}" for what in self._excess(before, after)]
        return response

    def _excess(self, before: HeldByProject, after: HeldByProject) -> Iterator[str]:
        for project_id, now in after.items():
            then = before.get(project_id)
            if then == now:
                continue
            limits = self._organizations[now.organization].limits
            stayed = then if then is not None and then.organization == now.organization else None
            for limit, count, earlier in (
                (limits.branches, now.branches, stayed.branches if stayed else 0),
                (limits.snapshots, now.manual_snapshots, stayed.manual_snapshots if stayed else 0),
            ):
                if limit is not None and count > max(limit, earlier):
                    yield f"{project_id} holds {now}, where {limits} holds"


def held_by_project(simulator: Simulator) -> HeldByProject:
    """What every project holds now."""
    store, now = simulator.world.store, simulator.clock.now()
    names = {org_id: name for name, org_id in simulator.organization_ids.items()}
    rows = store.rows("SELECT id, org_id FROM projects WHERE deleted_at IS NULL")
    return {
        row["id"]: Held(
            names[row["org_id"]],
            len(branches.branches(store, row["id"], now)),
            snapshots.count_manual(store, row["id"], now),
        )
        for row in rows
    }
