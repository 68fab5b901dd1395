"""From an action to its call: the one place that knows which call carries which action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from reconciler.apply.address import Address
from reconciler.apply.readback import carried, endpoint_fields, project_fields, shortfall
from reconciler.errors import NotFoundError
from reconciler.plan.action import CreateProject, DeleteProject, PatchEndpoint, PatchProject, TransferProject
from reconciler.plan.ownership import creation_annotations

if TYPE_CHECKING:
    from reconciler.errors import NotTakenError
    from reconciler.neon.client import CreatedProject, Neon
    from reconciler.neon.operations import Operation
    from reconciler.plan.action import Action
    from reconciler.plan.change import Value


@dataclass(frozen=True, slots=True)
class Performed:
    """What an answered call leaves behind."""

    address: Address
    operations: tuple[Operation, ...] = ()
    """To be waited for before the next write to the project."""
    shortfall: NotTakenError | None = None
    """The values that did not take."""
    created: CreatedProject | None = None


@dataclass(frozen=True, slots=True)
class Performer:
    """Makes the calls of one run."""

    neon: Neon
    fleet: str
    run: str

    async def create(self, action: CreateProject, request_id: str) -> Performed:
        """POST /projects, with the annotations that say whose the project is."""
        created = await self.neon.create_project(
            action.organization,
            _values(action),
            creation_annotations(fleet=self.fleet, tenant=action.tenant, run=self.run),
            request_id=request_id,
        )
        return Performed(
            Address.created(created),
            created.operations,
            shortfall(action.changes, project_fields(created.project)),
            created,
        )

    async def perform(self, action: Action, address: Address, request_id: str) -> Performed:
        """The call that carries the action. Raises whatever the client raises."""
        match action:
            case PatchProject():
                return await self._patch_project(action, address, request_id)
            case PatchEndpoint():
                return await self._patch_endpoint(action, address, request_id)
            case DeleteProject():
                await self.neon.delete_project(address.organization, action.project_id, request_id=request_id)
                return Performed(address)
            case CreateProject() | TransferProject():
                raise TypeError(f"{action.kind} has a protocol of its own")
            case _:
                assert_never(action)

    async def carried_out(self, action: Action, address: Address) -> bool:
        """Whether live state shows the effect of a call whose answer was lost."""
        match action:
            case PatchProject():
                project = await self.neon.project(address.organization, address.project_id)
                return carried(action.changes, project_fields(project))
            case PatchEndpoint():
                endpoints = await self.neon.endpoints(address.organization, address.project_id)
                patched = [e for e in endpoints if e.id == address.endpoint(action.branch)]
                return any(carried(action.changes, endpoint_fields(endpoint)) for endpoint in patched)
            case DeleteProject():
                return await self._gone(address.organization, action.project_id)
            case CreateProject() | TransferProject():
                raise TypeError(f"{action.kind} has a protocol of its own")
            case _:
                assert_never(action)

    async def _patch_project(self, action: PatchProject, address: Address, request_id: str) -> Performed:
        answer = await self.neon.update_project(
            address.organization, address.project_id, _values(action), request_id=request_id
        )
        return Performed(address, answer.operations, shortfall(action.changes, project_fields(answer.project)))

    async def _patch_endpoint(self, action: PatchEndpoint, address: Address, request_id: str) -> Performed:
        answer = await self.neon.update_endpoint(
            address.organization,
            address.project_id,
            address.endpoint(action.branch),
            _values(action),
            request_id=request_id,
        )
        return Performed(address, answer.operations, shortfall(action.changes, endpoint_fields(answer.endpoint)))

    async def _gone(self, organization: str, project_id: str) -> bool:
        try:
            await self.neon.project(organization, project_id)
        except NotFoundError:
            return True
        return False


def _values(action: CreateProject | PatchProject | PatchEndpoint) -> dict[str, Value]:
    """What goes into the body: the changes, and the siblings that always travel with them."""
    companions = () if isinstance(action, CreateProject) else action.companions
    return {**dict(companions), **{change.path: change.after for change in action.changes}}
