"""What the API tells of one tenant's project, read by an observer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """A project as single reads answer it."""

    project: Document
    branches: Mapping[str, Document]
    """By name."""
    endpoints: tuple[Document, ...]
    snapshots: tuple[Document, ...]
    organization: str
    """By the name that the files have for it."""
    owners: Mapping[str, str]
    """The databases of the default branch, each with its owner."""

    def setting(self, path: str) -> Any:
        """A member of ``settings``; None where it, or what it is in, is not told."""
        value: Any = self.project["settings"]
        for step in path.split("."):
            value = None if value is None else value.get(step)
        return value

    def compute(self, member: str) -> Any:
        """Of the project's defaults and of the default branch's compute, which agree; else both."""
        default = self.project["default_endpoint_settings"].get(member)
        at_work = self._member(self._default_branch["id"], member)
        return default if default == at_work else (default, at_work)

    def branch_compute(self, branch: str, member: str) -> Any:
        """Of the compute of a development branch; None where there is none."""
        found = self.branches.get(branch)
        return None if found is None else self._member(found["id"], member)

    def replica_compute(self, name: str, member: str) -> Any:
        """Of the read replica of the default branch that has this name; None where there is none."""
        found = [one for one in self.endpoints if one["type"] == "read_only" and one.get("name") == name]
        assert len(found) < 2, found
        return _member_of(found[0], member) if found else None

    def of_branch(self, branch: str, member: str) -> Any:
        """A member of a development branch; None where there is none."""
        return self.branches.get(branch, {}).get(member)

    def of_default_branch(self, member: str) -> Any:
        """A member of the default branch."""
        return self._default_branch.get(member)

    def of_snapshot(self, name: str, member: str) -> Any:
        """A member of the snapshot of that name, which there is once; None where there is none."""
        found = [snapshot for snapshot in self.snapshots if snapshot["name"] == name]
        assert len(found) < 2, found
        return found[0].get(member) if found else None

    @property
    def database(self) -> str:
        """The first one."""
        return next(iter(self.owners))

    @property
    def role(self) -> str:
        """The owner of the first database."""
        return self.owners[self.database]

    @property
    def _default_branch(self) -> Document:
        return next(branch for branch in self.branches.values() if branch["default"])

    def _member(self, branch_id: str, member: str) -> Any:
        """Of the read-write compute of a branch; empty parameters are told as none, as of a project."""
        return _member_of(self._compute_of(branch_id), member)

    def _compute_of(self, branch_id: str) -> Document:
        found = (one for one in self.endpoints if one["branch_id"] == branch_id and one["type"] == "read_write")
        return next(found, {})


def _member_of(compute: Document, member: str) -> Any:
    return compute.get("settings", {}).get(member) or None if member == "pg_settings" else compute.get(member)


async def read_answers(http: httpx.AsyncClient, project_id: str, names: Mapping[str, str]) -> Answers:
    """Five calls. ``names`` has the organizations, by id."""

    async def read(path: str) -> Document:
        answer = await http.get(f"/projects/{project_id}{path}")
        answer.raise_for_status()
        document: Document = answer.json()
        return document

    branches = {branch["name"]: branch for branch in (await read("/branches?limit=1000"))["branches"]}
    default = next(branch["id"] for branch in branches.values() if branch["default"])
    databases = (await read(f"/branches/{default}/databases"))["databases"]
    project = (await read(""))["project"]
    return Answers(
        project=project,
        organization=names[project["org_id"]],
        branches=branches,
        endpoints=tuple((await read("/endpoints"))["endpoints"]),
        snapshots=tuple((await read("/snapshots"))["snapshots"]),
        owners={database["name"]: database["owner_name"] for database in databases},
    )


async def project_ids(http: httpx.AsyncClient, organization_ids: Mapping[str, str]) -> dict[str, str]:
    """The projects of the account, by name."""
    found: dict[str, str] = {}
    for organization_id in organization_ids.values():
        answer = await http.get("/projects", params={"org_id": organization_id, "limit": 400})
        answer.raise_for_status()
        found.update({project["name"]: project["id"] for project in answer.json()["projects"]})
    return found
