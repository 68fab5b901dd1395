"""Settings that the patch of a project does not mention, and does not change.

Neon does not document whether a PATCH merges ``settings`` and ``default_endpoint_settings`` with their values or
replaces them. To send the other settings along with every patch would be safe only if Neon replaces: if it merges,
it would undo what somebody has changed since they were read. So a run finds out: it reads a project right before
its first patch, compares the answer, and sends again what was lost. Once it knows that Neon merges, it reads no
more. Once it knows that Neon replaces, it sends along what it has just read. Where all that is at risk are
maintenance windows, no patch shows that Neon merges: the run reads once for each different window of a region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.apply.run.merging import is_lost, unmentioned
from reconciler.model.values import replace
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.change import FieldChange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reconciler.apply.address import Address
    from reconciler.apply.calls.perform import Performed
    from reconciler.apply.run.run import Run
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value

CarryOut: TypeAlias = "Callable[[Run, PatchProject, Address], Awaitable[Performed]]"

LOST: Final = "Neon removed what the previous patch of the project did not mention"


async def patch_project(run: Run, action: PatchProject, address: Address, carry_out: CarryOut) -> Performed:
    """Carries the patch out. Sends the settings again that Neon has removed with it.

    Costs one read of the project if, as far as the run knows, there is something to lose, unless it was just read.
    Patches that start while the run finds out wait for what it finds. Raises what the client raises, and
    NotTakenError if the settings are not restored.
    """
    observed = address.project
    if observed is None or not _at_risk(run, action, observed):
        return await carry_out(run, action, address)
    async with run.merging.turn():
        at_risk = _at_risk(run, action, observed)
        if at_risk and not run.merging.removes(at_risk):
            return await _keep(run, action, address, observed, carry_out)
    if not at_risk:
        return await carry_out(run, action, address)
    return await _keep(run, action, address, observed, carry_out)


async def _keep(
    run: Run, action: PatchProject, address: Address, observed: LiveProject, carry_out: CarryOut
) -> Performed:
    kept = unmentioned(await _read(run, action.tenant, address, observed), _sent(action))
    along = {path: value for path, value in kept.items() if run.merging.removes([path])}
    performed = await carry_out(run, _with(action, along), address)
    after = performed.project or await run.neon.project(*address.project_key)
    lost = {path: value for path, value in kept.items() if is_lost(path, value, after)}
    run.merging.learn({path: value for path, value in kept.items() if path not in along}, _sent(action), after)
    if not lost:
        return performed
    run.neon.finish_with(address.project_id)  # also if the run is to end: no later run knows what was lost
    await run.neon.wait(*address.project_key, performed.operations)
    restored = await carry_out(run, _restoration(action, kept, lost), address)
    return replace(performed, operations=restored.operations, shortfall=performed.shortfall or restored.shortfall)


def _at_risk(run: Run, action: PatchProject, observed: LiveProject) -> Mapping[str, Value]:
    return run.merging.at_risk(observed, _sent(action))


async def _read(run: Run, tenant: str, address: Address, observed: LiveProject) -> LiveProject:
    """The project as it is now. What the answer leaves out, which is optional there, is as it was observed.

    Costs no call where the observation has read the project by itself, within ``look_again_after``.
    """
    if observed.consumption is not None and not run.late_turns.late(tenant):
        return observed
    now = await run.neon.project(*address.project_key)
    settings = observed.settings if now.settings is None else now.settings
    return replace(now, settings=settings, compute=now.compute or observed.compute)


def _sent(action: PatchProject) -> dict[str, Value]:
    return {**dict(action.companions), **{change.path: change.after for change in action.changes}}


def _with(action: PatchProject, along: Mapping[str, Value]) -> PatchProject:
    return replace(action, companions=(*action.companions, *along.items()))


def _restoration(action: PatchProject, kept: Mapping[str, Value], lost: Mapping[str, Value]) -> PatchProject:
    """The patch that sends everything: for the journal, what was lost is as it was before the run."""
    others = {path: value for path, value in {**kept, **_sent(action)}.items() if path not in lost}
    return PatchProject(
        tenant=action.tenant,
        reason=LOST,
        source=action.source,
        changes=tuple(FieldChange(path, value, value) for path, value in lost.items()),
        before_transfer=action.before_transfer,
        companions=tuple(others.items()),
    )
