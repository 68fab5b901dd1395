"""Neon's API as methods: one per call, with the types of this program as arguments and results."""

from __future__ import annotations

import re
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reconciler.desired.naming import Search
from reconciler.errors import (
    IncompleteViewError,
    NotFoundError,
    OperationFailedError,
    WrongOrganizationError,
)
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.neon import bodies, wire
from reconciler.neon.branch_calls import BranchCalls
from reconciler.neon.call import MOST_PAGES, PROJECT, Call, gap_in_list, unending_list
from reconciler.neon.operations import Operation, wait_for
from reconciler.neon.pace import Pace
from reconciler.neon.snapshot_calls import SnapshotCalls
from reconciler.neon.transport import Transport
from reconciler.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
    from random import Random

    import httpx

    from reconciler.desired.state import Api
    from reconciler.live.project import DeletedProject, LiveEndpoint, LiveProject
    from reconciler.model.values import Value
    from reconciler.neon.credentials import Access

OPERATIONS_PER_PAGE: Final = 100
_ASCII: Final = re.compile(r"[\x20-\x7e]+(?![^\x00-\x7f])")
"""A part of a name in ASCII. No combining character follows it."""
LISTING_TIMEOUT_MILLISECONDS: Final = 30_000
"""Neon: the maximum. With more time, fewer projects are unavailable."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All projects of an organization. ``unavailable``: the ids of projects that Neon did not read in time."""

    projects: tuple[LiveProject, ...]
    unavailable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreatedProject:
    """The result of POST /projects: a project with its default branch and that branch's compute."""

    project: LiveProject
    branch_id: str
    branch_name: str
    endpoint_id: str | None
    operations: tuple[Operation, ...]
    connection_uri: Secret | None


@dataclass(frozen=True, slots=True)
class PatchedProject:
    """The project after a patch."""

    project: LiveProject
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class PatchedEndpoint:
    """The compute after a patch."""

    endpoint: LiveEndpoint
    operations: tuple[Operation, ...]


