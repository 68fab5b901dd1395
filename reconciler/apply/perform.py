"""From an action to its call: the one place that knows which call carries which action."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from reconciler.apply.address import Address
from reconciler.apply.readback import (
    asked_of_branch,
    asked_of_snapshot,
    branch_fields,
    endpoint_fields,
    shortfall,
    snapshot_fields,
)
from reconciler.model.annotations import adoption_annotations, branch_annotations, creation_annotations
from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.observed import project_fields
from reconciler.plan.outcome import GONE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.errors import NotTakenError
    from reconciler.model.values import Value
    from reconciler.neon.client import CreatedProject, Neon
    from reconciler.neon.operations import Operation
    from reconciler.plan.action import Action


MARK_LASTS: Final = timedelta(days=28)
"""How long the branch that marks an adopted project lives (Neon: 30 days at most)."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What an answered call leaves behind."""

    address: Address
    operations: tuple[Operation, ...] = ()
    """To be waited for before the next write to the project."""
    shortfall: NotTakenError | None = None
    """The values that did not take."""
    created: CreatedProject | None = None
    made: str = ""
    """The kind and id of what was made, for the journal."""
    gone_before: bool = False
    """True where what was to be deleted was not there any more."""
    request_id: str | None = None
    """Of the call; None where it was not a single one."""


@dataclass(frozen=True, slots=True)
class Performer:
    """Makes the calls of one run."""

    neon: Neon
    fleet: str
    run: str
    now: Callable[[], datetime]
    hands_out: bool = False
    """Whether the connection strings of new projects are given to whoever asked for them."""

    async def create(self, action: CreateProject, request_id: str) -> Performed:
        """POST /projects, with the annotations that say whose the project is."""
        created = await self.neon.create_project(
            action.organization,
            _values(action),
            creation_annotations(fleet=self.fleet, tenant=action.tenant, run=self.run, hands_out=self.hands_out),
            request_id=request_id,
        )
        return Performed(
            Address.created(created),
            created.operations,
            shortfall(action.changes, project_fields(created.project)),
            created,
            f"project {created.project.id}",
        )

    async def perform(  # noqa: C901, PLR0911, PLR0912 - one case for each action
        self, action: Action, address: Address, request_id: str
    ) -> Performed:
        """The call that carries the action. Raises whatever the client raises."""
        match action:
            case PatchProject():
                return await self._patch_project(action, address, request_id)
            case PatchEndpoint():
                return await self._patch_endpoint(action, address, request_id)
            case CreateBranch():
                return await self._create_branch(action, address, request_id)
            case PatchBranch():
                return await self._patch_branch(action, address, request_id)
            case DeleteBranch():
                return await self._delete_branch(action, address, request_id)
            case CreateSnapshot():
                return await self._create_snapshot(action, address, request_id)
            case DeleteSnapshot():
                return await self._delete_snapshot(action, address, request_id)
            case RecoverProject():
                recovered = await self.neon.recover_project(
                    address.organization, action.project_id, request_id=request_id
                )
                return Performed(Address.observed(recovered), made=f"project {recovered.id} recovered")
            case AdoptProject():
                return await self._mark(action, address, request_id)
            case DeleteDuplicate():
                return await self._delete_project(action.organization, action.project_id, address, request_id)
            case DeleteProject():
                return await self._delete_project(address.organization, action.project_id, address, request_id)
            case CreateProject() | TransferProject():
                raise TypeError(f"{action.kind} has a protocol of its own")
            case _:
                assert_never(action)

    async def _mark(self, action: AdoptProject, address: Address, request_id: str) -> Performed:
        """The branch expires by itself: it holds on to the data of its moment, which Neon bills."""
        created = await self.neon.create_branch(
            address.organization,
            address.project_id,
            name=action.branch,
            parent_id=address.branch(action.parent),
            at=None,
            expires_at=self.now().replace(microsecond=0) + MARK_LASTS,
            schema_only=False,
            with_compute=False,
            compute=None,
            annotations=adoption_annotations(
                fleet=self.fleet,
                tenant=action.tenant,
                run=self.run,
                branch=action.branch,
                hands_out=self.hands_out,
            ),
            request_id=request_id,
        )
        return Performed(address, created.operations, made=f"branch {created.branch.id}")

    async def _delete_project(
        self, organization: str, project_id: str, address: Address, request_id: str
    ) -> Performed:
        """``address`` is the tenant's, which a second project of its is not at."""
        deleted = await self.neon.delete_project(organization, project_id, request_id=request_id)
        return Performed(address, made="" if deleted else GONE, gone_before=not deleted)

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

    async def _create_branch(self, action: CreateBranch, address: Address, request_id: str) -> Performed:
        created = await self.neon.create_branch(
            address.organization,
            address.project_id,
            name=action.branch,
            parent_id=address.branch(action.parent),
            at=action.at,
            expires_at=action.expires_at,
            schema_only=action.schema_only,
            with_compute=action.with_compute,
            compute=action.compute,
            annotations=branch_annotations(
                fleet=self.fleet,
                tenant=action.tenant,
                run=self.run,
                branch=action.branch,
                purpose=action.purpose,
            ),
            request_id=request_id,
        )
        return Performed(
            address.with_branch(created.branch, created.endpoint_id),
            created.operations,
            shortfall(asked_of_branch(action, address), branch_fields(created.branch)),
            made=f"branch {created.branch.id}",
        )

    async def _patch_branch(self, action: PatchBranch, address: Address, request_id: str) -> Performed:
        answer = await self.neon.update_branch(
            address.organization,
            address.project_id,
            address.branch(action.branch),
            name=action.rename_to,
            expires_at=action.expires_at,
            expires_no_more=action.expires_no_more,
            request_id=request_id,
        )
        return Performed(
            address.with_branch(answer.branch),
            answer.operations,
            shortfall(asked_of_branch(action, address), branch_fields(answer.branch)),
        )

    async def _delete_branch(self, action: DeleteBranch, address: Address, request_id: str) -> Performed:
        operations = await self.neon.delete_branch(
            address.organization, address.project_id, action.branch_id, request_id=request_id
        )
        return Performed(address.without_branch(action.branch_id), operations)

    async def _create_snapshot(self, action: CreateSnapshot, address: Address, request_id: str) -> Performed:
        created = await self.neon.create_snapshot(
            address.organization,
            address.project_id,
            address.branch(action.branch),
            name=action.snapshot,
            at=action.at,
            expires_at=action.expires_at,
            request_id=request_id,
        )
        return Performed(
            address,
            created.operations,
            shortfall(asked_of_snapshot(action, address), snapshot_fields(created.snapshot)),
            made=f"snapshot {created.snapshot.id}",
        )

    async def _delete_snapshot(self, action: DeleteSnapshot, address: Address, request_id: str) -> Performed:
        operations = await self.neon.delete_snapshot(
            address.organization, address.project_id, action.snapshot_id, request_id=request_id
        )
        return Performed(address, operations)


def _values(action: CreateProject | PatchProject | PatchEndpoint) -> dict[str, Value]:
    """What goes into the body: the changes, and the siblings that always travel with them."""
    companions = () if isinstance(action, CreateProject) else action.companions
    return {**dict(companions), **{change.path: change.after for change in action.changes}}
