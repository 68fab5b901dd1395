"""The steps of a tenant: its actions, one call after the other, and what happens where an answer is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.apply.address import Address
from reconciler.apply.calls.perform import Performed, perform
from reconciler.apply.checks.confirm import confirm, confirm_action
from reconciler.apply.checks.deletion_checks import (
    Replacement,
    duplicate_objection,
    makes_room,
    needs_room,
    successor,
)
from reconciler.apply.checks.out_of_reach import explained
from reconciler.apply.journals.journal import Intent, named
from reconciler.apply.registry_writes.claims import unregister
from reconciler.apply.steps.evidence import existing_branch, find_effect
from reconciler.apply.steps.passwords import reset_password
from reconciler.apply.steps.refused_moments import RefusedMoments, of_the_past, refuses_moment
from reconciler.apply.steps.replicas import create_replica, still_missing
from reconciler.apply.steps.unmentioned import patch_project
from reconciler.errors import ApiError, ConflictError, ReconcilerError, UnknownOutcomeError
from reconciler.model.api_limits import RECOVERABLE
from reconciler.model.values import replace
from reconciler.neon.transport import CLOCKS_APART
from reconciler.plan.actions.branch import CreateBranch, ResetBranch, ResetPassword
from reconciler.plan.actions.compute import CreateReplica, DeleteReplica, PatchEndpoint, SuspendCompute
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase
from reconciler.plan.actions.project import DeleteDuplicate, DeleteProject, PatchProject
from reconciler.plan.actions.restore import FinalizeRestore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, PreviewSnapshot
from reconciler.plan.concerns.restore_window import PATH as RESTORE_WINDOW
from reconciler.plan.late_turn import RUN_AGAIN
from reconciler.plan.outcome import GONE, Deletion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
    from datetime import datetime

    from reconciler.apply.run.run import Run
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

FAILURE_NOT_LISTED: Final = (
    PatchEndpoint,
    SuspendCompute,
    CreateReplica,
    DeleteReplica,
    CreateBranch,
    ResetBranch,
    CreateRole,
    CreateDatabase,
    PatchDatabase,
    DeleteDatabase,
    DeleteRole,
    CreateSnapshot,
    RestoreBranch,
    RestoreSnapshot,
    PreviewSnapshot,
    FinalizeRestore,
    ResetPassword,
)
"""Actions whose operations may fail although a later list shows what was requested."""
LOOKED_FOR_AGAIN: Final = (CreateReplica, CreateSnapshot, RestoreSnapshot, ResetPassword)
"""Neon would carry out a second call too: the first one is searched for again after the settle time."""
Named: TypeAlias = CreateBranch | CreateRole | CreateDatabase
"""Creations of things whose names are unique: Neon refuses a second one with 409."""
SENT_AGAIN: Final = "sent again: live state shows that the first call was not carried out"
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
    """Takes a tenant's actions one by one. Returns the last address; None if one failed or the run is to end.

    A creation of a moment that Neon does not hold is left out, and so is what depends on it.

    Waits for the operations of an action before the next write to the project; ``more`` says that another write
    follows these actions. After the last action, waits only if no list would show a failed operation.
    """
    todo, after_deletion, moments = list(actions), False, RefusedMoments(run)
    for number, action in enumerate(todo, start=1):
        if run.stop.requested:
            return None
        later = todo[number:]
        if moments.leave_out(action, later):
            continue
        if not await _may_delete(run, action, later, address, moments):
            if action in moments.left_out:
                continue
            return None
        last = not (more or later)
        performed = await _step(run, action, address, moments, last=last, after_deletion=after_deletion)
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
    rest = replace(tenant, project=moved, actions=tuple(actions))
    for valid in await confirm(run, [rest]):
        await take_steps(run, valid.actions, address if valid is rest else Address.planned(valid))


async def carry_out(run: Run, action: Action, address: Address, *, limit: TimeLimit = no_time_limit) -> Performed:
    """Makes one call to one project. If its answer is lost, live state decides whether it is sent again.

    A second call is safe: patches and deletions are idempotent, Neon refuses a second branch of the same name, and
    snapshots, read replicas and passwords are read again after the settle time. The restore of a snapshot is never
    sent again.
    ``limit`` bounds the time of each call. Raises UnknownOutcomeError if the second answer is lost too and live
    state shows no effect.
    """
    sent_at = run.now()
    try:
        return await _send(run, action, address, limit=limit)
    except UnknownOutcomeError as error:
        lost = error
    if found := await _find_effect(run, action, address, sent_at, lost):
        return found
    if isinstance(action, RestoreSnapshot):  # a second one would replace the branch that the first has put aside
        raise lost
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


async def _may_delete(
    run: Run, deletion: Action, later: Sequence[Action], address: Address, moments: RefusedMoments
) -> bool:
    """Whether the snapshot that a deletion makes room for can be created. True for other actions.

    Where only its moment is in doubt, the tenant's other actions go ahead without both.
    """
    creation = successor(deletion, later)
    if creation is None:
        return True
    try:
        replacement = Replacement(run.neon, deletion, creation, address, run.now(), run.own_operations)
        objection = await replacement.objection()
        of_its_moment = "" if objection else await replacement.history_objection()
    except ReconcilerError as error:
        run.outcomes.failed(deletion, await explained(run, error, address))
        return False
    if objection:
        run.outcomes.skipped(deletion, objection, RUN_AGAIN)
    if of_its_moment:
        moments.held(deletion, creation, of_its_moment)
    return not (objection or of_its_moment)


async def _step(
    run: Run, action: Action, address: Address, moments: RefusedMoments, *, last: bool, after_deletion: bool
) -> Performed | None:
    """``after_deletion``: the project was full, and something was deleted right before."""
    try:
        confirmed = await confirm_action(run, action, address)
        if confirmed is None or not await still_missing(run, action, confirmed):
            return Performed(address) if run.outcomes.is_unchanged(action) else None
        address = confirmed
        if isinstance(action, DeleteDuplicate) and (why := await duplicate_objection(run, action, address)):
            run.outcomes.skipped(action, why, RUN_AGAIN)
            return None
        dumped = await _dump_first(run, action, address)
        performed = await _carry_out_with_care(run, action, address, after_deletion=after_deletion)
        if performed.shortfall is not None:
            raise performed.shortfall
        if not last or isinstance(action, FAILURE_NOT_LISTED):
            await run.neon.wait(*address.project_key, performed.operations)
    except ReconcilerError as error:
        if of_the_past(action) and refuses_moment(error):
            moments.refused(action, error)
            return Performed(address)
        run.outcomes.failed(action, await explained(run, error, address))
        return None
    deletion = _deletion_record(run, action, performed, dumped or None)
    gone = (GONE, f"dumped to {dumped}" if dumped else "") if performed.already_deleted else ()
    notes = (*gone, performed.note, await unregister(run, action))
    note = "; ".join(filter(None, notes))
    run.outcomes.applied(action, note, request_id=performed.request_id, deletion=deletion)
    return performed


async def _carry_out_with_care(run: Run, action: Action, address: Address, *, after_deletion: bool) -> Performed:
    """Carries out an action, with the calls before and after it that its kind needs."""
    match action:
        case PatchProject():
            return await patch_project(run, action, address, carry_out)
        case ResetPassword():
            return await reset_password(run, action, address, carry_out)
        case CreateReplica():
            return await create_replica(run, action, address, carry_out)
        case _ if needs_room(action):
            return await _carry_out_within_limit(run, action, address, after_deletion=after_deletion)
        case _:
            return await carry_out(run, action, address)


async def _dump_first(run: Run, action: Action, address: Address) -> str:
    if run.options.dumps is None:
        return ""
    from reconciler.apply.dumps.dumps import dump_first  # noqa: PLC0415 - only where dumps are asked for

    return await dump_first(run.options.dumps, run.neon, action, address)


async def _carry_out_within_limit(
    run: Run, action: Action, address: Address, *, after_deletion: bool
) -> Performed:
    """Carries out an action that a limit may refuse. Repeats it until Neon's counter includes every deletion.

    A deletion may also be that of an earlier run, of a person, or of a call whose answer was lost.
    """
    loop = asyncio.get_running_loop()
    deadline, pause_seconds = loop.time() + COUNTED_WITHIN_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await carry_out(run, action, address)
        except ApiError as error:
            if error.status != OVER_LIMIT or loop.time() >= deadline:
                raise
            after_deletion = after_deletion or await _deleted_lately(run, address)
            if not after_deletion:
                raise
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


async def _deleted_lately(run: Run, address: Address) -> bool:
    """Whether Neon may still count a branch or a snapshot of the project that has been deleted."""
    since = run.now() - timedelta(seconds=COUNTED_WITHIN_SECONDS)
    try:
        return bool(await run.neon.deletions(*address.project_key, since=since))
    except ReconcilerError:  # then the refusal is the error to report
        return False


def _deletion_record(run: Run, action: Action, performed: Performed, dump: str | None) -> Deletion | None:
    """The record of a project that this run deleted. A duplicate's is written to the journal only."""
    if not isinstance(action, DeleteProject | DeleteDuplicate) or performed.already_deleted:
        return None
    at = run.now()
    deletion = Deletion(action.project_id, performed.request_id, at, at + RECOVERABLE, dump)
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
        if not isinstance(action, Named):
            raise
        return await _existing(run, action, address, conflict)


