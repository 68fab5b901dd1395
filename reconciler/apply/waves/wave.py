"""Carries out one wave of a run, unit by unit."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, assert_never

from reconciler.apply.address import Address
from reconciler.apply.checks.confirm import confirm
from reconciler.apply.registry_writes.claims import accepted
from reconciler.apply.run.newer_commits import LEFT, why_left
from reconciler.apply.steps.steps import take_steps
from reconciler.apply.units.create import create_cohort, recover
from reconciler.apply.units.transfer import move_together
from reconciler.apply.units.units import (
    CreateCohort,
    Recovery,
    SharedTransfer,
    SingleTenant,
    members,
    page_numbers,
    units,
    without,
)
from reconciler.neon.pace import each
from reconciler.plan.event import TenantStarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.run.run import Run
    from reconciler.apply.units.units import Unit
    from reconciler.plan.plan import TenantPlan


async def carry_out_wave(run: Run, wave: Sequence[TenantPlan]) -> None:
    """Carries out what is planned for the tenants of a wave."""
    live = run.planned.live
    await each(units(wave, page_numbers(live), live.listed), lambda unit: _carry_out(run, unit))


async def _carry_out(run: Run, whole: Unit) -> None:
    if run.stop.requested:
        return
    unit = await _unless_left_to_newer(run, whole)
    if unit is None or run.stop.requested:
        return
    tenants = members(unit)
    names = [tenant.tenant for tenant in tenants]
    around = run.options.around_unit
    with nullcontext() if around is None else around(type(unit).__name__, names):
        for tenant in tenants:
            run.tell(TenantStarted(run.now(), tenant.tenant, len(tenant.actions)))
        await _carry_out_unit(run, unit)
        run.outcomes.end(names)


async def _unless_left_to_newer(run: Run, unit: Unit) -> Unit | None:
    """The unit without the tenants that a newer commit changes, whose outcome is recorded; None if it is empty."""
    newer = await run.newer_commits.newest()
    left = [] if newer is None else [one for one in members(unit) if newer.changes(one.tenant)]
    if newer is None or not left:
        return unit
    for tenant in left:
        run.outcomes.skipped(tenant.actions[0], why_left(newer), LEFT)
    names = {tenant.tenant for tenant in left}
    run.outcomes.end(names)
    return without(unit, names)


async def _carry_out_unit(run: Run, unit: Unit) -> None:
    match unit:
        case SingleTenant(tenant):
            for valid in await accepted(run, await confirm(run, [tenant])):
                await take_steps(run, valid.actions, Address.planned(valid))
        case Recovery(tenant):
            await recover(run, tenant)
        case CreateCohort():
            await create_cohort(run, unit)
        case SharedTransfer():
            await move_together(run, unit)
        case _:
            assert_never(unit)
