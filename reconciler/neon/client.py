"""Neon's API as methods: one per call, with the types of this program as arguments and results."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NotFoundError, OperationFailedError, UnexpectedAnswerError
from reconciler.model.values import replace
from reconciler.neon import bodies, conversion, wire
from reconciler.neon.call import PROJECT, Call
from reconciler.neon.compute_calls import ComputeCalls
from reconciler.neon.connection import Connection
from reconciler.neon.connection_calls import ConnectionCalls
from reconciler.neon.consumption_calls import ConsumptionCalls
from reconciler.neon.database_calls import DatabaseCalls
from reconciler.neon.operations import RUNNING, Operation, wait_for
from reconciler.neon.pace import Pace
from reconciler.neon.project_lists import ProjectLists
from reconciler.neon.restore_calls import RestoreCalls
from reconciler.neon.shared_budget import SharedBudget, machine, store_of_loop, store_of_machine
from reconciler.neon.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from random import Random

    import httpx

    from reconciler.desired.state import Api
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.model.values import Value
    from reconciler.neon.call import CallLimit, CallObserver
    from reconciler.neon.credentials import Access
    from reconciler.neon.leased_budget import CallLedger, LeasedBudget
    from reconciler.neon.shared_budget import CallRates

OPERATIONS_PER_PAGE: Final = 100


class CreatedProject(Struct, frozen=True):
    """The result of POST /projects: a project with its default branch and that branch's compute."""

    project: LiveProject
    branch_id: str
    branch_name: str
    endpoint: LiveEndpoint | None
    """The read-write compute of the branch."""
    operations: tuple[Operation, ...]
    connection: Connection | None
    """As the default role; None if the answer has no valid connection string."""

    @property
    def endpoint_id(self) -> str | None:
        """The id of the compute."""
        return None if self.endpoint is None else self.endpoint.id


class PatchedProject(Struct, frozen=True):
    """The project after a patch."""

    project: LiveProject
    operations: tuple[Operation, ...]


class Neon(ProjectLists, ComputeCalls, ConnectionCalls, DatabaseCalls, RestoreCalls, ConsumptionCalls):
    """The calls. ``organization`` is a name from ``tiers.yaml``. Every method may raise ApiError.

    Writes take ``request_id``, sent as ``X-Request-ID``: a journal records it before the call.
    """

    async def create_project(
        self,
        organization: str,
        values: Mapping[str, Value],
        annotations: Mapping[str, str],
        *,
        request_id: str | None = None,
    ) -> CreatedProject:
        """Create a project with an annotated default branch. Raises UnknownOutcomeError if it may exist."""
        body = bodies.create_body(values, annotations, self._organization(organization).id)
        call = Call("POST", "/projects", f"create project {values.get('name')} in {organization}", body=body)
        answer = await self._send(organization, call, wire.NewProject, request_id)
        computes = (conversion.live_endpoint(each) for each in answer.endpoints if each.type == "read_write")
        return CreatedProject(
            project=self._live(answer.project, organization),
            branch_id=answer.branch.id,
            branch_name=answer.branch.name,
            endpoint=next(computes, None),
            operations=tuple(answer.operations),
            connection=_first_connection(answer, organization),
        )

    async def update_project(
        self, organization: str, project_id: str, values: Mapping[str, Value], *, request_id: str | None = None
    ) -> PatchedProject:
        """Patch the settings of a project. Existing computes keep their sizes (Neon)."""
        body = bodies.patch_body(values)
        call = Call("PATCH", PROJECT, f"patch project {project_id}", {"project_id": project_id}, body=body)
        answer = await self._send(organization, call, wire.OneProject, request_id)
        return PatchedProject(self._live(answer.project, organization), tuple(answer.operations))

    async def transfer_projects(
        self,
        source: str,
        destination: str,
        project_ids: Sequence[str],
        *,
        brief_lock_wait: bool = False,
        request_id: str | None = None,
    ) -> None:
        """Move up to 400 projects. The transfer is complete when the response arrives; there are no operations.

        ``brief_lock_wait`` waits only some seconds for a lock, because one locked project delays all the others.
        Raises TransferRefusedError, with the ids of the projects in the response, and MissingKeyError.
        Neon: needs a personal key. Not documented: whether a refused batch moves some of the projects.
        """
        call = Call(
            "POST",
            "/organizations/{organization_id}/projects/transfer",
            f"transfer {_counted(project_ids)} from {source} to {destination}",
            {"organization_id": self._organization(source).id},
            body={
                "destination_org_id": self._organization(destination).id,
                "project_ids": list(project_ids),
            },
            brief_lock_wait=brief_lock_wait,
        )
        key = self._access.personal_key()
        await self._transport.send(call, key, wire.Done, run=self._run, request_id=request_id)

    async def delete_project(self, organization: str, project_id: str, *, request_id: str | None = None) -> bool:
        """Delete a project. Returns False if it no longer exists. Recoverable for 7 days (Neon)."""
        call = Call("DELETE", PROJECT, f"delete project {project_id}", {"project_id": project_id})
        try:
            await self._send(organization, call, wire.Done, request_id)
        except NotFoundError:
            return False
        return True

    async def recover_project(
        self, organization: str, project_id: str, *, request_id: str | None = None
    ) -> LiveProject:
        """Recover a deleted project with its branches, computes and connection strings. There are no operations.

        Neon: beta; some integrations have to be set up again. Raises NotFoundError for a project that is not
        deleted, or was deleted more than 7 days ago.
        """
        purpose = f"recover project {project_id}"
        call = Call("POST", f"{PROJECT}/recover", purpose, {"project_id": project_id})
        answer = await self._send(organization, call, wire.RecoveredProject, request_id)
        project = self._live(answer.project, organization)
        return replace(project, branches=tuple(conversion.live_branch(branch, {}) for branch in answer.branches))

    async def wait(self, organization: str, project_id: str, operations: Iterable[Operation]) -> None:
        """Wait until operations of one project have ended. Raises OperationFailedError."""

        async def poll(ids: tuple[str, ...]) -> list[Operation]:
            if len(ids) == 1:
                return [await self._operation(organization, project_id, ids[0])]
            recent = {op.id: op for op in await self._operations(organization, project_id)}
            return [recent.get(id_) or await self._operation(organization, project_id, id_) for id_ in ids]

        try:
            await wait_for(operations, poll)
        except OperationFailedError as error:
            raise OperationFailedError(self._redacted(str(error)), hint=error.hint) from error

    async def running_operations(self, organization: str, project_id: str) -> tuple[Operation, ...]:
        """The operations of a project that have not ended, of the newest 100."""
        recent = await self._operations(organization, project_id)
        return tuple(operation for operation in recent if operation.status in RUNNING)

    async def _operation(self, organization: str, project_id: str, operation_id: str) -> Operation:
        ids = {"project_id": project_id, "operation_id": operation_id}
        purpose = f"read an operation of project {project_id}"
        call = Call("GET", f"{PROJECT}/operations/{{operation_id}}", purpose, ids)
        return (await self._send(organization, call, wire.OneOperation)).operation

    async def _operations(self, organization: str, project_id: str) -> list[Operation]:
        purpose = f"read the operations of project {project_id}"
        query = {"limit": OPERATIONS_PER_PAGE}
        call = Call("GET", f"{PROJECT}/operations", purpose, {"project_id": project_id}, query)
        return (await self._send(organization, call, wire.OperationsPage)).operations


