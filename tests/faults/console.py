"""What a person does in Neon's console while a run is under way, as the calls that the console makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.faults.rich_fleet import Scene

Deed: TypeAlias = "Callable[[Person], Awaitable[httpx.Response]]"


class Person:
    """Somebody with the personal key, who knows projects and branches by name."""

    def __init__(self, scene: Scene) -> None:
        self._store = scene.simulator.world.store
        self._ids = scene.simulator.organization_ids
        self._http = scene.world.http()

    async def asks(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One call; Neon may refuse it."""
        return await self._http.request(method, path, json=body)

    def project(self, tenant: str) -> str:
        """The path of the tenant's project, as it was at first."""
        query = "SELECT id FROM projects WHERE name = ? ORDER BY created_at"
        return f"/projects/{self._store.value(query, f'myapp-{tenant}')}"

    def inside(self, tenant: str, table: str, name: str) -> str:
        """The path of a branch or snapshot of that name; of none where it is gone."""
        project = self.project(tenant)
        query = f"SELECT id FROM {table} WHERE project_id = ? AND json_extract(body, '$.name') = ?"  # noqa: S608
        return f"{project}/{table}/{self._store.value(query, project.split('/')[-1], name) or 'gone'}"

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
    "moves a project that is to move": Change("ben", lambda person: person.moves("ben", "free", "paid")),
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


class Console(httpx.AsyncBaseTransport):
    """A way to the simulator on which a person acts once so many calls of the run are answered."""

    def __init__(self, scene: Scene, deed: Deed, after: int) -> None:
        self._via = scene.world.via
        self._person = Person(scene)
        self._deed = deed
        self._after = after
        self.calls: list[str] = []
        self.answer: httpx.Response | None = None
        """What Neon said to the person."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.calls and not self._after:
            self.answer = await self._deed(self._person)
        self.calls.append(f"{request.method} {request.url.path.removeprefix('/api/v2')}")
        answer = await self._via.handle_async_request(request)
        if len(self.calls) == self._after:
            self.answer = await self._deed(self._person)
        return answer
