"""The steps of a tenant: its actions, one call after the other, and what happens where an answer is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import structs

from reconciler.apply.address import Address
from reconciler.apply.claims import unregister
from reconciler.apply.confirm import confirm, confirm_deletion
from reconciler.apply.deletion_checks import Replacement, duplicate_objection, makes_room, needs_room, successor
from reconciler.apply.evidence import existing_branch, find_effect
from reconciler.apply.journal import Intent
from reconciler.apply.perform import Performed, perform
from reconciler.errors import ApiError, ConflictError, ReconcilerError, UnknownOutcomeError
from reconciler.plan.action import CreateBranch, CreateSnapshot, DeleteDuplicate, DeleteProject, PatchEndpoint
from reconciler.plan.late_turn import RUN_AGAIN
from reconciler.plan.outcome import GONE, Deletion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
    from datetime import datetime

    from reconciler.apply.run import Run
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

RECOVERABLE: Final = timedelta(days=7)
"""Neon: how long a deleted project can be recovered (recoverProject)."""
FAILURE_NOT_LISTED: Final = (PatchEndpoint, CreateBranch, CreateSnapshot)
"""Actions whose operations may fail although a later list shows what was requested."""
SENT_AGAIN: Final = "sent again: live state shows that the call whose answer was lost was not carried out"
COUNTED_WITHIN_SECONDS: Final = 300.0
"""How long Neon may count something after its deletion (not documented). Until then a refusal is not final."""
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
OVER_LIMIT: Final = 422
"""Neon's status where a call would exceed a limit."""

TimeLimit: TypeAlias = "Callable[[Coroutine[Any, Any, Performed]], Awaitable[Performed]]"
"""Runs a call and cancels it after a time limit."""


async def no_time_limit(call: Coroutine[Any, Any, Performed]) -> Performed:
    """Only the client's own time limits apply."""
    return await call


async def take_steps(
    run: Run, actions: Iterable[Action], address: Address, *, more: bool = False
) -> Address | None:
    """Takes a tenant's actions one by one. Returns the address after them; None if one failed or the run is to
    end.

    Waits for the operations of an action before the next write to the project; ``more`` says that another write
    follows these actions. After the last action, waits only where no list would show a failed operation.
    """
    todo, after_deletion = list(actions), False
    for number, action in enumerate(todo, start=1):
        if run.stop.requested or not await _may_delete(run, action, todo[number:], address):
            return None
        waits = after_deletion and needs_room(action)
        performed = await _step(run, action, address, more or number < len(todo), after_deletion=waits)
        after_deletion = after_deletion or makes_room(action)
        if performed is None:
            return None
        address = performed.address
    return address


async def take_remaining_steps(run: Run, tenant: TenantPlan, actions: Sequence[Action], address: Address) -> None:
    """Takes the remaining actions of a tenant whose project has moved, as far as they are still valid."""
    if tenant.project is None or not actions:
        await take_steps(run, actions, address)
        return
    moved = replace(tenant.project, organization=address.organization)
    rest = structs.replace(tenant, project=moved, actions=tuple(actions))
    for valid in await confirm(run, [rest]):
        await take_steps(run, valid.actions, address if valid is rest else Address.planned(valid))


async def carry_out(run: Run, action: Action, address: Address, *, limit: TimeLimit = no_time_limit) -> Performed:
    """Makes one call to one project. If its answer is lost, live state decides whether it is sent once more.

    A second call is safe: patches and deletions are idempotent, Neon refuses a second branch of the same name, and
    a snapshot is searched for again after the settle time. ``limit`` bounds the time of each call. Raises
    UnknownOutcomeError if the second answer is lost too and live state shows no effect.
    """
    sent_at = run.now()
    try:
        return await _send(run, action, address, limit=limit)
    except UnknownOutcomeError as error:
        lost = error
    if found := await _find_effect(run, action, address, sent_at, lost):
        return found
    return await _send_again(run, action, address, sent_at, lost, limit)


async def _send_again(
    run: Run, action: Action, address: Address, sent_at: datetime, lost: UnknownOutcomeError, limit: TimeLimit
) -> Performed:
    """Sends the call again. If the first one was carried out after all, Neon refuses the second one."""
    try:
        performed = await _send(run, action, address, SENT_AGAIN, limit=limit)
    except UnknownOutcomeError as second_loss:
        if found := await _find_effect(run, action, address, sent_at, second_loss):
            return found
        raise
    except ApiError:
        if found := await _find_effect(run, action, address, sent_at, lost):
            return found
        raise
    if not performed.already_deleted:
        return performed
    run.writes.found(lost, "it was carried out: the second call found nothing to delete")
    return replace(performed, already_deleted=False, request_id=lost.request_id)


