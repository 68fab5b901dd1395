"""Carries out the plan of a run, wave by wave and unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.apply.address import Address
from reconciler.apply.batches import (
    CreateCohort,
    LoneTenant,
    Recovery,
    SharedTransfer,
    stop_after_bad_wave,
    units,
    waves,
)
from reconciler.apply.claims import accepted
from reconciler.apply.confirm import confirm
from reconciler.apply.create import create_cohort, recover
from reconciler.apply.steps import take_steps
from reconciler.apply.transfer import move_together
from reconciler.neon.pace import each
from reconciler.plan.outcome import Report

if TYPE_CHECKING:
    from reconciler.apply.batches import Unit
    from reconciler.apply.run import Run


async def execute(run: Run) -> Report:
    """Carries out the plan of the run. Errors of the API are in the report, and never raised."""
    started_at = run.now()
    parts = waves(run.planned.plan.tenants, run.options.waves)
    for number, wave in enumerate(parts, start=1):
        await each(units(wave), lambda unit: _carry_out(run, unit))
        if number < len(parts):
            failed = run.outcomes.failures(tenant.tenant for tenant in wave)
            stop_after_bad_wave(failed, len(wave), f"{number} of {len(parts)}", run.breaker.limits, run.stop)
    run.writes.end()
    return Report(
        run=run.id,
        started_at=started_at,
        finished_at=run.now(),
        outcomes=run.outcomes.of_tenants(),
        calls=run.neon.calls,
        stopped=run.stop.reason,
        stopped_by=run.stop.exit_code,
    )


async def _carry_out(run: Run, unit: Unit) -> None:
    if run.stop.requested:
        return
    match unit:
        case LoneTenant(tenant):
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