@asynccontextmanager
async def connect(
    access: Access,
    api: Api,
    *,
    share: float = 1.0,
    via: httpx.AsyncBaseTransport | None = None,
    random: Random | None = None,
    observer: CallObserver | None = None,
    limit: CallLimit | None = None,
    ledger: CallLedger | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Neon]:
    """A client. ``share`` is its part of the rate limit: ``api.batch_share`` for a fleet, 1.0 for one tenant.

    All clients of this user on this machine share the limit of a host, and all of one loop that of a ``via``.
    ``via`` replaces the network, for a simulator in process. Clients on several machines share the limit of a
    ``ledger``; ``tell`` gets a sentence where that cannot be asked. ``observer`` sees every call, ``limit``
    bounds their number. Raises InvalidInputError if the host is not a valid address.
    """
    store = store_of_machine(api.host) if via is None else store_of_loop((api.host, via))
    leased = None if ledger is None else _leased(ledger, api.host, tell)
    pace = Pace.of(api, share=share, store=store, leased=leased)
    opened = Transport(
        api.host, pace=pace, via=via, random=random, secrets=access.secrets, observer=observer, limit=limit
    )
    async with opened as transport:
        yield Neon(transport, access)
        await pace.leave()


def _leased(ledger: CallLedger, host: str, tell: Callable[[str], None]) -> Callable[[CallRates], LeasedBudget]:
    """What runs on several machines share, and what runs of this one share where it cannot be asked."""
    from reconciler.neon.leased_budget import LeasedBudget  # noqa: PLC0415 - for a fleet with a registry only

    def alone(rates: CallRates) -> SharedBudget:
        return SharedBudget(store_of_machine(host, alone=True), rates)

    return lambda rates: LeasedBudget(ledger, rates, machine=machine(), alone=alone, tell=tell)


def _first_connection(answer: wire.NewProject, organization: str) -> Connection | None:
    for one in answer.connection_uris:
        with suppress(UnexpectedAnswerError):  # the project exists: what its answer lacks is read again
            return Connection.read(organization, answer.project.id, one.connection_uri)
    return None


def _counted(project_ids: Sequence[str]) -> str:
    return f"project {project_ids[0]}" if len(project_ids) == 1 else f"{len(project_ids)} projects"