class Neon(BranchCalls, SnapshotCalls):
    """The calls. ``organization`` is a name from ``tiers.yaml``. Every method may raise ApiError.

    Writes take ``request_id``, sent as ``X-Request-ID``: a journal records it before the call.
    """

    async def projects(self, organization: str, *, on_page: Callable[[int], None] | None = None) -> Listing:
        """Every project of an organization. Calls ``on_page`` after each page with the count so far."""
        found: dict[str, LiveProject] = {}
        unavailable: dict[str, None] = {}
        async for page in self._listed_pages(organization):
            for project in self._listed(page, organization):
                found[project.id] = project
            unavailable.update(dict.fromkeys(page.unavailable_project_ids))
            if on_page is not None:
                on_page(len(found))
        return Listing(tuple(found.values()), tuple(id_ for id_ in unavailable if id_ not in found))

    async def deleted_projects(self, organization: str) -> tuple[DeletedProject, ...]:
        """Every deleted project of an organization that can still be recovered.

        Raises IncompleteViewError if Neon does not return all of them.
        """
        found: dict[str, DeletedProject] = {}
        purpose = f"list the deleted projects of organization {organization}"
        async for page in self._pages(organization, purpose, recoverable=True):
            if page.unavailable_project_ids:
                raise IncompleteViewError(f"the API did not return all deleted projects of {organization}")
            self._check_organizations(page, organization)
            found.update({one.project.id: one for one in wire.deleted_projects(page, organization)})
        return tuple(found.values())

    async def _listed_pages(self, organization: str) -> AsyncIterator[wire.ProjectsPage]:
        """Raises WrongOrganizationError if the key has no access to the organization."""
        try:
            async for page in self._pages(organization, f"list the projects of organization {organization}"):
                yield page
        except NotFoundError as error:
            access = self._organization(organization)
            raise WrongOrganizationError(
                f"{error}: the key in ${access.key.variable} has no access to organization {access.id}",
                hint=f"check that id and key of organization {organization} are not those of another organization",
            ) from error

    async def named(self, organization: str, name: str) -> tuple[LiveProject, ...]:
        """The projects with exactly this name."""
        return await self.searched(organization, Search(name, (name,)))

    async def searched(self, organization: str, search: Search) -> tuple[LiveProject, ...]:
        """The projects with exactly these names. Neon: names are not unique, and a search matches parts of names.

        Reads pages until one has a match and is not full. Reads every page if there is no match. Reads unavailable
        ids one by one, so an empty result means that there is no such project.
        """
        found: dict[str, LiveProject] = {}
        purpose = f"look for project {' or '.join(search.names)} in organization {organization}"
        async with aclosing(self._pages(organization, purpose, search=_in_any_form(search.text))) as pages:
            async for page in pages:
                read = [await self._project_if_any(organization, id_) for id_ in page.unavailable_project_ids]
                seen = [*self._listed(page, organization), *filter(None, read)]
                found.update({project.id: project for project in seen if project.name in search.names})
                if found and len(seen) < PROJECTS_PER_PAGE:
                    break
        return tuple(found.values())

    async def project(self, organization: str, project_id: str) -> LiveProject:
        """One project with all its settings."""
        call = Call("GET", PROJECT, f"read project {project_id}", {"project_id": project_id})
        answer = await self._send(organization, call, wire.OneProject)
        return self._live(answer.project, organization)

    async def _project_if_any(self, organization: str, project_id: str) -> LiveProject | None:
        try:
            return await self.project(organization, project_id)
        except NotFoundError:
            return None

    async def endpoints(self, organization: str, project_id: str) -> tuple[LiveEndpoint, ...]:
        """Every compute of a project, in one call (Neon: this list has no pages)."""
        purpose = f"read the computes of project {project_id}"
        call = Call("GET", f"{PROJECT}/endpoints", purpose, {"project_id": project_id})
        answer = await self._send(organization, call, wire.Endpoints)
        return tuple(wire.live_endpoint(endpoint) for endpoint in answer.endpoints)

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
        writable = (endpoint.id for endpoint in answer.endpoints if endpoint.type == "read_write")
        return CreatedProject(
            project=self._live(answer.project, organization),
            branch_id=answer.branch.id,
            branch_name=answer.branch.name,
            endpoint_id=next(writable, None),
            operations=tuple(answer.operations),
            connection_uri=next((Secret(uri.connection_uri) for uri in answer.connection_uris), None),
        )

    async def update_project(
        self, organization: str, project_id: str, values: Mapping[str, Value], *, request_id: str | None = None
    ) -> PatchedProject:
        """Patch the settings of a project. Existing computes keep their sizes (Neon)."""
        body = bodies.patch_body(values)
        call = Call("PATCH", PROJECT, f"patch project {project_id}", {"project_id": project_id}, body=body)
        answer = await self._send(organization, call, wire.OneProject, request_id)
        return PatchedProject(self._live(answer.project, organization), tuple(answer.operations))

    async def update_endpoint(
        self,
        organization: str,
        project_id: str,
        endpoint_id: str,
        values: Mapping[str, Value],
        *,
        request_id: str | None = None,
    ) -> PatchedEndpoint:
        """Patch one compute. Neon restarts a running compute."""
        call = Call(
            "PATCH",
            f"{PROJECT}/endpoints/{{endpoint_id}}",
            f"patch compute {endpoint_id} of project {project_id}",
            {"project_id": project_id, "endpoint_id": endpoint_id},
            body=bodies.endpoint_body(values),
        )
        answer = await self._send(organization, call, wire.OneEndpoint, request_id)
        return PatchedEndpoint(wire.live_endpoint(answer.endpoint), tuple(answer.operations))

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
        return replace(project, branches=tuple(wire.live_branch(branch, {}) for branch in answer.branches))

    async def connection_uri(
        self, organization: str, project_id: str, database: str, role: str, pooled: bool = False
    ) -> Secret:
        """The connection string of the default branch's compute, with its password."""
        call = Call(
            "GET",
            f"{PROJECT}/connection_uri",
            f"read the connection string of project {project_id}",
            {"project_id": project_id},
            query={"database_name": database, "role_name": role, "pooled": pooled},
        )
        return Secret((await self._send(organization, call, wire.UriAnswer)).uri)

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

    async def _pages(
        self, organization: str, purpose: str, *, search: str | None = None, recoverable: bool = False
    ) -> AsyncGenerator[wire.ProjectsPage, None]:
        """Pages until one is empty, has no cursor or repeats it. Neon: a page may be short after a timeout.

        An empty page with a cursor, or after a full page, may be an error. It is read again, or the next page is
        read; that page must be empty too. Raises IncompleteViewError if it is not, and for a list that does not
        end.
        """
        query: dict[str, str | int | bool] = {
            "org_id": self._organization(organization).id,
            "limit": PROJECTS_PER_PAGE,
            "timeout": LISTING_TIMEOUT_MILLISECONDS,
        }
        if search is not None:
            query["search"] = search
        if recoverable:
            query["recoverable"] = True
        seen: set[str] = set()
        full, confirming = False, False
        while len(seen) < MOST_PAGES:
            page = await self._send(
                organization, Call("GET", "/projects", purpose, query=query), wire.ProjectsPage
            )
            yield page
            cursor = page.pagination.cursor if page.pagination else None
            count = len(page.projects) + len(page.unavailable_project_ids)
            if confirming and count:
                raise gap_in_list(purpose)
            if confirming or (not count and not cursor and not full) or (count and not cursor) or cursor in seen:
                return
            full, confirming = count >= PROJECTS_PER_PAGE, not count
            if cursor:
                seen.add(cursor)
                query = {**query, "cursor": cursor}
        raise unending_list(purpose)


@asynccontextmanager
async def connect(
    access: Access,
    api: Api,
    *,
    share: float = 1.0,
    via: httpx.AsyncBaseTransport | None = None,
    random: Random | None = None,
) -> AsyncIterator[Neon]:
    """A client. ``share`` is its part of the rate limit: ``api.batch_share`` for a fleet, 1.0 for one tenant.

    ``via`` replaces the network, for a simulator in process. Raises InvalidInputError if the host is not a valid
    address.
    """
    pace = Pace.of(api, share=share)
    async with Transport(api.host, pace=pace, via=via, random=random, secrets=access.secrets) as transport:
        yield Neon(transport, access)


def _in_any_form(text: str) -> str:
    """A search text that matches both Unicode forms (NFC, NFD) of a name: its longest part in ASCII, if any."""
    return text if text.isascii() else max(_ASCII.findall(text), key=len, default=text)


def _counted(project_ids: Sequence[str]) -> str:
    return f"project {project_ids[0]}" if len(project_ids) == 1 else f"{len(project_ids)} projects"
