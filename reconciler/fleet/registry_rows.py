"""The rows of the registry: read for an observation, corrected before a run, and filled by a rebuild.

Minutes pass between reading and writing rows, and other runs claim, create and delete meanwhile. A row that has
changed since it was read is therefore not written.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.apply.claims import LAPSES_AFTER
from reconciler.desired.selection import Depth
from reconciler.neon.observe import Progress, observe
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.registration import Registration, gone, registration, without

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from reconciler.apply.run import Planned
    from reconciler.desired.state import DesiredState
    from reconciler.live.registered import Registered
    from reconciler.live.state import LiveState
    from reconciler.neon.client import Neon
    from reconciler.plan.history import History
    from reconciler.registry.null import NullRegistry


@dataclass(frozen=True, slots=True)
class RebuiltRegistry:
    """What a rebuild changed in the registry, and the number of its rows afterwards."""

    registration: Registration
    rows: int


@dataclass(frozen=True, slots=True)
class Memory:
    """The rows and accepted revisions of some tenants, by the names that the registry has."""

    rows: Mapping[str, Registered]
    revisions: Mapping[str, int]


async def read_memory(registry: NullRegistry, tenants: Collection[str] | None) -> Memory:
    """The rows and revisions of all tenants, or of a few. Empty without a registry. Raises RegistryError."""
    return Memory(await registry.read(registry.rows, tenants), await registry.read(registry.revisions, tenants))


def last_revisions(registered: Mapping[str, int], applied: Mapping[str, int]) -> dict[str, int]:
    """The last accepted revision of each tenant: the registry's or the caller's, whichever is newer."""
    newer = {name: max(revision, registered.get(name, revision)) for name, revision in applied.items()}
    return {**registered, **newer}


def revisions_by_current_name(desired: DesiredState, revisions: Mapping[str, int]) -> dict[str, int]:
    """The revisions by the current names of tenants. Of several names of a tenant, the newest revision counts."""
    found: dict[str, int] = {}
    for name, revision in revisions.items():
        current = desired.present_name(name)
        found[current] = max(revision, found.get(current, revision))
    return found


def _rename(registry: NullRegistry, desired: DesiredState) -> None:
    """Moves the rows of tenants' earlier names to their current names."""
    earlier = [name for tenant in desired.tenants.values() for name in tenant.previously]
    for name, row in (registry.rows(earlier) if earlier else {}).items():
        registry.rename(name, desired.present_name(name), row)


async def correct_rows(registry: NullRegistry, planned: Planned, run: str, at: datetime) -> None:
    """Corrects rows before a run writes: of renamed tenants, of moved projects, and of unchanged revisions.

    Raises RegistryError.
    """
    desired, live = planned.grounds.desired, planned.live
    await registry.read(registry.prepare)  # only reads where the tables exist, which is nearly always
    if any(tenant.previously for tenant in desired.tenants.values()):
        await registry.write(_rename, registry, desired)
    if planned.placements:
        await registry.write(registry.correct, planned.placements, live.registered, run, at)
    unchanged = planned.unchanged_revisions.items()
    newer = {name: revision for name, revision in unchanged if revision > live.revisions.get(name, -1)}
    if newer:
        await registry.write(registry.accept, newer, run, at)


async def rebuild(
    registry: NullRegistry,
    desired: DesiredState,
    neon: Neon,
    history: History,
    now: Callable[[], datetime],
    on_progress: Progress,
) -> RebuiltRegistry:
    """Fills the registry by pins, annotations, and names that ``history`` confirms. Raises RegistryError."""
    started_at = asyncio.get_running_loop().time()
    rows = await registry.write(_rows, registry, desired)

    async def look(registered: Mapping[str, Registered]) -> LiveState:
        deep = PlanRequirements(depth=Depth.DEEP)
        return await observe(neon, desired, deep, registered=registered, on_progress=on_progress)

    live = await look(rows)
    if lost := gone(live):
        live = await look(without(rows, lost))
    duration = timedelta(seconds=asyncio.get_running_loop().time() - started_at)
    at = now()
    found = registration(desired, live, rows, history, now=at, lapsed_before=at - duration - LAPSES_AFTER)
    return await registry.write(_write, registry, found, rows, at)


def _rows(registry: NullRegistry, desired: DesiredState) -> dict[str, Registered]:
    registry.prepare()
    _rename(registry, desired)
    return registry.rows()


def _write(
    registry: NullRegistry, found: Registration, rows: Mapping[str, Registered], at: datetime
) -> RebuiltRegistry:
    overtaken = registry.correct(found.placements, rows, secrets.token_hex(4), at)
    overtaken += [tenant for tenant, row in found.forgotten if not registry.drop(tenant, row)]
    return RebuiltRegistry(found.overtaken(overtaken), len(registry.rows()))