async def _may_delete(run: Run, deletion: Action, later: Sequence[Action], address: Address) -> bool:
    """Whether the snapshot that a deletion makes room for can be created. True for other actions."""
    creation = successor(deletion, later)
    if creation is None:
        return True
    try:
        replacement = Replacement(run.neon, deletion, creation, address, run.now(), run.own_operations)
        objection = await replacement.objection()
    except ReconcilerError as error:
        run.outcomes.failed(deletion, error)
        return False
    if objection:
        run.outcomes.skipped(deletion, objection, RUN_AGAIN)
    return not objection


async def _step(
    run: Run, action: Action, address: Address, more: bool, *, after_deletion: bool = False
) -> Performed | None:
    """``after_deletion``: the project was full, and something was deleted right before."""
    try:
        if not await confirm_deletion(run, action, address):
            return Performed(address) if run.outcomes.is_unchanged(action) else None
        if isinstance(action, DeleteDuplicate) and (why := await duplicate_objection(run, action, address)):
            run.outcomes.skipped(action, why, RUN_AGAIN)
            return None
        performed = await (_carry_out_once_counted if after_deletion else carry_out)(run, action, address)
        if performed.shortfall is not None:
            raise performed.shortfall
        if more or isinstance(action, FAILURE_NOT_LISTED):
            await run.neon.wait(address.organization, address.project_id, performed.operations)
    except ReconcilerError as error:
        run.outcomes.failed(action, error)
        return None
    deletion = _deletion_record(run, action, performed)
    notes = (GONE if performed.already_deleted else "", await unregister(run, action))
    note = "; ".join(filter(None, notes))
    run.outcomes.applied(action, note, request_id=performed.request_id, deletion=deletion)
    return performed


async def _carry_out_once_counted(run: Run, action: Action, address: Address) -> Performed:
    """Carries out an action after a deletion: repeats it until Neon's counter includes the deletion."""
    loop = asyncio.get_running_loop()
    deadline, pause_seconds = loop.time() + COUNTED_WITHIN_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await carry_out(run, action, address)
        except ApiError as error:
            if error.status != OVER_LIMIT or loop.time() >= deadline:
                raise
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


def _deletion_record(run: Run, action: Action, performed: Performed) -> Deletion | None:
    """The record of a project that this run deleted. A duplicate's is written to the journal only."""
    if not isinstance(action, DeleteProject | DeleteDuplicate) or performed.already_deleted:
        return None
    at = run.now()
    deletion = Deletion(action.project_id, performed.request_id, at, at + RECOVERABLE)
    if isinstance(action, DeleteDuplicate):
        run.writes.deleted(action, action.organization, action.name, deletion)
        return None
    run.writes.deleted(action, performed.address.organization, performed.address.name, deletion)
    return deletion


async def _send(
    run: Run, action: Action, address: Address, note: str = "", *, limit: TimeLimit = no_time_limit
) -> Performed:
    async def call(request_id: str) -> Performed:
        performed = await limit(perform(run, action, address, request_id))
        run.own_operations.update(operation.id for operation in performed.operations)
        return replace(performed, request_id=request_id)

    try:
        intent = _intent(action, address, note)
        return await run.writes.send(intent, call, describe=lambda performed: performed.made)
    except ConflictError as conflict:
        if not isinstance(action, CreateBranch):
            raise
        return await _existing_branch(run, action, address, conflict)


async def _existing_branch(run: Run, action: CreateBranch, address: Address, conflict: ConflictError) -> Performed:
    """The branch that now has the name. Raises ``conflict`` if it is not the requested one."""
    try:
        performed = await existing_branch(run, action, address)
    except ReconcilerError as error:
        raise conflict from error
    if performed is None:
        conflict.hint = "run again: the next run makes a new plan with the branch that has the name"
        raise conflict
    return performed


async def _find_effect(
    run: Run, action: Action, address: Address, sent_at: datetime, lost: UnknownOutcomeError
) -> Performed | None:
    """The effect of a call whose answer was lost. Raises ``lost`` where live state cannot be read."""
    try:
        found = await find_effect(run, action, address, sent_at)
        if found is None and isinstance(action, CreateSnapshot):  # Neon: names of snapshots are not unique
            await asyncio.sleep(run.settle_seconds)
            found = await find_effect(run, action, address, sent_at)
    except ReconcilerError as error:
        raise lost from error
    if found:
        run.writes.found(lost, found.made or "live state shows it")
        return replace(found, request_id=lost.request_id)
    return None


def _intent(action: Action, address: Address, note: str) -> Intent:
    """What the journal records before the call. For a duplicate: its own organization, id and proof."""
    organization, project_id = address.organization, address.project_id
    proof: tuple[str, ...] = ()
    if isinstance(action, DeleteDuplicate):
        organization, project_id, proof = action.organization, action.project_id, action.proof
    return Intent(
        kind=action.kind,
        tenants=(action.tenant,),
        organization=organization,
        project_ids=(project_id,),
        reason="; ".join(filter(None, (action.reason, *proof, note))),
        changes=action.changes,
    )
