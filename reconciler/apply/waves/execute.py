"""Carries out the plan of a run, wave by wave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.apply.waves.waves import stop_after_bad_wave, waves
from reconciler.live.registered import part_of
from reconciler.plan.event import InConflict, LeftOut, Refused, RunStarted, WaveStarted
from reconciler.plan.outcome import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.run.run import Run
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
        await _take_wave(run, number, len(parts), wave)
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


async def _take_wave(run: Run, number: int, of: int, wave: Sequence[TenantPlan]) -> None:
    """One wave, and the judgement on it."""
    if not run.stop.requested:
        run.tell(WaveStarted(run.now(), number, len(wave)))
    names = [tenant.tenant for tenant in wave]
    if run.options.waves and not run.stop.requested:
        run.writes.wave(number, names)
    since = run.now()
    run.touched.update(names)
    if wave:
        from reconciler.apply.waves.wave import carry_out_wave  # noqa: PLC0415 - not where nothing differs

        await carry_out_wave(run, wave)
    if number < of:
        failed = run.outcomes.failures(names)
        stop_after_bad_wave(failed, len(wave), f"{number} of {of}", run.breaker.limits, run.stop)
    if run.options.bake is not None:
        from reconciler.apply.waves.health import look_after  # noqa: PLC0415 - for waves only

        await look_after(run, number, of, wave, since)
