"""The API call of each action."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from reconciler.apply.address import Address
from reconciler.apply.calls.contents import change_contents
from reconciler.apply.calls.readback import (
    branch_fields,
    endpoint_fields,
    requested_branch_fields,
    requested_compute_fields,
    requested_snapshot_fields,
    shortfall,
    snapshot_fields,
)
from reconciler.model.annotations import adoption_annotations, branch_annotations, creation_annotations
from reconciler.model.compute import DEFAULT_SUSPEND_TIMEOUT_SECONDS
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch, ResetBranch, ResetPassword
from reconciler.plan.actions.compute import CreateReplica, DeleteReplica, PatchEndpoint, SuspendCompute
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase
from reconciler.plan.actions.project import (
    AdoptProject,
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.actions.restore import FinalizeRestore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot, PreviewSnapshot
from reconciler.plan.change import FieldChange
from reconciler.plan.concerns.compute import SUSPEND
from reconciler.plan.live_values import project_fields
from reconciler.plan.outcome import GONE

if TYPE_CHECKING:
    from reconciler.apply.run.run import Run
    from reconciler.errors import NotTakenError
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.neon.client import CreatedProject
    from reconciler.neon.connection import Connection
    from reconciler.neon.operations import Operation
    from reconciler.plan.action import Action


MARK_LIFETIME: Final = timedelta(days=28)
"""Lifetime of the branch that marks an adopted project (Neon: 30 days at most)."""


class FirstCompute(Struct, frozen=True):
    """The compute that came with a new project: no more than what is compared with the request."""

    branch: str
    """The name of its branch."""
    compute: Compute


class Performed(Struct, frozen=True):
    """The result of a call that was answered."""

    address: Address
    operations: tuple[Operation, ...] = ()
    """Operations that must end before the next write to the project."""
    shortfall: NotTakenError | None = None
    """Set where the answer states other values than those requested."""
    created: CreatedProject | None = None
    project: LiveProject | None = None
    """The project after a patch, as the answer states it."""
    first_compute: FirstCompute | None = None
    """The compute that came with a new project."""
    replica: LiveEndpoint | None = None
    """The read replica that the call created. None after a lost answer."""
    made: str = ""
    """The kind and id of what was created, for the journal."""
    connection: Connection | None = None
    """How to connect after a password was reset."""
    already_deleted: bool = False
    """Whether the thing to delete no longer existed."""
    note: str = ""
    """A message for the report, besides the result."""
    request_id: str | None = None
    """The id of the call. None where there was more than one call, or none."""


async def create_project(run: Run, action: CreateProject, request_id: str) -> Performed:
    """POST /projects, with the annotations that name the fleet, the tenant and the run."""
    created = await run.neon.create_project(
        action.organization,
        _values(action),
        creation_annotations(
            fleet=run.fleet, tenant=action.tenant, run=run.id, returns_strings=run.returns_strings
        ),
        request_id=request_id,
    )
    return Performed(
        Address.created(created, _requested(action).get(SUSPEND, DEFAULT_SUSPEND_TIMEOUT_SECONDS)),
        created.operations,
        shortfall(action.changes, project_fields(created.project)),
        created,
        first_compute=first_compute(created.branch_name, created.endpoint),
        made=f"project {created.project.id}",
    )


def first_compute(branch: str, endpoint: LiveEndpoint | None) -> FirstCompute | None:
    """What is kept of the read-write compute of this branch."""
    return None if endpoint is None else FirstCompute(branch, endpoint.compute)


async def perform(  # noqa: C901, PLR0911, PLR0912 - one case for each action
    run: Run, action: Action, address: Address, request_id: str
) -> Performed:
    """Makes the action's call. Raises what the client raises."""
    match action:
        case PatchProject():
            return await _patch_project(run, action, address, request_id)
        case PatchEndpoint():
            return await _patch_endpoint(run, action, address, request_id)
        case SuspendCompute():
            return await _suspend_compute(run, action, address, request_id)
        case CreateReplica():
            return await _create_replica(run, action, address, request_id)
        case DeleteReplica():
            return await _delete_replica(run, action, address, request_id)
        case CreateBranch():
            return await _create_branch(run, action, address, request_id)
        case PatchBranch():
            return await _patch_branch(run, action, address, request_id)
        case ResetBranch():
            return await _reset_branch(run, action, address, request_id)
        case DeleteBranch():
            return await _delete_branch(run, action, address, request_id)
        case CreateRole() | CreateDatabase() | PatchDatabase() | DeleteDatabase() | DeleteRole():
            return Performed(address, await change_contents(run.neon, action, address, request_id))
        case CreateSnapshot():
            return await _create_snapshot(run, action, address, request_id)
        case DeleteSnapshot():
            return await _delete_snapshot(run, action, address, request_id)
        case RestoreBranch():
            return await _restore_branch(run, action, address, request_id)
        case RestoreSnapshot() | PreviewSnapshot():
            return await _restore_snapshot(run, action, address, request_id)
        case FinalizeRestore():
            return await _finalize_restore(run, action, address, request_id)
        case ResetPassword():
            return await _reset_password(run, action, address, request_id)
        case RecoverProject():
            return await _recover_project(run, action, address, request_id)
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
        *address.project_key,
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
            returns_strings=run.returns_strings,
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


