"""Applying a plan of a fleet: checks before the first write, the lease, the journal, and the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.apply.journals.journal import Header, Journal, actor
from reconciler.apply.run.lease import leased
from reconciler.apply.run.run import Run
from reconciler.apply.waves.execute import execute
from reconciler.fleet.kept_strings import require_key, write_due
from reconciler.fleet.registry_rows import correct_rows, record_outcomes
from reconciler.live.registered import part_of
from reconciler.model.values import replace
from reconciler.neon.lists import no_progress
from reconciler.plan.actions.project import TransferProject
from reconciler.plan.moves import checks_transfer_permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.apply.run.lease import HeldLease
    from reconciler.apply.run.planned import Planned, RunOptions
    from reconciler.fleet.context import Context
    from reconciler.neon.connection import Connection
    from reconciler.neon.lists import Progress
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan


async def apply_alone(context: Context, planned: Planned, options: RunOptions, on_progress: Progress) -> Report:
    """Applies the plan. Holds the lease on the fleet if a registry is kept and the plan is not empty."""
    registry = context.registry
    if not registry.keeps_rows or planned.plan.empty:
        return await apply_plan(context, planned, options, on_progress=on_progress)
    await registry.read(registry.prepare)
    async with leased(registry, part_of(planned.shard), options.id, context.time, options.stop) as lease:
        return await apply_plan(context, planned, options, lease=lease, on_progress=on_progress)


async def apply_plan(
    context: Context,
    planned: Planned,
    options: RunOptions,
    *,
    lease: HeldLease | None = None,
    just_observed: bool = False,
    on_progress: Progress = no_progress,
    on_connection: Callable[[str, Connection], None] | None = None,
) -> Report:
    """Applies the plan. ``just_observed`` and ``on_connection`` as in ``Run``."""
    require_key(context, planned)
    calls = await _check_mover(context, planned.plan)
    await correct_rows(context.registry, planned, options.id, context.time())
    calls += await write_due(context, planned)
    with Journal.open(options.journal_path, _header(context, options), context.time) as journal:
        run = Run(
            planned=planned,
            options=options,
            neon=context.neon,
            journal=journal,
            now=context.time,
            registry=context.registry,
            lease=lease,
            just_observed=just_observed,
            on_connection=on_connection,
            on_progress=on_progress,
        )
        report = await execute(run)
    await record_outcomes(context.registry, planned, report, context.time())
    context.process.recent.add(planned.plan, report, context.time(), context.desired.api.settle_seconds)
    return replace(report, api_host=context.api_host, calls=report.calls + calls)


async def _check_mover(context: Context, plan: Plan) -> int:
    """Checks the key for transfers before the first write, if the plan has any. Returns the number of calls."""
    moves = [action for action in plan.actions if isinstance(action, TransferProject)]
    if moves:
        context.neon.require_personal_key()
    if not checks_transfer_permission(plan.tenants):
        return 0
    organizations = (name for move in moves for name in (move.origin, move.destination))
    await context.neon.require_transfer_key(dict.fromkeys(organizations))
    return 1


def _header(context: Context, options: RunOptions) -> Header:
    return Header(
        run=options.id,
        fleet=context.desired.fleet,
        actor=actor(),
        commit=options.commit,
        version=__version__,
        started_at=context.time(),
    )
