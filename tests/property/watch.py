"""What goes on while a client writes to a simulator: what Neon refuses, what exceeds a limit in between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from reconciler.simulator.operations import maintained
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
        self.refused: list[str] = []
        """Writes that Neon would not carry out, with its words. None that are put off because Neon itself works on
        the project: nobody can foresee it, and they are sent again."""
        self.overfull: list[str] = []
        """Writes after which a project held more than its organization allows, and more than before in it."""

    async def __call__(self, passing: Passing) -> httpx.Response:
        """What Neon answers."""
        if not writes(passing):
            return await passing.answer()
        before = held_by_project(self._world.simulator)
        response = await passing.answer()
        put_off = response.status_code == HTTPStatus.LOCKED and self._works_by_itself(passing)
        if response.is_client_error and not put_off:
            self.refused.append(f"{passing.call}: {(await response.aread()).decode()}")
        after = held_by_project(self._world.simulator)
        self.overfull += [f"{passing.call}: {what}" for what in self._excess(before, after)]
        return response

    def _works_by_itself(self, passing: Passing) -> bool:
        """Whether Neon itself works on a project that the write is about."""
        simulator = self._world.simulator
        now, every_seconds = simulator.clock.now(), simulator.world.behaviour.background_work_every_seconds
        made = {row["id"]: row["created_at"] for row in Stored.of(simulator).rows("projects")}
        about = made.keys() & set(projects_of(passing))
        return any(maintained(project_id, made[project_id], now, every_seconds) for project_id in about)

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


def projects_of(passing: Passing) -> list[str]:
    """The ids of the projects that a write is about: of all that a transfer moves."""
    _, table, project_id, *_ = [*passing.path.split("/"), ""]
    if table == "projects":
        return [project_id]
    body = json.loads(passing.request.content or b"{}")
    return list(body.get("project_ids", ()))


def held_by_project(simulator: Simulator) -> HeldByProject:
    """What every project holds now."""
    stored, names = Stored.of(simulator), {org_id: name for name, org_id in simulator.organization_ids.items()}
    return {
        row["id"]: Held(names[row["org_id"]], len(stored.branches(row["id"])), stored.count_snapshots(row["id"]))
        for row in stored.rows("projects")
    }
