"""The API call of each action."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from reconciler.apply.address import Address
from reconciler.apply.readback import (
    branch_fields,
    endpoint_fields,
    requested_branch_fields,
    requested_snapshot_fields,
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
    from reconciler.apply.run import Run
    from reconciler.errors import NotTakenError
    from reconciler.model.values import Value
    from reconciler.neon.client import CreatedProject
    from reconciler.neon.operations import Operation
    from reconciler.plan.action import Action


MARK_LIFETIME: Final = timedelta(days=28)
"""Lifetime of the branch that marks an adopted project (Neon: 30 days at most)."""


@dataclass(frozen=True, slots=True)
class Performed:
    """The result of a call that was answered."""

    address: Address
    operations: tuple[Operation, ...] = ()
    """Operations that must end before the next write to the project."""
    shortfall: NotTakenError | None = None
    """Set where the answer states other values than those requested."""
    created: CreatedProject | None = None
    made: str = ""
    """The kind and id of what was created, for the journal."""
    already_deleted: bool = False
    """Whether the thing to delete no longer existed."""
    request_id: str | None = None
    """The id of the call. None where there was more than one call, or none."""


async def create_project(run: Run, action: CreateProject, request_id: str) -> Performed:
    """POST /projects, with the annotations that name the fleet, the tenant and the run."""
    created = await run.neon.create_project(
        action.organization,
        _values(action),
        creation_annotations(fleet=run.fleet, tenant=action.tenant, run=run.id, hands_out=run.hands_out),
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
    run: Run, action: Action, address: Address, request_id: str
) -> Performed:
    """Makes the action's call. Raises what the client raises."""
    match action:
        case PatchProject():
            return await _patch_project(run, action, address, request_id)
        case PatchEndpoint():
            return await _patch_endpoint(run, action, address, request_id)
        case CreateBranch():
            return await _create_branch(run, action, address, request_id)
        case PatchBranch():
            return await _patch_branch(run, action, address, request_id)
        case DeleteBranch():
            return await _delete_branch(run, action, address, request_id)
        case CreateSnapshot():
            return await _create_snapshot(run, action, address, request_id)
        case DeleteSnapshot():
            return await _delete_snapshot(run, action, address, request_id)
        case RecoverProject():
            recovered = await run.neon.recover_project(
                address.organization, action.project_id, request_id=request_id
            )
            return Performed(Address.observed(recovered), made=f"project {recovered.id} recovered")
        case AdoptProject():
            return await _mark(run, action, address, request_id)
        case DeleteDuplicate():
            return await _delete_project(run, action.organization, action.project_id, address, request_id)
        case DeleteProject():
            return await _delete_project(run, address.organization, action.project_id, address, request_id)
        case CreateProject() | TransferProject():
            raise TypeError(f"{action.kind} is not a single call to one project")
        case _:
            assert_never(action)


async def _mark(run: Run, action: AdoptProject, address: Address, request_id: str) -> Performed:
    """Creates a branch that carries the annotations. It expires, because Neon bills the data that it retains."""
    created = await run.neon.create_branch(
        address.organization,
        address.project_id,
        name=action.branch,
        parent_id=address.branch(action.parent),
        at=None,
        expires_at=run.now().replace(microsecond=0) + MARK_LIFETIME,
        schema_only=False,
        with_compute=False,
        compute=None,
        annotations=adoption_annotations(
            fleet=run.fleet,
            tenant=action.tenant,
            run=run.id,
            branch=action.branch,
            hands_out=run.hands_out,
        ),
        request_id=request_id,
    )
    return Performed(address, created.operations, made=f"branch {created.branch.id}")


async def _delete_project(
    run: Run, organization: str, project_id: str, address: Address, request_id: str
) -> Performed:
    """``address`` is the address of the tenant's own project, which differs from a duplicate's."""
    deleted = await run.neon.delete_project(organization, project_id, request_id=request_id)
    return Performed(address, made="" if deleted else GONE, already_deleted=not deleted)


async def _patch_project(run: Run, action: PatchProject, address: Address, request_id: str) -> Performed:
    answer = await run.neon.update_project(
        address.organization, address.project_id, _values(action), request_id=request_id
    )
    return Performed(address, answer.operations, shortfall(action.changes, project_fields(answer.project)))


async def _patch_endpoint(run: Run, action: PatchEndpoint, address: Address, request_id: str) -> Performed:
    answer = await run.neon.update_endpoint(
        address.organization,
        address.project_id,
        address.endpoint(action.branch),
        _values(action),
        request_id=request_id,
    )
    return Performed(address, answer.operations, shortfall(action.changes, endpoint_fields(answer.endpoint)))


async def _create_branch(run: Run, action: CreateBranch, address: Address, request_id: str) -> Performed:
    created = await run.neon.create_branch(
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
            fleet=run.fleet,
            tenant=action.tenant,
            run=run.id,
            branch=action.branch,
            purpose=action.purpose,
        ),
        request_id=request_id,
    )
    return Performed(
        address.with_branch(created.branch, created.endpoint_id),
        created.operations,
        shortfall(requested_branch_fields(action, address), branch_fields(created.branch)),
        made=f"branch {created.branch.id}",
    )


async def _patch_branch(run: Run, action: PatchBranch, address: Address, request_id: str) -> Performed:
    answer = await run.neon.update_branch(
        address.organization,
        address.project_id,
        address.branch(action.branch),
        name=action.rename_to,
        expires_at=action.expires_at,
        removes_expiry=action.expires_no_more,
        request_id=request_id,
    )
    return Performed(
        address.with_branch(answer.branch),
        answer.operations,
        shortfall(requested_branch_fields(action, address), branch_fields(answer.branch)),
    )


async def _delete_branch(run: Run, action: DeleteBranch, address: Address, request_id: str) -> Performed:
    operations = await run.neon.delete_branch(
        address.organization, address.project_id, action.branch_id, request_id=request_id
    )
    return Performed(address.without_branch(action.branch_id), operations)


async def _create_snapshot(run: Run, action: CreateSnapshot, address: Address, request_id: str) -> Performed:
    created = await run.neon.create_snapshot(
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
        shortfall(requested_snapshot_fields(action, address), snapshot_fields(created.snapshot)),
        made=f"snapshot {created.snapshot.id}",
    )


async def _delete_snapshot(run: Run, action: DeleteSnapshot, address: Address, request_id: str) -> Performed:
    operations = await run.neon.delete_snapshot(
        address.organization, address.project_id, action.snapshot_id, request_id=request_id
    )
    return Performed(address, operations)


def _values(action: CreateProject | PatchProject | PatchEndpoint) -> dict[str, Value]:
    """The members of the request body: the changes, and the unchanged members that are sent with them."""
    companions = () if isinstance(action, CreateProject) else action.companions
    return {**dict(companions), **{change.path: change.after for change in action.changes}}