async def _existing(run: Run, action: Named, address: Address, conflict: ConflictError) -> Performed:
    """What now has the name. Raises ``conflict`` if it is not what was requested."""
    try:
        if isinstance(action, CreateBranch):
            performed = await existing_branch(run, action, address)
        else:
            performed = await find_effect(run, action, address, run.now())
    except ReconcilerError as error:
        raise conflict from error
    if performed is None:
        conflict.hint = f"run again: the next run makes a new plan with the {action.thing} that has the name"
        raise conflict
    return performed


async def _find_effect(
    run: Run, action: Action, address: Address, sent_at: datetime, lost: UnknownOutcomeError
) -> Performed | None:
    """The effect of a call whose answer was lost. Raises ``lost`` where live state cannot be read."""
    try:
        found = await find_effect(run, action, address, sent_at)
        if found is None and isinstance(action, LOOKED_FOR_AGAIN):
            await asyncio.sleep(run.settle_seconds)
            found = await find_effect(run, action, address, sent_at)
    except ReconcilerError as error:
        raise lost from error
    if found:
        run.writes.found(lost, found.made or "live state shows it")
        await _claim_window_change(run, action, address, sent_at)
        return replace(found, request_id=lost.request_id)
    return None


async def _claim_window_change(run: Run, action: Action, address: Address, sent_at: datetime) -> None:
    """Counts the newest change of the restore window as the run's own, after a lost answer to its patch.

    Earlier changes within the accepted clock difference remain those of others.
    """
    if all(change.path != RESTORE_WINDOW for change in action.changes):
        return
    with suppress(ReconcilerError):  # a change that is not claimed only holds a replacement back
        changes = await run.neon.restore_window_changes(*address.project_key, since=sent_at - CLOCKS_APART)
        run.own_operations.update(change.id for change in changes[:1])


def _intent(action: Action, address: Address, note: str) -> Intent:
    """What the journal records before the call. For a duplicate: its own organization, id and proof."""
    organization, project_id = address.project_key
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
        object=named(action),
    )
