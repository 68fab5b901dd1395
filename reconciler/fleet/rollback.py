"""The rollback of a run: planned from what its journal recorded, guarded, and carried out by a run of its own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.selection import Selection
from reconciler.errors import InvalidInputError
from reconciler.fleet import comparing, planning
from reconciler.model.values import replace
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.compute import DeleteReplica
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.guards import guard
from reconciler.plan.later_writes import LaterWrites
from reconciler.plan.plan import Note
from reconciler.plan.recorded_effects import READERS, effects, project_of
from reconciler.plan.rollback import rolled_back
from reconciler.plan.tenant_rollback import Rollback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.apply.run.planned import Planned
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.model.record import RecordedWrite
    from reconciler.neon.lists import Progress
    from reconciler.plan.plan import Plan

DELETIONS: Final = (DeleteProject, DeleteBranch, DeleteSnapshot, DeleteReplica)
SHORT: Final = 7
"""Characters of a commit that are printed."""
AGAIN: Final = "the next apply does it again, or reports it as drift if no commit since its base asks for it"


class RunToUndo(Struct, frozen=True):
    """A run to roll back, as its journals record it."""

    run: str
    writes: tuple[RecordedWrite, ...]
    """Its writes, oldest first."""
    later: tuple[RecordedWrite, ...] = ()
    """The writes of other runs of the fleet since its first one, oldest first."""
    unreadable: tuple[str, ...] = ()
    """Journals of which a part could not be read."""


async def plan_rollback(context: Context, request: Request, undone: RunToUndo, on_progress: Progress) -> Planned:
    """Observes the tenants of the run, plans their rollback, and guards it.

    Of ``request``: the selection of tenants, the history and the permissions. Raises
    InvalidInputError if the journals have no write of the run to these tenants.
    """
    ways = _ways(context.desired, request, undone)
    if not ways:
        raise InvalidInputError(
            f"the journals have no write of run {undone.run} to these tenants",
            hint="`reconciler audit` lists the writes of all runs; name more journals with --journals",
        )
    also_read = {name: way.details for name, way in ways.items()}
    names = frozenset(ways) & context.desired.tenants.keys()
    request = replace(request, selection=Selection(changed=names), also_read=also_read, mention_deleted=False)
    compared = await comparing.compare(context, request, on_progress)
    return _permitted(context, request, compared, ways, undone)


def _ways(desired: DesiredState, request: Request, undone: RunToUndo) -> dict[str, Rollback]:
    """The rollback of each tenant, in name order; a tenant that was renamed has its current name."""
    writes: dict[str, list[RecordedWrite]] = defaultdict(list)
    projects: dict[str, str] = {}
    for write in undone.writes:
        for name in write.tenants:
            current = desired.current_name(name)
            writes[current].append(write)
            if write.kind in READERS and (project_id := project_of(write, name)) is not None:
                projects[current] = project_id
    later: dict[str, list[RecordedWrite]] = defaultdict(list)
    for write in undone.later:
        for key in dict.fromkeys((*write.project_ids, *map(desired.current_name, write.tenants))):
            later[key].append(write)
    chosen = {}
    for name in sorted(writes):
        tenant = desired.tenants.get(name)
        if request.selection.everything or (tenant is not None and request.selection.includes(tenant)):
            project_id = projects.get(name)
            since = LaterWrites(tuple(later[project_id or name]))
            chosen[name] = Rollback(undone.run, name, effects(writes[name], name), project_id, since)
    return chosen


def _permitted(
    context: Context, request: Request, compared: Planned, ways: Mapping[str, Rollback], undone: RunToUndo
) -> Planned:
    """The guarded plan. Deletions of what the run created are in it if the permission names their number."""
    desired, live, now = compared.plan_inputs.desired, compared.live, compared.at
    ways = {name: replace(way, permitted=True) for name, way in ways.items()}
    plan = rolled_back(compared.plan, ways, desired, live, now)
    count = sum(isinstance(action, DELETIONS) for action in plan.actions)
    if count > request.permissions.counts.get("deletes", 0):
        ways = {name: replace(way, permitted=False, deletions=count) for name, way in ways.items()}
        plan = rolled_back(compared.plan, ways, desired, live, now)
    judge = planning.policy_judge(context, request, now)
    plan = guard(
        plan,
        desired,
        live,
        request.permissions,
        history=context.past(request),
        selection=request.selection,
        strict=request.strict,
        now=now,
        policies=judge,
    )
    notes = (*plan.notes, *_about_files(compared.plan, plan, undone), *_about_journals(undone))
    plan = replace(plan, waiting=(), notes=notes)
    inputs = replace(compared.plan_inputs, rollbacks=ways, permissions=request.permissions, policies=judge)
    return replace(compared, plan=plan, plan_inputs=inputs, unchanged_revisions={}, placements=(), strings_due=())


def _about_files(of_files: Plan, plan: Plan, undone: RunToUndo) -> list[Note]:
    """What the files still ask for, and how that ends: otherwise the next apply does it again."""
    differing = {planned.tenant for planned in of_files.tenants}
    again = [planned.tenant for planned in plan.tenants if planned.tenant not in differing]
    if not again:
        return []
    commit = next((write.commit for write in undone.writes if write.commit), None)
    how = "revert the change of the files"
    if commit is not None:
        how = f"revert the change of the files, which run {undone.run} applied at commit {commit[:SHORT]} "
        how += f"(`git revert {commit[:SHORT]}`)"
    message = f"the files still ask for what run {undone.run} did, for {len(again):,} of these tenants"
    return [Note(None, f"{message}: {AGAIN}; {how}, before the next apply")]


def _about_journals(undone: RunToUndo) -> list[Note]:
    return [
        Note(None, f"journal {path} is incomplete: writes of run {undone.run} may be missing here")
        for path in undone.unreadable
    ]
