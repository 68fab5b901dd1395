"""The calls about the computes of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.errors import NotFoundError
from reconciler.neon import bodies, conversion, wire
from reconciler.neon.account import Account
from reconciler.neon.call import PROJECT, Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.live.project import LiveEndpoint
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.neon.operations import Operation


class ChangedEndpoint(Struct, frozen=True):
    """The compute after it was created or patched."""

    endpoint: LiveEndpoint
    operations: tuple[Operation, ...]


class ComputeCalls(Account):
    """The calls about the computes of a project."""

    async def endpoints(self, organization: str, project_id: str) -> tuple[LiveEndpoint, ...]:
        """Every compute of a project, in one call (Neon: this list has no pages)."""
        purpose = f"read the computes of project {project_id}"
        call = Call("GET", f"{PROJECT}/endpoints", purpose, {"project_id": project_id})
        answer = await self._send(organization, call, wire.Endpoints)
        return tuple(conversion.live_endpoint(endpoint) for endpoint in answer.endpoints)

    async def create_replica(
        self,
        organization: str,
        project_id: str,
        branch_id: str,
        *,
        name: str,
        compute: Compute | None,
        request_id: str | None = None,
    ) -> ChangedEndpoint:
        """Create a read replica of a branch. Neon does not say that names of computes are unique."""
        call = Call(
            "POST",
            f"{PROJECT}/endpoints",
            f"create read replica {name} of project {project_id}",
            {"project_id": project_id},
            body=bodies.new_replica_body(branch_id=branch_id, name=name, compute=compute),
        )
        answer = await self._send(organization, call, wire.OneEndpoint, request_id)
        return ChangedEndpoint(conversion.live_endpoint(answer.endpoint), tuple(answer.operations))

    async def delete_endpoint(
        self, organization: str, project_id: str, endpoint_id: str, *, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Delete one compute. A compute that no longer exists counts as deleted."""
        ids = {"project_id": project_id, "endpoint_id": endpoint_id}
        purpose = f"delete compute {endpoint_id} of project {project_id}"
        call = Call("DELETE", f"{PROJECT}/endpoints/{{endpoint_id}}", purpose, ids)
        try:
            return tuple((await self._send(organization, call, wire.Started, request_id)).operations)
        except NotFoundError:
            return ()

    async def update_endpoint(
        self,
        organization: str,
        project_id: str,
        endpoint_id: str,
        values: Mapping[str, Value],
        *,
        request_id: str | None = None,
    ) -> ChangedEndpoint:
        """Patch one compute. Neon restarts a running compute."""
        call = Call(
            "PATCH",
            f"{PROJECT}/endpoints/{{endpoint_id}}",
            f"patch compute {endpoint_id} of project {project_id}",
            {"project_id": project_id, "endpoint_id": endpoint_id},
            body=bodies.endpoint_body(values),
        )
        answer = await self._send(organization, call, wire.OneEndpoint, request_id)
        return ChangedEndpoint(conversion.live_endpoint(answer.endpoint), tuple(answer.operations))

    async def suspend_endpoint(
        self, organization: str, project_id: str, endpoint_id: str, *, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Suspend one compute. Neon: its connections end, and the next one starts it again, if it may start."""
        call = Call(
            "POST",
            f"{PROJECT}/endpoints/{{endpoint_id}}/suspend",
            f"suspend compute {endpoint_id} of project {project_id}",
            {"project_id": project_id, "endpoint_id": endpoint_id},
        )
        answer = await self._send(organization, call, wire.OneEndpoint, request_id)
        return tuple(answer.operations)