async def _recover_project(run: Run, action: RecoverProject, address: Address, request_id: str) -> Performed:
    recovered = await run.neon.recover_project(address.organization, action.project_id, request_id=request_id)
    return Performed(Address.observed(recovered), made=f"project {recovered.id} recovered")


async def _patch_project(run: Run, action: PatchProject, address: Address, request_id: str) -> Performed:
    answer = await run.neon.update_project(*address.project_key, _values(action), request_id=request_id)
    wrong = shortfall(action.changes, project_fields(answer.project))
    return Performed(address.patched(answer.project), answer.operations, wrong, project=answer.project)


async def _patch_endpoint(run: Run, action: PatchEndpoint, address: Address, request_id: str) -> Performed:
    answer = await run.neon.update_endpoint(
        *address.project_key,
        address.endpoint(action.branch, action.replica),
        _values(action),
        request_id=request_id,
    )
    return Performed(address, answer.operations, shortfall(action.changes, endpoint_fields(answer.endpoint)))


async def _suspend_compute(run: Run, action: SuspendCompute, address: Address, request_id: str) -> Performed:
    operations = await run.neon.suspend_endpoint(*address.project_key, action.endpoint_id, request_id=request_id)
    return Performed(address, operations)


async def _create_replica(run: Run, action: CreateReplica, address: Address, request_id: str) -> Performed:
    answer = await run.neon.create_replica(
        *address.project_key,
        address.branch(action.branch),
        name=action.replica,
        compute=_without_inherited_timeout(action.compute, address),
        request_id=request_id,
    )
    return replace(created_replica(action, address, answer.endpoint, answer.operations), replica=answer.endpoint)


def created_replica(
    action: CreateReplica, address: Address, endpoint: LiveEndpoint, operations: tuple[Operation, ...] = ()
) -> Performed:
    """The result of a creation that this compute shows."""
    requested = (FieldChange("name", None, action.replica), *requested_compute_fields(action))
    wrong = shortfall(requested, {"name": endpoint.name or None, **endpoint_fields(endpoint)})
    return Performed(address, operations, wrong, made=f"read replica {endpoint.id}")


async def _delete_replica(run: Run, action: DeleteReplica, address: Address, request_id: str) -> Performed:
    operations = await run.neon.delete_endpoint(*address.project_key, action.endpoint_id, request_id=request_id)
    return Performed(address, operations)


async def _create_branch(run: Run, action: CreateBranch, address: Address, request_id: str) -> Performed:
    created = await run.neon.create_branch(
        *address.project_key,
        name=action.branch,
        parent_id=address.branch(action.parent),
        at=action.at,
        expires_at=action.expires_at,
        schema_only=action.schema_only,
        protected=action.protected,
        with_compute=action.with_compute,
        compute=_without_inherited_timeout(action.compute, address),
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
        *address.project_key,
        address.branch(action.branch),
        name=action.rename_to,
        expires_at=action.expires_at,
        removes_expiry=action.expires_no_more,
        protected=action.protected,
        request_id=request_id,
    )
    return Performed(
        address.with_branch(answer.branch),
        answer.operations,
        shortfall(requested_branch_fields(action, address), branch_fields(answer.branch)),
    )


