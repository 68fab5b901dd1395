"""The calls about roles and databases of a branch. The passwords in responses are not decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFoundError
from reconciler.model.database import Database
from reconciler.neon import wire
from reconciler.neon.account import Account
from reconciler.neon.call import BRANCH, Call

if TYPE_CHECKING:
    from reconciler.model.values import Json
    from reconciler.neon.operations import Operation

ROLES: Final = f"{BRANCH}/roles"
ROLE: Final = f"{ROLES}/{{role_name}}"
DATABASES: Final = f"{BRANCH}/databases"
DATABASE: Final = f"{DATABASES}/{{database_name}}"


class DatabaseCalls(Account):
    """Read, create and delete roles and databases; give a database another owner."""

    async def roles(self, organization: str, project_id: str, branch_id: str) -> tuple[str, ...]:
        """The names of the roles of a branch, in one call (Neon: this list has no pages)."""
        ids, purpose = _ids(project_id, branch_id), f"read the roles of branch {branch_id} of project {project_id}"
        answer = await self._send(organization, Call("GET", ROLES, purpose, ids), wire.Roles)
        return tuple(sorted(role.name for role in answer.roles))

    async def create_role(
        self, organization: str, project_id: str, branch_id: str, role: str, *, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Create a role that can log in; Neon makes it a member of neon_superuser (manage/roles).

        Neon drops the connections to a running compute, and wakes an idle one (createProjectBranchRole). Raises
        ConflictError if the name exists.
        """
        purpose = f"create role {role} of project {project_id}"
        call = Call("POST", ROLES, purpose, _ids(project_id, branch_id), body={"role": {"name": role}})
        return tuple((await self._send(organization, call, wire.Started, request_id)).operations)

    async def delete_role(
        self, organization: str, project_id: str, branch_id: str, role: str, *, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Delete a role. One that no longer exists counts as deleted."""
        ids = {**_ids(project_id, branch_id), "role_name": role}
        return await self._delete(
            organization, ROLE, f"delete role {role} of project {project_id}", ids, request_id
        )

    async def databases(self, organization: str, project_id: str, branch_id: str) -> tuple[Database, ...]:
        """The databases of a branch, in one call (Neon: this list has no pages)."""
        ids = _ids(project_id, branch_id)
        purpose = f"read the databases of branch {branch_id} of project {project_id}"
        answer = await self._send(organization, Call("GET", DATABASES, purpose, ids), wire.Databases)
        found = (Database(database.name, database.owner_name) for database in answer.databases)
        return tuple(sorted(found, key=lambda database: database.name))

    async def create_database(
        self,
        organization: str,
        project_id: str,
        branch_id: str,
        database: Database,
        *,
        request_id: str | None = None,
    ) -> tuple[Operation, ...]:
        """Create an empty database. Raises ConflictError if the name exists."""
        body: Json = {"database": {"name": database.name, "owner_name": database.owner}}
        purpose = f"create database {database.name} of project {project_id}"
        call = Call("POST", DATABASES, purpose, _ids(project_id, branch_id), body=body)
        return tuple((await self._send(organization, call, wire.Started, request_id)).operations)

    async def update_database(
        self,
        organization: str,
        project_id: str,
        branch_id: str,
        database: Database,
        *,
        request_id: str | None = None,
    ) -> tuple[Operation, ...]:
        """Give a database the stated owner."""
        ids = {**_ids(project_id, branch_id), "database_name": database.name}
        body: Json = {"database": {"owner_name": database.owner}}
        purpose = f"patch database {database.name} of project {project_id}"
        call = Call("PATCH", DATABASE, purpose, ids, body=body)
        return tuple((await self._send(organization, call, wire.Started, request_id)).operations)

    async def delete_database(
        self, organization: str, project_id: str, branch_id: str, database: str, *, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Delete a database with its data. One that no longer exists counts as deleted."""
        ids = {**_ids(project_id, branch_id), "database_name": database}
        purpose = f"delete database {database} of project {project_id}"
        return await self._delete(organization, DATABASE, purpose, ids, request_id)

    async def _delete(
        self, organization: str, path: str, purpose: str, ids: dict[str, str], request_id: str | None
    ) -> tuple[Operation, ...]:
        call = Call("DELETE", path, purpose, ids)
        try:
            return tuple((await self._send(organization, call, wire.Started, request_id)).operations)
        except NotFoundError:
            return ()


def _ids(project_id: str, branch_id: str) -> dict[str, str]:
    return {"project_id": project_id, "branch_id": branch_id}
