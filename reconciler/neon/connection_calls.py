"""The calls that return passwords: how to connect to a branch, and a new password of a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.neon import wire
from reconciler.neon.branch_calls import BranchCalls
from reconciler.neon.call import BRANCH, PROJECT, Call
from reconciler.neon.connection import Connection
from reconciler.secret import Secret

if TYPE_CHECKING:
    from reconciler.live.project import LiveBranch
    from reconciler.neon.operations import Operation


class ResetRole(Struct, frozen=True):
    """The result of a reset."""

    password: Secret
    operations: tuple[Operation, ...]


class ConnectionCalls(BranchCalls):
    """Read how to connect, and reset passwords."""

    async def connection(
        self, organization: str, project_id: str, database: str, role: str, branch: LiveBranch | None = None
    ) -> Connection:
        """How to connect to the compute of a branch, by default the default branch, with the role's password.

        Raises NotFoundError for a role, a database or a compute that the branch does not have, and
        UnexpectedAnswerError for an answer that is no connection string.
        """
        query: dict[str, str | bool] = {"database_name": database, "role_name": role, "pooled": True}
        call = Call(
            "GET",
            f"{PROJECT}/connection_uri",
            f"read the connection string of project {project_id}",
            {"project_id": project_id},
            query=query if branch is None else {**query, "branch_id": branch.id},
        )
        answer = await self._send(organization, call, wire.UriAnswer)
        name = None if branch is None else branch.name
        return Connection.read(organization, project_id, answer.uri, branch=name)

    async def reset_password(
        self, organization: str, project_id: str, branch_id: str, role: str, *, request_id: str | None = None
    ) -> ResetRole:
        """Give a role of a branch a new password (Neon: resetProjectBranchRolePassword).

        Raises UnknownOutcomeError if it may have been reset.
        """
        call = Call(
            "POST",
            f"{BRANCH}/roles/{{role_name}}/reset_password",
            f"reset the password of role {role} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id, "role_name": role},
        )
        answer = await self._send(organization, call, wire.ResetRoleAnswer, request_id)
        return ResetRole(Secret(answer.role.password), tuple(answer.operations))
