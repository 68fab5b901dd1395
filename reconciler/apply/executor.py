"""execute: carries out a plan, unit by unit, and reports what became of every action."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.apply.evidence import Evidence
from reconciler.apply.perform import Performer
from reconciler.apply.recover import recover
from reconciler.apply.session import Session
from reconciler.apply.settle import create_cohort
from reconciler.apply.stop import Breaker
from reconciler.apply.tally import Tally
from reconciler.apply.transfer import move_together
from reconciler.apply.turns import due
from reconciler.apply.units import CreateCohort, LoneTenant, Recovery, SharedTransfer, units
from reconciler.apply.waves import judge, waves
from reconciler.apply.writes import Writes
from reconciler.neon.pace import each
from reconciler.plan.outcome import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.apply.journal import Journal
    from reconciler.apply.lease import HeldLease
    from reconciler.apply.session import CreateProtocol
    from reconciler.apply.stop import StopSignal
    from reconciler.apply.turns import Turns
    from reconciler.apply.units import Unit
    from reconciler.apply.waves import WaveEnd
    from reconciler.neon.client import Neon
    from reconciler.plan.plan import Plan
    from reconciler.registry.store import Registry
    from reconciler.secret import Secret


async def execute(
    plan: Plan,
    neon: Neon,
    *,
    run: str,
    protocol: CreateProtocol,
    organizations: Mapping[str, int | None],
    journal: Journal,
    now: Callable[[], datetime],
    project_names: Callable[[str], Sequence[str]],
    seen: Collection[tuple[str, str]] = frozenset(),
    turns: Turns | None = None,
    stop: StopSignal,
    breaker: Breaker | None = None,
    wave_ends: Sequence[WaveEnd] = (),
    on_progress: Callable[[int, int, str], None] | None = None,
    on_connection: Callable[[str, Secret], None] | None = None,
    registry: Registry | None = None,
    lease: HeldLease | None = None,
) -> Report:
    """Carries out the plan's actions. Errors of the API end up in the report, never here.

    ``wave_ends`` say in which parts: each is finished before the next one begins, and one that goes badly ends the
    run. ``run`` is this run's random id. ``organizations`` are all of the fleet, each with its number of live
    projects where it was listed whole. ``project_names`` tells the names by which a tenant's project is known,
    ``seen`` id and name of each project that the plan was made from. With ``turns`` tenants whose turn comes late
    are looked at and planned once more. ``on_progress`` is told tenants finished, tenants in all, and what they
    are. ``on_connection`` gets the string of each new project once it is settled that it came first: the only way
    a connection string leaves. With a ``registry`` tenants are claimed there before they are created, and with a
    ``lease`` nothing is written once that is not valid any more.
    """
    started_at = now()
    breaker = breaker or Breaker()
    neon = neon.of_run(lambda: not stop.requested and (lease is None or lease.valid()))
    tally = Tally(plan.tenants, breaker=breaker, stop=stop, on_progress=on_progress)
    session = Session(
        neon=neon,
        performer=Performer(neon, fleet=plan.fleet, run=run, now=now, hands_out=on_connection is not None),
        evidence=Evidence(neon, fleet=plan.fleet, run=run),
        writes=Writes(journal, run=run, stop=stop),
        stop=stop,
        tally=tally,
        protocol=protocol,
        organizations=organizations,
        on_connection=on_connection,
        now=now,
        project_names=project_names,
        seen=seen,
        turns=turns and replace(turns, neon=neon),
        registry=registry,
    )
    parts = waves(plan.tenants, wave_ends)
    for number, wave in enumerate(parts, start=1):
        await each(units(wave), lambda unit: _work(session, unit))
        if number < len(parts):
            failed = tally.failures(tenant.tenant for tenant in wave)
            judge(failed, len(wave), f"{number} of {len(parts)}", breaker.limits, stop)
    session.writes.end()
    return Report(
        run=run,
        started_at=started_at,
        finished_at=now(),
        outcomes=tally.outcomes(),
        calls=neon.calls,
        stopped=stop.reason,
        stopped_by=stop.exit_code,
    )


async def _work(session: Session, unit: Unit) -> None:
    if session.stop.requested:
        return
    match unit:
        case LoneTenant(tenant):
            for still in await accepted(session, await due(session, [tenant])):
                await session.steps(still.actions, Address.planned(still))
        case Recovery(tenant):
            await recover(session, tenant)
        case CreateCohort():
            await create_cohort(session, unit)
        case SharedTransfer():
            await move_together(session, unit)
        case _:
            assert_never(unit)
