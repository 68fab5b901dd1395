"""What is in a simulated account, asked over the API, and the names that stand for its ids."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.simulator.virtual_time import VirtualLoop
from tests.harness.wire import InProcess
from tests.scenarios import end_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.simulator.simulator import Simulator
    from tests.scenarios.end_format import Document

HOST: Final = "http://127.0.0.1/api/v2"
DELETED: Final = "deleted, recoverable for 7 days"
"""Stands in end.yaml beside the organizations."""


@dataclass(frozen=True, slots=True)
class Account:
    """Everything in it, in the form of end.yaml, and each id with what stands for it in requests.txt."""

    text: str
    names: dict[str, str]


def look_into(simulator: Simulator) -> Account:
    """What the account holds now."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_look(simulator))


async def _look(simulator: Simulator) -> Account:
    client = httpx.AsyncClient(
        transport=InProcess(simulator.app),
        base_url=HOST,
        headers={"Authorization": f"Bearer {simulator.personal_key}"},
    )
    async with client:
        look = _Look(client)
        found = {name: await look.organization(name, id_) for name, id_ in simulator.organization_ids.items()}
        deleted = [name for id_ in simulator.organization_ids.values() for name in await look.deleted(id_)]
    return Account(end_format.write({**found, DELETED: deleted}), look.names)


@dataclass(frozen=True, slots=True)
class _Look:
    client: httpx.AsyncClient
    names: dict[str, str] = field(default_factory=dict)

    async def organization(self, name: str, org_id: str) -> Document:
        self.names[org_id] = f"{{{name}}}"
        projects = await self._list("/projects", "projects", org_id=org_id, limit="400")
        projects.sort(key=itemgetter("name"))
        return {project["name"]: await self._project(project) for project in projects}

    async def deleted(self, org_id: str) -> list[str]:
        projects = await self._list("/projects", "projects", org_id=org_id, limit="400", recoverable="true")
        for project in projects:
            self.names[project["id"]] = f"{{{project['name']}}}"
        return [project["name"] for project in projects]

    async def _project(self, project: Document) -> Document:
        own = f"/projects/{project['id']}"
        answer = (await self.client.get(f"{own}/branches", params={"limit": "10000"})).json()
        branches = sorted(answer["branches"], key=lambda branch: (not branch["default"], branch["name"]))
        endpoints = await self._list(f"{own}/endpoints", "endpoints")
        snapshots = await self._list(f"{own}/snapshots", "snapshots")
        snapshots.sort(key=itemgetter("created_at", "name"))
        self._note(project, branches, endpoints, snapshots)
        names = {branch["id"]: branch["name"] for branch in branches}
        computes = {each["branch_id"]: each for each in endpoints if each["type"] == "read_write"}
        readers = sorted((each for each in endpoints if each["type"] == "read_only"), key=itemgetter("id"))
        annotations = {branch_id: each["value"] for branch_id, each in answer["annotations"].items()}
        described = [
            end_format.branch_document(
                branch,
                names,
                annotations.get(branch["id"], {}),
                computes.get(branch["id"]),
                [each for each in readers if each["branch_id"] == branch["id"]],
            )
            for branch in branches
        ]
        return end_format.project_document(
            project, described, [end_format.snapshot_document(snapshot) for snapshot in snapshots]
        )

    def _note(
        self,
        project: Document,
        branches: Sequence[Document],
        endpoints: Sequence[Document],
        snapshots: Sequence[Document],
    ) -> None:
        called = {branch["id"]: branch["name"] for branch in branches}
        self.names[project["id"]] = f"{{{project['name']}}}"
        self.names.update({id_: f"{{branch:{name}}}" for id_, name in called.items()})
        self.names.update({e["id"]: f"{{endpoint:{called[e['branch_id']]}}}" for e in endpoints})
        readers = (each for each in endpoints if each["type"] == "read_only")
        self.names.update({each["id"]: f"{{replica:{each.get('name', '')}}}" for each in readers})
        self.names.update({s["id"]: f"{{snapshot:{s['name']}}}" for s in snapshots})

    async def _list(self, path: str, member: str, **params: str) -> list[Document]:
        answer = await self.client.get(path, params=params)
        answer.raise_for_status()
        found: list[Document] = answer.json()[member]
        return found
