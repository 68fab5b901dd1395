"""What happens to an account behind the files' back, and to the calls of a run on their way."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import httpx

from reconciler.simulator.faults import (
    AnswerAfter,
    AnswerWith,
    Delay,
    DropAfter,
    DropBefore,
    FailOperations,
    Truncate,
    html,
)
from tests.harness.stored import Row, Stored
from tests.harness.wire import Act, also_before, answered, at, killed

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from reconciler.apply.stop import StopSignal
    from reconciler.simulator.faults import AnyEffect
    from reconciler.simulator.simulator import Simulator
    from tests.harness.account import World

MINE: Final = "mine"
"""How the names begin of what people make or rename by hand."""
EFFECTS: Final[tuple[AnyEffect, ...]] = (
    AnswerWith(423),
    AnswerWith(429),
    AnswerWith(429, retry_after="7"),
    AnswerWith(500),
    AnswerAfter(500),
    AnswerWith(503),
    AnswerWith(504),
    AnswerAfter(504),
    Delay(40),
    DropBefore(),
    DropAfter(),
    Truncate(),
    html(502),
    FailOperations(recovers_after=30),
    FailOperations(),
)
MOST_FAULTS: Final = 6
LONGEST_RUN: Final = 300
"""Calls among which a run is killed or asked to end; one that makes fewer gets through."""


def lay_faults(simulator: Simulator, random: Random) -> int:
    """A few for the next calls, whichever those are; how many."""
    count = random.randrange(MOST_FAULTS)
    for _ in range(count):
        method = random.choice(["*", "GET", "POST", "PATCH", "DELETE"])
        simulator.faults.add(
            random.choice(EFFECTS), method, first=random.randrange(1, 40), times=random.randrange(1, 4)
        )
    return count


def fate(random: Random, stop: StopSignal) -> Act:
    """A run may die at one of its calls, or is asked to end there."""
    kind = random.choice(["lives", "lives", "dies before", "dies after", "is stopped"])
    number = random.randrange(1, LONGEST_RUN)
    if kind == "lives":
        return answered
    if kind == "is stopped":
        return at(number, also_before(lambda: stop.signal("SIGTERM")))
    return at(number, killed(carried_out=kind == "dies after"))


class People:
    """Those who have the console open. Neon may refuse what they do, and faults strike them too."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._stored = Stored.of(world.simulator)

    async def meddle(self) -> None:
        """Somebody does something to somebody's project."""
        project = self._pick(self._stored.rows("projects"))
        if project is None:
            return
        place = f"/projects/{project['id']}"
        deeds: list[Callable[[], Any]] = [
            lambda: self._ask("PATCH", place, {"project": {"name": f"{MINE}-{project['id']}"}}),
            lambda: self._ask("PATCH", place, {"project": {"settings": {"quota": self._quota()}}}),
            lambda: self._ask("PATCH", place, {"project": {"history_retention_seconds": 3600}}),
            lambda: self._ask("DELETE", place),
            lambda: self._move(project["id"]),
            lambda: self._make_branch(place),
            lambda: self._change_branch(place, project["id"]),
            lambda: self._delete_one(place, "snapshots", project["id"]),
            lambda: self._resize(place, project["id"]),
        ]
        await self._random.choice(deeds)()

    async def tidy_up(self) -> None:
        """Somebody takes away what people have made by hand, which no file knows."""
        for branch in self._stored.rows("branches"):
            if branch["name"].startswith(f"{MINE}-"):
                await self._ask("DELETE", f"/projects/{branch['project_id']}/branches/{branch['id']}")

    def _pick(self, rows: list[Row]) -> Row | None:
        return self._random.choice(rows) if rows else None

    async def _ask(self, method: str, path: str, body: Any = None) -> None:
        async with self._world.http() as http:
            with suppress(httpx.TransportError):
                await http.request(method, path, json=body)

    def _quota(self) -> dict[str, int]:
        return {"active_time_seconds": self._random.randrange(1, 999) * 3600}

    async def _move(self, project_id: str) -> None:
        places = list(self._world.simulator.organization_ids.values())
        self._random.shuffle(places)
        source, destination = places
        body = {"project_ids": [project_id], "destination_org_id": destination}
        await self._ask("POST", f"/organizations/{source}/projects/transfer", body)

    async def _make_branch(self, place: str) -> None:
        name = f"{MINE}-{self._random.randrange(10**6)}"
        await self._ask("POST", f"{place}/branches", {"branch": {"name": name}})

    async def _change_branch(self, place: str, project_id: str) -> None:
        rows = self._stored.rows("branches", project_id=project_id)
        if branch := self._pick([row for row in rows if row["parent_id"] is not None]):
            own = f"{place}/branches/{branch['id']}"
            if self._random.random() < 0.5:
                await self._ask("DELETE", own)
            else:
                await self._ask("PATCH", own, {"branch": {"name": f"{MINE}-{branch['id']}"}})

    async def _delete_one(self, place: str, table: str, project_id: str) -> None:
        if row := self._pick(self._stored.rows(table, deleted=True, project_id=project_id)):
            await self._ask("DELETE", f"{place}/{table}/{row['id']}")

    async def _resize(self, place: str, project_id: str) -> None:
        if row := self._pick(self._stored.rows("endpoints", deleted=True, project_id=project_id)):
            size = {"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 0.5}
            await self._ask("PATCH", f"{place}/endpoints/{row['id']}", {"endpoint": size})
