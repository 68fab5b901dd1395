"""What a person does in Neon's console while a run is under way, as the calls that the console makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.simulator.behaviour import Behaviour
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from tests.faults.rich_fleet import Scene
    from tests.harness.wire import Passing

Deed: TypeAlias = "Callable[[Person], Awaitable[httpx.Response]]"

UNHINDERED: Final = Behaviour(transfer_checks_settings=False)
"""A person can move every project as it is: a transfer that is refused would be no change. Its quota goes."""
QUOTAS_STAY: Final = replace(UNHINDERED, transfer_keeps_quota=True)
"""The same where a move changes nothing else."""


class Person:
    """Somebody with the personal key, who knows projects and branches by name."""

    def __init__(self, scene: Scene) -> None:
        self._stored = Stored.of(scene.simulator)
        self._ids = scene.simulator.organization_ids
        self._http = scene.world.http()

    async def asks(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One call; Neon may refuse it."""
        return await self._http.request(method, path, json=body)

    def project(self, tenant: str) -> str:
        """The path of the tenant's project, as it was at first."""
        found = self._stored.rows("projects", deleted=True, name=f"myapp-{tenant}")
        return f"/projects/{min(found, key=itemgetter('created_at'))['id'] if found else None}"

    def inside(self, tenant: str, table: str, name: str) -> str:
        """The path of a branch or snapshot of that name; of none where it is gone."""
        project = self.project(tenant)
        found = self._stored.rows(table, deleted=True, project_id=project.split("/")[-1])
        named = [row["id"] for row in found if row["body"]["name"] == name]
        return f"{project}/{table}/{named[0] if named else 'gone'}"

    async def moves(self, tenant: str, source: str, destination: str) -> httpx.Response:
        """Transfers the project."""
        body = {
            "project_ids": [self.project(tenant).split("/")[-1]],
            "destination_org_id": self._ids[destination],
        }
        return await self.asks("POST", f"/organizations/{self._ids[source]}/projects/transfer", body)

    async def makes(self, tenant: str, organization: str) -> httpx.Response:
        """Creates a project with the name that the tenant's is to have."""
        body = {"project": {"name": f"myapp-{tenant}", "org_id": self._ids[organization]}}
        return await self.asks("POST", "/projects", body)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a person does to what belongs to one tenant."""

    tenant: str
    do: Deed
    stale: bool = False
    """Whether a plan that was saved before does not permit what has to be done after it."""


def patches(tenant: str, table: str, name: str, body: Any) -> Deed:
    """Changes a branch."""
    return lambda person: person.asks("PATCH", person.inside(tenant, table, name), body)


def deletes(tenant: str, table: str, name: str) -> Deed:
    """Deletes a branch or a snapshot."""
    return lambda person: person.asks("DELETE", person.inside(tenant, table, name))


def makes_branch(tenant: str, name: str) -> Deed:
    """Creates a branch."""
    return lambda person: person.asks("POST", f"{person.project(tenant)}/branches", {"branch": {"name": name}})


def patches_project(tenant: str, **project: Any) -> Deed:
    """Changes a project."""
    return lambda person: person.asks("PATCH", person.project(tenant), {"project": project})


def deletes_project(tenant: str) -> Deed:
    """Deletes a project."""
    return lambda person: person.asks("DELETE", person.project(tenant))


MORE: Final = {"quota": {"active_time_seconds": 950 * 3600}}
CHANGES: Final[Mapping[str, Change]] = {
    "moves a project that is to move": Change(
        "ben", lambda person: person.moves("ben", "free", "paid"), stale=True
    ),
    "moves a project that is to stay": Change(
        "ida", lambda person: person.moves("ida", "paid", "free"), stale=True
    ),
    "deletes a project": Change("ida", deletes_project("ida"), stale=True),
    "deletes a project that is to go": Change("eve", deletes_project("eve")),
    "renames a project": Change("fay", patches_project("fay", name="mine"), stale=True),
    "changes a quota": Change("ida", patches_project("ida", settings=MORE)),
    "renames a branch": Change("fay", patches("fay", "branches", "dev", {"branch": {"name": "mine"}}), stale=True),
    "deletes a branch that is to go": Change("fay", deletes("fay", "branches", "old")),
    "makes the branch that is to come": Change("fay", makes_branch("fay", "new")),
    "makes a branch of their own": Change("dan", makes_branch("dan", "mine")),
    "deletes a snapshot": Change("ann", deletes("ann", "snapshots", "v1")),
    "makes the project that is to come": Change("hal", lambda person: person.makes("hal", "free"), stale=True),
    "protects a project that is to go": Change(
        "eve", patches("eve", "branches", "main", {"branch": {"protected": True}})
    ),
}


@dataclass(slots=True)
class Console:
    """An act by which a person does something once so many calls of the run are answered."""

    person: Person
    deed: Deed
    after: int
    answer: httpx.Response | None = None
    """What Neon said to the person."""

    async def __call__(self, passing: Passing) -> httpx.Response:
        """What Neon says to the run."""
        if not self.after and passing.number == 1:
            self.answer = await self.deed(self.person)
        answer = await passing.answer()
        if passing.number == self.after:
            self.answer = await self.deed(self.person)
        return answer
