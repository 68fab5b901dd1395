"""Carries out the plan of a run, wave by wave and unit by unit."""

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
from reconciler.apply.waves.waves import stop_after_bad_wave, waves
from reconciler.live.registered import part_of
from reconciler.neon.pace import each
from reconciler.plan.event import InConflict, LeftOut, Refused, RunStarted, TenantStarted, WaveStarted
from reconciler.plan.outcome import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.run.run import Run
    from reconciler.apply.units.units import Unit
    from reconciler.plan.plan import TenantPlan


async def execute(run: Run) -> Report:
    """Carries out the plan of the run. Errors of the API are in the report, and never raised."""
    started_at, earlier = run.now(), run.options.earlier
    done = 0 if earlier is None else len(earlier.done)
    parts = waves(run.planned.plan.tenants, run.options.waves, done)
    _tell_start(run, len(parts))
    if earlier is not None and run.options.bake is not None:
        from reconciler.apply.waves.earlier_waves import look_at_earlier  # noqa: PLC0415 - for waves only

        await look_at_earlier(run, earlier)
    for number, wave in enumerate(parts, start=1):
        await _carry_out_wave(run, number, len(parts), wave)
    run.writes.end()
    run.outcomes.end(tenant.tenant for tenant in run.planned.plan.tenants)
    return Report(
        run=run.id,
        started_at=started_at,
        finished_at=run.now(),
        outcomes=run.outcomes.of_tenants(),
        calls=run.neon.calls,
        stopped=run.stop.reason,
        stopped_by=run.stop.exit_code,
        harm=run.harm,
        shard=None if run.planned.shard is None else part_of(run.planned.shard),
    )


def _tell_start(run: Run, waves: int) -> None:
    """Sends events for the start of the run and for the tenants that it does not change."""
    if (tell := run.options.on_event) is None:
        return
    now, plan = run.now(), run.planned.plan
    actions = sum(len(tenant.actions) for tenant in plan.tenants)
    tell(RunStarted(now, run.fleet, run.options.commit, len(plan.tenants), actions, waves))
    for refusal in plan.refusals:
        tell(Refused(now, refusal.rule, refusal.tenants, refusal.message, refusal.remedy))
    for conflict in plan.conflicts:
        tell(InConflict(now, conflict.tenant, conflict.message, conflict.remedy))
    for stale in run.planned.stale:
        tell(LeftOut(now, stale.tenant, stale.message))


async def _carry_out_wave(run: Run, number: int, of: int, wave: Sequence[TenantPlan]) -> None:
    """One wave, and the judgement on it."""
    if not run.stop.requested:
        run.tell(WaveStarted(run.now(), number, len(wave)))
    names = [tenant.tenant for tenant in wave]
    if run.options.waves and not run.stop.requested:
        run.writes.wave(number, names)
    since = run.now()
    run.touched.update(names)
    live = run.planned.live
    await each(units(wave, page_numbers(live), live.listed), lambda unit: _carry_out(run, unit))
    if number < of:
        failed = run.outcomes.failures(names)
        stop_after_bad_wave(failed, len(wave), f"{number} of {of}", run.breaker.limits, run.stop)
    if run.options.bake is not None:
        from reconciler.apply.waves.health import look_after  # noqa: PLC0415 - for waves only

        await look_after(run, number, of, wave, since)


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
