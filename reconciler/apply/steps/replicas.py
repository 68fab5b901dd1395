"""Creating a read replica, although Neon has no idempotency key and names of computes are not unique.

The name is searched for right before the call, and again after the settle time. Of several with one name, the
first by (created_at, id) stays. A run whose own is not the first deletes its own, which nobody knows,
and no other. A single writer has no rivals.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.apply.calls.perform import created_replica
from reconciler.errors import LostRaceError, ReconcilerError, UncheckedCreateError
from reconciler.model.api_limits import CREATED_AT_PRECISION_SECONDS
from reconciler.model.values import replace
from reconciler.plan.actions.compute import CreateReplica, DeleteReplica
from reconciler.plan.late_turn import DONE, RUN_AGAIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.apply.address import Address
    from reconciler.apply.calls.perform import Performed
    from reconciler.apply.run.run import Run
    from reconciler.live.project import LiveEndpoint
    from reconciler.plan.action import Action


async def still_missing(run: Run, action: Action, address: Address) -> bool:
    """Return whether no read replica has the name of the one to create. True for other actions.

    Records the outcome of a creation that has nothing to do, or that something else with the name prevents. Raises
    what the client raises for a read.
    """
    if not isinstance(action, CreateReplica) or address.project is None:  # nobody else knows a new project
        return True
    found = await _named(run, action, address)
    if not found:
        return True
    if created_replica(action, address, found[0]).shortfall is None:
        run.outcomes.unchanged(action, DONE)
    else:
        appeared = f"read replica {action.replica} ({found[0].id}) has appeared since the plan was made"
        run.outcomes.skipped(action, appeared, RUN_AGAIN)
    return False


async def create_replica(
    run: Run,
    action: CreateReplica,
    address: Address,
    carry: Callable[[Run, Action, Address], Awaitable[Performed]],
) -> Performed:
    """Create a read replica. The result is that of the first one with the name, whichever run created it.

    Raises LostRaceError if another run's is the first and the own one could not be deleted, UncheckedCreateError
    if the search for another one failed, and what the client raises for the creation.
    """
    created = await carry(run, action, address)
    if created.replica is None or address.project is None:  # after a lost answer, nothing shows which is its own
        return created
    if run.options.single_writer:
        return created
    run.neon.finish_with(address.project_id)
    await asyncio.sleep(run.settle_seconds + CREATED_AT_PRECISION_SECONDS)
    try:
        found = await _named(run, action, address)
    except ReconcilerError as error:
        raise UncheckedCreateError(
            f"read replica {created.replica.id} was created, but the search for another one with its name failed: "
            f"{error}",
            hint=RUN_AGAIN,
        ) from error
    first = min((*found, created.replica), key=lambda endpoint: endpoint.order)
    if first.id == created.replica.id:
        return created
    await _delete_own(run, action, address, created, created.replica, first, carry)
    note = f"another run created read replica {first.id} first; this run has deleted its own {created.replica.id}"
    return replace(created_replica(action, address, first), note=note, request_id=created.request_id)


async def _named(run: Run, action: CreateReplica, address: Address) -> list[LiveEndpoint]:
    """The read replicas of the branch with the name, in the order of their creation."""
    endpoints = await run.neon.endpoints(*address.project_key)
    branch_id = address.branch(action.branch)
    found = (e for e in endpoints if (e.branch_id, e.name, e.writes) == (branch_id, action.replica, False))
    return sorted(found, key=lambda endpoint: endpoint.order)


async def _delete_own(
    run: Run,
    action: CreateReplica,
    address: Address,
    created: Performed,
    own: LiveEndpoint,
    first: LiveEndpoint,
    carry: Callable[[Run, Action, Address], Awaitable[Performed]],
) -> None:
    """Deletes the read replica that this run has created a moment ago, and waits until it is gone."""
    reason = f"another run created read replica {first.id} first"
    deletion = DeleteReplica(
        tenant=action.tenant,
        reason=reason,
        source=action.source,
        branch=action.branch,
        replica=action.replica,
        endpoint_id=own.id,
    )
    try:
        await run.neon.wait(*address.project_key, created.operations)
        deleted = await carry(run, deletion, address)
        await run.neon.wait(*address.project_key, deleted.operations)
    except ReconcilerError as error:
        raise LostRaceError(
            f"{reason}, and this run could not delete its own {own.id}: {error}",
            hint=f"delete compute {own.id} by hand",
        ) from error
