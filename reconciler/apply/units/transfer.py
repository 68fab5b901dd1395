"""Transfers: tenants that move in one shared call, and their steps after it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.apply.address import Address
from reconciler.apply.checks.confirm import confirm
from reconciler.apply.registry_writes.claims import accepted
from reconciler.apply.steps.steps import take_remaining_steps
from reconciler.apply.units.lost_quotas import keep_quota, learn
from reconciler.apply.units.mover import Mover
from reconciler.apply.units.shared_call import SharedCall
from reconciler.errors import ReconcilerError
from reconciler.neon.pace import each
from reconciler.plan.moves import sends_quota

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.run.run import Run
    from reconciler.apply.units.units import SharedTransfer
    from reconciler.plan.plan import TenantPlan

LOCKED_PAUSES_SECONDS: Final = (5.0, 10.0, 20.0, 40.0)
"""Before each further try to move projects that other operations lock."""


async def move_together(run: Run, unit: SharedTransfer) -> None:
    """Moves the tenants. Each continues by itself after the call: none waits for one that fails or is locked."""
    async with run.large_units:
        call = SharedCall(run, unit.source, unit.destination)
        valid = await accepted(run, await confirm(run, unit.tenants, details=False))
        async with call.route.lock:
            await call.move_all([Mover(tenant, Address.planned(tenant)) for tenant in valid if tenant.transfer])

        async def finish(group: Sequence[Mover], *, locked: bool) -> None:
            for mover in await _move_once_unlocked(call, group) if locked else group:
                await _continue(run, mover)

        async def already_there(tenant: TenantPlan) -> None:
            await take_remaining_steps(run, tenant, tenant.actions, Address.planned(tenant))

        groups = [partial(finish, [mover], locked=False) for mover in call.moved]
        groups += [partial(finish, group, locked=True) for group in call.locked]
        groups += [partial(already_there, tenant) for tenant in valid if not tenant.transfer]
        await each(groups, lambda group: group())


async def _continue(run: Run, mover: Mover) -> None:
    """Takes the steps of a tenant that has moved, once the new organization's key sees its project."""
    address, route = mover.address, run.route(mover.action.origin, mover.action.destination)
    asks = mover.left or (mover.quota_at_risk and not route.keeps_quotas)
    if mover.arrival is not None and asks and not run.stop.requested:
        address = await mover.arrival.awaited(run.neon, address)
        learn(route, mover.tenant, mover.arrival.seen)
    if mover.quota_at_risk:
        try:
            address = await keep_quota(run, route, mover.tenant, address)
        except ReconcilerError as error:
            run.outcomes.failed(mover.action, error)
            return
        run.outcomes.applied(mover.action, mover.note)
    await take_remaining_steps(run, mover.tenant, mover.left, address)
    if any(sends_quota(action) and not run.outcomes.has_succeeded(action) for action in mover.left):
        with suppress(ReconcilerError):  # the outcome of the tenant is recorded, and its next plan shows the quota
            await keep_quota(run, route, mover.tenant, address)


async def _move_once_unlocked(call: SharedCall, movers: Sequence[Mover]) -> list[Mover]:
    """Tries for about a minute to move projects that other operations lock. Returns those that have moved."""
    moved: list[Mover] = []
    for pause_seconds in LOCKED_PAUSES_SECONDS:
        await asyncio.sleep(pause_seconds)
        call = SharedCall(call.run, call.source, call.destination, lock=call.lock)
        async with call.route.lock:
            await call.move(movers, postpone_locked=True)
        moved += call.moved
        movers = [mover for group in call.locked for mover in group]
        if not movers:
            break
    call.give_up(movers)
    return moved
