"""Finds the effect of a call whose answer was lost, and the branch that already has a name.

These functions raise what the client raises for a read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.apply.calls.contents import is_carried_out
from reconciler.apply.calls.perform import Performed, created_replica
from reconciler.apply.calls.readback import (
    branch_fields,
    endpoint_fields,
    in_effect,
    requested_branch_fields,
    requested_compute_fields,
    requested_snapshot_fields,
    shortfall,
    snapshot_fields,
)
from reconciler.apply.steps.passwords import found_reset
from reconciler.errors import NotFoundError
from reconciler.model.annotations import MANAGED_BY, PRODUCT, PURPOSE, RUN, TENANT
from reconciler.neon.transport import CLOCKS_APART
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
from reconciler.plan.live_values import project_fields
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.apply.run.run import Run
    from reconciler.errors import NotTakenError
    from reconciler.live.project import LiveBranch, LiveEndpoint
    from reconciler.plan.action import Action


async def find_effect(  # noqa: C901, PLR0911, PLR0912 - one case for each action
    run: Run, action: Action, address: Address, sent_at: datetime
) -> Performed | None:
    """The result that the lost answer would have had. None if nothing shows that the call was carried out."""
    match action:
        case PatchProject():
            return await _patched_project(run, action, address)
        case PatchEndpoint():
            return await _patched_endpoint(run, action, address)
        case SuspendCompute():
            return await _suspended_compute(run, action, address)
        case CreateReplica():
            return await _created_replica(run, action, address)
        case DeleteReplica():
            return await _deleted_replica(run, action, address)
        case CreateBranch():
            return await _created_branch(run, action, address)
        case AdoptProject():
            return await _created_mark(run, action, address)
        case PatchBranch():
            return await _patched_branch(run, action, address)
        case ResetBranch():
            return await _reset_branch(run, action, address)
        case DeleteBranch():
            return await _deleted_branch(run, action, address)
        case CreateRole() | CreateDatabase() | PatchDatabase() | DeleteDatabase() | DeleteRole():
            return Performed(address) if await is_carried_out(run.neon, action, address) else None
        case CreateSnapshot():
            return await _created_snapshot(run, action, address, sent_at)
        case DeleteSnapshot():
            return await _deleted_snapshot(run, action, address)
        case RestoreBranch():
            return await _restored_branch(run, action, address)
        case RestoreSnapshot() | PreviewSnapshot():
            return await _made_of_snapshot(run, action, address)
        case FinalizeRestore():
            return await _finalized_restore(run, action, address)
        case ResetPassword():
            return await found_reset(run, action, address)
        case RecoverProject():
            gone = await _is_gone(run, address.organization, action.project_id)
            return None if gone else Performed(address)
        case DeleteDuplicate():
            gone = await _is_gone(run, action.organization, action.project_id)
            return Performed(address) if gone else None
        case DeleteProject():
            gone = await _is_gone(run, address.organization, action.project_id)
            return Performed(address) if gone else None
        case CreateProject() | TransferProject():
            raise TypeError(f"{action.kind} is not a single call to one project")
        case _:
            assert_never(action)


async def existing_branch(run: Run, action: CreateBranch, address: Address) -> Performed | None:
    """The branch that already has the name, where it is the requested one; else None.

    It is the requested one where this fleet created it for this tenant, or where every visible member agrees. The
    point in time that a branch starts from is not visible. A branch with another purpose is never the requested
    one.
    """
    branch = await _named(run, action, address)
    if branch is None or _has_another_purpose(action, branch):
        return None
    endpoint = await _endpoint(run, branch, address)
    if not _ours(run, action, branch) and not _as_requested(action, address, branch, endpoint):
        return None
    return _performed(address, branch, endpoint)


async def _patched_project(run: Run, action: PatchProject, address: Address) -> Performed | None:
    project = await run.neon.project(*address.project_key)
    return Performed(address.patched(project)) if in_effect(action.changes, project_fields(project)) else None


async def _patched_endpoint(run: Run, action: PatchEndpoint, address: Address) -> Performed | None:
    endpoints = await run.neon.endpoints(*address.project_key)
    patched = [
        endpoint for endpoint in endpoints if endpoint.id == address.endpoint(action.branch, action.replica)
    ]
    done = any(in_effect(action.changes, endpoint_fields(endpoint)) for endpoint in patched)
    return Performed(address) if done else None


async def _suspended_compute(run: Run, action: SuspendCompute, address: Address) -> Performed | None:
    endpoints = await run.neon.endpoints(*address.project_key)
    runs = any(endpoint.active for endpoint in endpoints if endpoint.id == action.endpoint_id)
    return None if runs else Performed(address)


async def _created_replica(run: Run, action: CreateReplica, address: Address) -> Performed | None:
    """Found by its name: the branch had none of that name when it was planned."""
    branch_id = address.branch(action.branch)
    named = (branch_id, action.replica, False)
    endpoints = await run.neon.endpoints(*address.project_key)
    found = (endpoint for endpoint in endpoints if (endpoint.branch_id, endpoint.name, endpoint.writes) == named)
    first = min(found, key=lambda endpoint: endpoint.order, default=None)
    return None if first is None else created_replica(action, address, first)


async def _deleted_replica(run: Run, action: DeleteReplica, address: Address) -> Performed | None:
    endpoints = await run.neon.endpoints(*address.project_key)
    gone = all(endpoint.id != action.endpoint_id for endpoint in endpoints)
    return Performed(address) if gone else None


async def _created_branch(run: Run, action: CreateBranch, address: Address) -> Performed | None:
    branch = await _named(run, action, address)
    if branch is None or not _ours(run, action, branch) or branch.annotations.get(RUN) != run.id:
        return None
    wrong = shortfall(requested_branch_fields(action, address), branch_fields(branch))
    return _performed(address, branch, await _endpoint(run, branch, address), wrong)


async def _created_mark(run: Run, action: AdoptProject, address: Address) -> Performed | None:
    found = (branch for branch in await _branches(run, address) if branch.name == action.branch)
    ours = (branch for branch in found if branch.annotations.get(RUN) == run.id)
    return next((Performed(address, made=f"branch {branch.id}") for branch in ours), None)


async def _patched_branch(run: Run, action: PatchBranch, address: Address) -> Performed | None:
    patched = [b for b in await _branches(run, address) if b.id == address.branch(action.branch)]
    done = [b for b in patched if in_effect(requested_branch_fields(action, address), branch_fields(b))]
    return Performed(address.with_branch(done[0])) if done else None


async def _reset_branch(run: Run, action: ResetBranch, address: Address) -> Performed | None:
    reset = [branch for branch in await _branches(run, address) if branch.id == action.branch_id]
    done = any(branch.reset_at not in (None, action.last_reset_at) for branch in reset)
    return Performed(address) if done else None


async def _deleted_branch(run: Run, action: DeleteBranch, address: Address) -> Performed | None:
    gone = all(branch.id != action.branch_id for branch in await _branches(run, address))
    return Performed(address.without_branch(action.branch_id)) if gone else None


async def _created_snapshot(
    run: Run, action: CreateSnapshot, address: Address, sent_at: datetime
) -> Performed | None:
    """Found by name among the snapshots created since then, because snapshots carry no annotations (Neon)."""
    requested = requested_snapshot_fields(action, address)
    for snapshot in await run.neon.snapshots(*address.project_key):
        if snapshot.name == action.snapshot and snapshot.created_at >= sent_at - CLOCKS_APART:
            wrong = shortfall(requested, snapshot_fields(snapshot))
            return Performed(address, shortfall=wrong, made=f"snapshot {snapshot.id}")
    return None


async def _deleted_snapshot(run: Run, action: DeleteSnapshot, address: Address) -> Performed | None:
    snapshots = await run.neon.snapshots(*address.project_key)
    gone = all(snapshot.id != action.snapshot_id for snapshot in snapshots)
    return Performed(address) if gone else None


async def _restored_branch(run: Run, action: RestoreBranch, address: Address) -> Performed | None:
    """Found by the branch that keeps the earlier state."""
    kept = [branch for branch in await _branches(run, address) if branch.name == action.keep_as]
    return Performed(address, made=f"branch {kept[0].id}, which keeps the earlier state") if kept else None


async def _made_of_snapshot(
    run: Run, action: RestoreSnapshot | PreviewSnapshot, address: Address
) -> Performed | None:
    """The preview by its name, which is unique; the new default branch by the branch that it replaced."""
    for branch in await _branches(run, address):
        made = branch.restore
        if made is None or made.snapshot_id != action.snapshot_id:
            continue
        if isinstance(action, PreviewSnapshot):
            found = branch.name == action.branch
        else:
            found = branch.default and branch.id != action.branch_id and made.replaces_id == action.branch_id
        if found:
            return Performed(address.with_branch(branch), made=f"branch {branch.id}")
    return None


async def _finalized_restore(run: Run, action: FinalizeRestore, address: Address) -> Performed | None:
    previews = [branch for branch in await _branches(run, address) if branch.id == action.preview_id]
    return Performed(address) if any(branch.default for branch in previews) else None


async def _branches(run: Run, address: Address) -> tuple[LiveBranch, ...]:
    return await run.neon.branches(*address.project_key)


async def _named(run: Run, action: CreateBranch, address: Address) -> LiveBranch | None:
    named = (branch for branch in await _branches(run, address) if branch.name == action.branch)
    return next(named, None)


async def _endpoint(run: Run, branch: LiveBranch, address: Address) -> LiveEndpoint | None:
    endpoints = await run.neon.endpoints(*address.project_key)
    return next((e for e in endpoints if e.branch_id == branch.id and e.kind == "read_write"), None)


def _ours(run: Run, action: CreateBranch, branch: LiveBranch) -> bool:
    """Whether this fleet created the branch with that name for that tenant."""
    declared = declared_name(branch, run.fleet, action.purpose)
    return declared == action.branch and branch.annotations.get(TENANT) == action.tenant


async def _is_gone(run: Run, organization: str, project_id: str) -> bool:
    try:
        await run.neon.project(organization, project_id)
    except NotFoundError:
        return True
    return False


def _has_another_purpose(action: CreateBranch, branch: LiveBranch) -> bool:
    note = branch.annotations
    return note.get(MANAGED_BY) == PRODUCT and note.get(PURPOSE, action.purpose.value) != action.purpose.value


def _as_requested(
    action: CreateBranch, address: Address, branch: LiveBranch, endpoint: LiveEndpoint | None
) -> bool:
    if action.at is not None or action.schema_only:
        return False  # the data of a branch is not visible
    if not in_effect(requested_branch_fields(action, address), branch_fields(branch)):
        return False
    if not action.with_compute:
        return True
    return endpoint is not None and in_effect(requested_compute_fields(action), endpoint_fields(endpoint))


def _performed(
    address: Address, branch: LiveBranch, endpoint: LiveEndpoint | None, wrong: NotTakenError | None = None
) -> Performed:
    endpoint_id = None if endpoint is None else endpoint.id
    return Performed(address.with_branch(branch, endpoint_id), shortfall=wrong, made=f"branch {branch.id}")
