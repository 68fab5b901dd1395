"""The health of the tenants of a wave: two or three reads of each, and of untouched tenants to compare."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.quota import OFF, Consumption
from reconciler.neon.operations import ENDED_BADLY, MAY_RECOVER, RUNNING
from reconciler.neon.pace import each
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.event import WaveLookedAt
from reconciler.plan.harm import HealthSample, harm_message, is_harmful
from reconciler.plan.identity import identify
from reconciler.plan.outcome import Harm, HarmedTenant, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.apply.run.run import Run
    from reconciler.apply.run.wave_options import Bake
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value
    from reconciler.neon.client import Neon
    from reconciler.neon.operations import Operation
    from reconciler.plan.plan import TenantPlan

MOST_LOOKED_AT: Final = 500
"""Tenants of a wave that are looked at, and as many untouched ones: about 1,000 calls each."""
STUCK: Final = timedelta(minutes=1)
"""Neon: nearly every operation ends within seconds. Until it ends, other writes to the project get a 423."""
SLICE_SECONDS: Final = 1.0
WAKES: Final = "start_compute"
SIZE: Final = "quota.logical_size_bytes"


class CheckedTenant(Struct, frozen=True):
    """A tenant that is looked at."""

    tenant: str
    organization: str
    project_id: str
    lowered: Mapping[str, Value] = {}
    """The quota before the run, by path, where the run has lowered it."""


async def look_after(run: Run, number: int, of: int, wave: Sequence[TenantPlan], since: datetime) -> None:
    """Leaves the wave alone for a while, looks at it, and ends the run if it is harmful."""
    bake = run.options.bake
    if bake is None or not await pause(run, bake.seconds):
        return
    checked_tenants = list(_touched(run, wave))
    await judge(run, bake, checked_tenants, number, f"{number} of {of}", since, run.id)


async def judge(
    run: Run,
    bake: Bake,
    checked_tenants: Sequence[CheckedTenant],
    number: int,
    called: str,
    since: datetime,
    of_run: str,
) -> None:
    """Looks at these tenants of a wave of a run, and ends this run if the wave is harmful."""
    wave = await looked_at(run, checked_tenants, since)
    untouched = await looked_at(run, list(_untouched(run)), since)
    if run.stop.requested:  # half a look proves nothing
        return
    harmful = is_harmful(wave, untouched, bake.limit)
    run.writes.look(of_run, number, [one.tenant for one in wave.harmed], harmful=harmful)
    seen = Harm(of_run, number, wave.tenants, untouched.tenants, len(untouched.harmed), wave.harmed)
    run.tell(_event(run, seen, harmful=harmful))
    if not harmful:
        return
    run.harm = seen
    back = f"`reconciler rollback {of_run} --wave {number}` undoes it"
    run.stop.request(f"{harm_message(called, wave, untouched)}; {back}", ExitCode.PARTLY_APPLIED)


def _event(run: Run, seen: Harm, *, harmful: bool) -> WaveLookedAt:
    return WaveLookedAt(
        run.now(),
        seen.run,
        seen.wave,
        harmful,
        seen.looked_at,
        seen.tenants,
        seen.untouched,
        seen.untouched_harmed,
    )


async def looked_at(run: Run, checked_tenants: Sequence[CheckedTenant], since: datetime) -> HealthSample:
    """The health of these tenants, or of a sample of them."""
    chosen = sorted(checked_tenants, key=lambda one: sha256(one.tenant.encode()).digest())[:MOST_LOOKED_AT]

    async def look(checked: CheckedTenant) -> HarmedTenant | None:
        if run.stop.requested:
            return None
        symptoms, certain = await _symptoms(run.neon, checked, since, run.now())
        return HarmedTenant(checked.tenant, tuple(symptoms), certain) if symptoms else None

    found = await each(chosen, look)
    return HealthSample(len(chosen), tuple(one for one in found if one is not None))


async def _symptoms(neon: Neon, checked: CheckedTenant, since: datetime, now: datetime) -> tuple[list[str], bool]:
    """What is wrong with a tenant, and whether only the run can have caused it."""
    try:
        project = await neon.project(checked.organization, checked.project_id)
        operations = await neon.operations_since(checked.organization, checked.project_id, since=since)
        full = SIZE in checked.lowered and await _full(neon, checked, project)
    except ReconcilerError as error:
        return [f"it cannot be read: {error}"], False
    used_up = list(_used_up(project))
    by_run = [path for path in used_up if path in checked.lowered and not _was_used_up(path, checked, project)]
    symptoms = [f"suspended: {path} is used up" for path in used_up]
    symptoms += [f"writes fail: {SIZE} is reached"] if full else []
    return [*symptoms, *dict.fromkeys(_of_operations(operations, now))], full or bool(by_run)


def _used_up(project: LiveProject) -> Iterator[str]:
    """Neon: a project that has used up one of these is suspended until the billing period ends.

    A counter that stops at the limit may be one unit below it. A quota of 1 suspends a tenant on purpose.
    """
    for path in QUOTA:
        limit = getattr(project.quota, path.partition(".")[2], 0)
        used = _used(path, project)
        if path != SIZE and limit > OFF and used is not None and used + 1 >= limit:
            yield path


def _used(path: str, project: LiveProject) -> int | None:
    used: int | None = getattr(project.consumption or Consumption(), path.partition(".")[2], None)
    return used


def _was_used_up(path: str, checked: CheckedTenant, project: LiveProject) -> bool:
    before = checked.lowered[path]
    return isinstance(before, int) and before > 0 and (_used(path, project) or 0) >= before


async def _full(neon: Neon, checked: CheckedTenant, project: LiveProject) -> bool:
    """Whether a branch has reached the lower limit of its size, and not the one before."""
    limit, before = getattr(project.quota, "logical_size_bytes", 0), checked.lowered[SIZE]
    branches = await neon.branches(checked.organization, checked.project_id)
    most = max((branch.logical_size_bytes or 0 for branch in branches), default=0)
    return bool(limit) and most >= limit and not (isinstance(before, int) and 0 < before <= most)


def _of_operations(operations: Iterable[Operation], now: datetime) -> Iterator[str]:
    for operation in operations:
        what = "its compute does not wake" if operation.action == WAKES else f"operation {operation.action}"
        if operation.status in ENDED_BADLY or operation.status == MAY_RECOVER:
            yield f"{what}: {operation.status}"
        elif operation.status in RUNNING and now - (operation.created_at or now) >= STUCK:
            yield f"{what}: {operation.status} for more than a minute, which locks the project"


def _touched(run: Run, wave: Iterable[TenantPlan]) -> Iterator[CheckedTenant]:
    """The tenants of a wave of which something was applied, and that have a project."""
    for planned in wave:
        outcome = run.outcomes.of_tenant(planned.tenant)
        if outcome.project_id is None or outcome.result is Result.SKIPPED or planned.includes(DeleteProject):
            continue
        move = planned.transfer
        organization = planned.project.organization if planned.project else _organization(planned)
        if move is not None and any(
            one.action == move and one.result is Result.APPLIED for one in outcome.actions
        ):
            organization = move.destination
        changes = (change for action in planned.actions for change in action.changes)
        lowered = {change.path: change.before for change in changes if change.lowering and change.path in QUOTA}
        yield CheckedTenant(planned.tenant, organization, outcome.project_id, lowered)


def _organization(planned: TenantPlan) -> str:
    return next(str(getattr(action, "organization", "")) for action in planned.actions)


def _untouched(run: Run) -> Iterator[CheckedTenant]:
    """Tenants of later waves, and those that the run does not change."""
    touched = run.touched
    for name, project in identify(run.desired, run.planned.live).projects.items():
        if name not in touched:
            yield CheckedTenant(name, project.organization, project.id)


async def pause(run: Run, seconds: float) -> bool:
    """Waits. Returns whether the whole time has passed: what ends the run ends the pause."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        if run.stop.requested:
            return False
        await asyncio.sleep(min(left, SLICE_SECONDS))
    return not run.stop.requested
