"""The rows of the registry: read for an observation, corrected before a run, and filled by a rebuild.

Minutes pass between reading and writing rows, and other runs claim, create and delete meanwhile. A row that has
changed since it was read is therefore not written.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.desired.selection import Depth
from reconciler.errors import RegistryError
from reconciler.live.registered import RowState
from reconciler.model.values import replace
from reconciler.neon.observe import observe
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.outcome import Result
from reconciler.plan.registration import Registration, RowChange, RowChanges, gone, registration, without
from reconciler.plan.registry_record import declared_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.apply.run.planned import Planned
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.compared_strings import ComparedStrings
    from reconciler.fleet.context import Context
    from reconciler.live.registered import Registered
    from reconciler.live.state import LiveState
    from reconciler.neon.lists import Progress
    from reconciler.plan.history import History
    from reconciler.plan.outcome import Report
    from reconciler.registry.null import NullRegistry


class RebuiltRegistry(Struct, frozen=True):
    """What a rebuild changed in the registry, and the number of its rows afterwards."""

    registration: Registration
    rows: int
    strings: ComparedStrings

    @property
    def row_changes(self) -> RowChanges:
        """The same for views and documents."""
        found, strings = self.registration, self.strings
        changes, waiting = (*found.changes, *strings.changes), (*found.waiting, *strings.waiting)
        return RowChanges(_by_tenant(changes), _by_tenant(waiting), found.conflicts, self.rows)


def _by_tenant(changes: Iterable[RowChange]) -> tuple[RowChange, ...]:
    return tuple(sorted(changes, key=lambda change: change.tenant))


def _rename(registry: NullRegistry, desired: DesiredState) -> None:
    """Moves the rows of tenants' earlier names to their current names."""
    earlier = [name for tenant in desired.tenants.values() for name in tenant.previously]
    for name, row in (registry.rows(earlier) if earlier else {}).items():
        registry.rename(name, desired.current_name(name), row)


async def correct_rows(registry: NullRegistry, planned: Planned, run: str, at: datetime) -> None:
    """Corrects rows before a run writes: of renamed tenants, of moved projects, and of unchanged revisions.

    Raises RegistryError.
    """
    desired, live = planned.plan_inputs.desired, planned.live
    await registry.read(registry.prepare)  # only reads where the tables exist, which is nearly always
    if any(tenant.previously for tenant in desired.tenants.values()):
        await registry.write(_rename, registry, desired)
    if planned.placements:
        await registry.write(registry.correct, planned.placements, live.registered, run, at)
    unchanged = planned.unchanged_revisions.items()
    newer = {name: revision for name, revision in unchanged if revision > live.revisions.get(name, -1)}
    if newer:
        await registry.write(registry.accept, newer, run, at)


async def record_outcomes(registry: NullRegistry, planned: Planned, report: Report, at: datetime) -> None:
    """Records the tier and the state of tenants that match their files after a run. The next run does it too."""
    desired = planned.plan_inputs.desired
    seen = {tenant.tenant: tenant.project.id for tenant in planned.plan.tenants if tenant.project is not None}
    resized = {
        action.tenant
        for action in planned.plan.actions
        if any(change.path.startswith("quota.") for change in action.changes)
    }
    for outcome in report.outcomes if registry.keeps_rows else ():
        tenant = desired.tenants.get(outcome.tenant)
        project_id = outcome.project_id or seen.get(outcome.tenant)
        if tenant is None or tenant.absent or project_id is None or outcome.result is not Result.APPLIED:
            continue
        record, row = declared_record(desired, tenant), planned.live.registered.get(outcome.tenant)
        if row is not None and row.record.state is RowState.SUSPENDED and outcome.tenant not in resized:
            record = replace(record, state=None)  # Neon may have suspended it: no quota of it has changed
        if row is not None and not record.differs(row.record):
            continue
        with suppress(RegistryError):
            await registry.write(registry.describe, outcome.tenant, project_id, record, at)


async def verify(context: Context, history: History, *, passwords: bool, on_progress: Progress) -> RebuiltRegistry:
    """What a rebuild would change. Writes nothing. Raises RegistryError."""
    from reconciler.fleet.compared_strings import compare_strings  # noqa: PLC0415 - for these two commands only

    rows = await context.registry.read(context.registry.rows)
    found = await _compared(context, history, rows, on_progress)
    return RebuiltRegistry(
        found, len(rows), await compare_strings(context, found, passwords=passwords, writes=False)
    )


async def rebuild(
    context: Context, history: History, *, passwords: bool, on_progress: Progress
) -> RebuiltRegistry:
    """Fills the registry by pins, annotations, and names that ``history`` confirms. Raises RegistryError."""
    from reconciler.fleet.compared_strings import compare_strings  # noqa: PLC0415

    registry = context.registry
    if registry.keeps_strings:
        registry.require_key()
    rows = await registry.write(_rows, registry, context.desired)
    found = await _compared(context, history, rows, on_progress)
    found, count = await registry.write(_write, registry, found, rows, context.time())
    return RebuiltRegistry(found, count, await compare_strings(context, found, passwords=passwords, writes=True))


async def _compared(
    context: Context, history: History, rows: Mapping[str, Registered], on_progress: Progress
) -> Registration:
    desired = context.desired
    started_at = asyncio.get_running_loop().time()

    async def look(registered: Mapping[str, Registered]) -> LiveState:
        deep = PlanRequirements(depth=Depth.DEEP)
        return await observe(context.neon, desired, deep, registered=registered, on_progress=on_progress)

    live = await look(rows)
    if lost := gone(live):
        live = await look(without(rows, lost))
    from reconciler.apply.registry_writes.claims import LAPSES_AFTER  # noqa: PLC0415 - a plan needs none of it

    duration = timedelta(seconds=asyncio.get_running_loop().time() - started_at)
    at = context.time()
    return registration(desired, live, rows, history, now=at, lapsed_before=at - duration - LAPSES_AFTER)


def _rows(registry: NullRegistry, desired: DesiredState) -> dict[str, Registered]:
    registry.prepare()
    _rename(registry, desired)
    return registry.rows()


def _write(
    registry: NullRegistry, found: Registration, rows: Mapping[str, Registered], at: datetime
) -> tuple[Registration, int]:
    overtaken = registry.correct(found.placements, rows, secrets.token_hex(4), at)
    overtaken += [tenant for tenant, row in found.forgotten if not registry.drop(tenant, row)]
    return found.overtaken(overtaken), len(registry.rows())
