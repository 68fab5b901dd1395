"""The registry's rows beside a run: put right before it, and filled afresh from live by a rebuild.

Between reading rows and writing them lie minutes, in which other runs claim, create and delete. So no row is
written that has changed since it was read.
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

    from reconciler.desired.state import DesiredState
    from reconciler.live.registered import Placement, Registered
    from reconciler.live.state import LiveState
    from reconciler.neon.client import Neon
    from reconciler.plan.history import History
    from reconciler.registry.store import Registry


@dataclass(frozen=True, slots=True)
class RebuiltRegistry:
    """What a rebuild did to the registry, and how many rows it has now."""

    registration: Registration
    rows: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What the registry remembers of some tenants, under the names that it knows them by."""

    rows: Mapping[str, Registered]
    revisions: Mapping[str, int]


async def read_memory(registry: Registry | None, tenants: Collection[str] | None) -> Memory:
    """Of all tenants, or of a few; nothing where no registry is kept. Raises RegistryError."""
    if registry is None:
        return Memory({}, {})
    return Memory(await registry.look(registry.rows, tenants), await registry.look(registry.revisions, tenants))


def remembered(last: Mapping[str, int], told: Mapping[str, int]) -> dict[str, int]:
    """The revision of each tenant that was accepted last: the registry's or the one told, whichever is higher."""
    return dict(last) | {tenant: max(revision, last.get(tenant, revision)) for tenant, revision in told.items()}


def present_revisions(desired: DesiredState, told: Mapping[str, int]) -> dict[str, int]:
    """The revisions by the names that tenants have now: of one with earlier names the highest."""
    found: dict[str, int] = {}
    for name, revision in told.items():
        present = desired.present_name(name)
        found[present] = max(revision, found.get(present, revision))
    return found


def _rename(registry: Registry, desired: DesiredState) -> None:
    """The rows of tenants' earlier names become those of their present ones."""
    earlier = [name for tenant in desired.tenants.values() for name in tenant.previously]
    for name, row in (registry.rows(earlier) if earlier else {}).items():
        registry.rename(name, desired.present_name(name), row)


async def put_right(
    registry: Registry,
    desired: DesiredState,
    live: LiveState,
    placements: tuple[Placement, ...],
    settled: Mapping[str, int],
    run: str,
    at: datetime,
) -> None:
    """Before a run writes: the rows of tenants with new names, the rows that ``placements`` correct, and the
    revisions that hold already.

    Raises RegistryError.
    """
    await registry.look(registry.prepare)  # where the tables are there, which is nearly always, it only looks
    if any(tenant.previously for tenant in desired.tenants.values()):
        await registry.aside(_rename, registry, desired)
    if placements:
        await registry.aside(registry.mend, placements, live.registered, run, at)
    raised = {name: revision for name, revision in settled.items() if revision > live.revisions.get(name, -1)}
    if raised:
        await registry.aside(registry.accept, raised, run, at)


async def rebuild(
    registry: Registry,
    desired: DesiredState,
    neon: Neon,
    history: History,
    now: Callable[[], datetime],
    on_progress: Progress,
) -> RebuiltRegistry:
    """Fills the registry by pins, annotations, and names that ``history`` confirms. Raises RegistryError."""
    began = asyncio.get_running_loop().time()
    rows = await registry.aside(_rows, registry, desired)

    async def look(registered: Mapping[str, Registered]) -> LiveState:
        deep = PlanRequirements(depth=Depth.DEEP)
        return await observe(neon, desired, deep, registered=registered, on_progress=on_progress)

    live = await look(rows)
    if lost := gone(live):
        live = await look(without(rows, lost))
    looked_for = timedelta(seconds=asyncio.get_running_loop().time() - began)
    at = now()
    found = registration(desired, live, rows, history, now=at, lapsed_before=at - looked_for - LAPSES_AFTER)
    return await registry.aside(_write, registry, found, rows, at)


def _rows(registry: Registry, desired: DesiredState) -> dict[str, Registered]:
    registry.prepare()
    _rename(registry, desired)
    return registry.rows()


def _write(
    registry: Registry, found: Registration, rows: Mapping[str, Registered], at: datetime
) -> RebuiltRegistry:
    overtaken = registry.mend(found.placements, rows, secrets.token_hex(4), at)
    overtaken += [tenant for tenant, row in found.forgotten if not registry.drop(tenant, row)]
    return RebuiltRegistry(found.overtaken(overtaken), len(registry.rows()))