async def _delete_branch(run: Run, action: DeleteBranch, address: Address, request_id: str) -> Performed:
    operations = await run.neon.delete_branch(*address.project_key, action.branch_id, request_id=request_id)
    return Performed(address.without_branch(action.branch_id), operations)


async def _create_snapshot(run: Run, action: CreateSnapshot, address: Address, request_id: str) -> Performed:
    created = await run.neon.create_snapshot(
        *address.project_key,
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


async def _reset_branch(run: Run, action: ResetBranch, address: Address, request_id: str) -> Performed:
    reset = await run.neon.reset_branch(
        *address.project_key, action.branch_id, parent_id=address.branch(action.parent), request_id=request_id
    )
    return Performed(address, reset.operations)


async def _delete_snapshot(run: Run, action: DeleteSnapshot, address: Address, request_id: str) -> Performed:
    operations = await run.neon.delete_snapshot(*address.project_key, action.snapshot_id, request_id=request_id)
    return Performed(address, operations)


async def _restore_branch(run: Run, action: RestoreBranch, address: Address, request_id: str) -> Performed:
    answer = await run.neon.restore_branch(
        *address.project_key,
        action.branch_id,
        source_id=action.from_branch_id,
        at=action.at,
        keep_as=action.keep_as,
        request_id=request_id,
    )
    return Performed(address, answer.operations, made=f"state of branch {answer.branch.id}")


async def _restore_snapshot(
    run: Run, action: RestoreSnapshot | PreviewSnapshot, address: Address, request_id: str
) -> Performed:
    target_id = action.target_id if isinstance(action, PreviewSnapshot) else action.branch_id
    answer = await run.neon.restore_snapshot(
        *address.project_key,
        action.snapshot_id,
        target_id=target_id,
        preview_name=action.branch if isinstance(action, PreviewSnapshot) else None,
        request_id=request_id,
    )
    return Performed(address.with_branch(answer.branch), answer.operations, made=f"branch {answer.branch.id}")


async def _finalize_restore(run: Run, action: FinalizeRestore, address: Address, request_id: str) -> Performed:
    operations = await run.neon.finalize_restore(
        *address.project_key, action.preview_id, keep_as=action.keep_as, request_id=request_id
    )
    return Performed(address, operations, made=f"branch {action.preview_id} in its place")


async def _reset_password(run: Run, action: ResetPassword, address: Address, request_id: str) -> Performed:
    """The new connection is the earlier one with the password of the answer: a read may still show the old one."""
    reset = await run.neon.reset_password(
        *address.project_key, address.branch(action.branch), action.role, request_id=request_id
    )
    return Performed(
        address,
        reset.operations,
        connection=run.before_reset[action].with_password(reset.password),
        made=f"a new password of role {action.role}",
    )


def _values(action: CreateProject | PatchProject | PatchEndpoint) -> dict[str, Value]:
    """The members of the request body: the changes, and the unchanged members that are sent with them.

    An unchanged suspend timeout is left out if it is Neon's default, and so is a new project's. Neon refuses the
    member on some plans, and without it the timeout is the default, whether a patch merges or replaces.
    """
    if isinstance(action, CreateProject):
        return _without_default_timeout(_requested(action))
    return {**_without_default_timeout(dict(action.companions)), **_requested(action)}


def _requested(action: Action) -> dict[str, Value]:
    return {change.path: change.after for change in action.changes}


def _without_default_timeout(values: dict[str, Value]) -> dict[str, Value]:
    return {
        path: value
        for path, value in values.items()
        if path != SUSPEND or value != DEFAULT_SUSPEND_TIMEOUT_SECONDS
    }


def _without_inherited_timeout(compute: Compute | None, address: Address) -> Compute | None:
    """The requested compute, without a suspend timeout that it gets from the project's defaults."""
    if compute is None or compute.suspend_timeout_seconds != address.suspend_timeout_seconds:
        return compute
    return replace(compute, suspend_timeout_seconds=None)
