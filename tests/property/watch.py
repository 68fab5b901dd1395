"""What goes on while a client writes to a simulator: what Neon refuses, what exceeds a limit in between."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from tests.harness.stored import Stored
from tests.harness.wire import Passing, writes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from reconciler.desired.tier import Organization
    from reconciler.simulator.simulator import Simulator
    from tests.harness.account import World

HeldByProject: TypeAlias = "Mapping[str, Held]"
"""By the id of the project."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a project holds of that which an organization limits."""

    organization: str
    branches: int
    manual_snapshots: int


class Watch:
    """An act by which a look at the rows follows every write."""

    def __init__(self, world: World, organizations: Mapping[str, Organization]) -> None:
        self._world = world
        self._organizations = organizations
        self._works_by_itself = world.simulator.world.behaviour.background_work_every_seconds is not None
        self.refused: list[str] = []
        """Writes that Neon would not carry out, with its words. Where Neon also works on projects by itself, none
        that a lock puts off: nobody can foresee it, and they are sent again."""
        self.overfull: list[str] = []
        """Writes after which a project held more than its organization allows, and more than before in it."""

    async def __call__(self, passing: Passing) -> httpx.Response:
        """What Neon answers."""
        if not writes(passing):
            return await passing.answer()
        before = held_by_project(self._world.simulator)
        response = await passing.answer()
        put_off = response.status_code == HTTPStatus.LOCKED and self._works_by_itself
        if response.is_client_error and not put_off:
            self.refused.append(f"{passing.call}: {(await response.aread()).decode()}")
        after = held_by_project(self._world.simulator)
        self.overfull += [f"{passing.call}: {what}" for what in self._excess(before, after)]
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
    stored, names = Stored.of(simulator), {org_id: name for name, org_id in simulator.organization_ids.items()}
    return {
        row["id"]: Held(names[row["org_id"]], len(stored.branches(row["id"])), stored.count_snapshots(row["id"]))
        for row in stored.rows("projects")
    }
