"""A late turn: the tenant is planned again, and only actions of the first plan may run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import structs

from reconciler.model.moments import rfc3339
from reconciler.plan.action import DeleteBranch, DeleteProject, DeleteSnapshot, PatchEndpoint, PatchProject
from reconciler.plan.approval import bare
from reconciler.plan.claims import pins
from reconciler.plan.concerns.compute import members
from reconciler.plan.guards import guard_tenants
from reconciler.plan.observed import project_fields
from reconciler.plan.outcome import GONE
from reconciler.plan.ownership import created_for
from reconciler.plan.planner import make_plan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.selection import Depth, Reach
    from reconciler.desired.state import DesiredState
    from reconciler.live.needs import Details
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.history import History
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan, Refusal, TenantPlan
    from reconciler.plan.tombstones import Tombstones


@dataclass(frozen=True, kw_only=True)
class PlanInputs:
    """The inputs of a plan besides live state and time."""

    desired: DesiredState
    history: History
    permissions: Permissions
    only: tuple[str, ...]
    """Names of the concerns."""
    tombstones: Tombstones
    depth: Depth
    reach: Reach
    """The reach that was used: whether all details of tenants are read."""

    @cached_property
    def pins(self) -> Mapping[str, str]:
        """The tenant whose file pins a project, by project id."""
        return pins(self.desired)


def reach_of_few(reach: Reach, tenants: int) -> Reach:
    """Return the reach for a plan of a few tenants: all details are read if they were read for all tenants."""
    return replace(reach, small_fleet=tenants if tenants <= reach.small_fleet else 0)


def with_known_details(before: LiveProject, now: LiveProject, dropped: Details) -> LiveProject:
    """Return the newer reading of a project with the details of the earlier one, except those to read again."""
    return replace(
        now,
        integrations=before.integrations if now.integrations is None else now.integrations,
        branches=None if "branches" in dropped else before.branches,
        endpoints=None if "endpoints" in dropped else before.endpoints,
        snapshots=None if "snapshots" in dropped else before.snapshots,
    )


def files_concerning(grounds: PlanInputs, tenant: str, projects: Collection[LiveProject]) -> DesiredState:
    """Return the files reduced to this tenant and to tenants that may claim one of these projects."""
    desired = grounds.desired
    told = {tenant}
    for project in projects:
        told.update(
            name
            for name in (
                grounds.pins.get(project.id),
                desired.tenant_by_project_name(project.name),
                created_for(project, desired),
            )
            if name is not None
        )
    return desired.selecting(told & desired.tenants.keys())


def plan_late_turn(grounds: PlanInputs, desired: DesiredState, live: LiveState, now: datetime) -> Plan:
    """Return the current plan for these tenants, without what the guards for one tenant refuse.

    ``desired`` and ``live`` hold few tenants and their projects. Guards that count apply once, before a run.
    """
    plan = make_plan(
        desired,
        live,
        now=now,
        history=grounds.history,
        only=grounds.only,
        prune=grounds.permissions.prune,
        tombstones=grounds.tombstones,
    )
    return guard_tenants(plan, desired, live, grounds.permissions, history=grounds.history, now=now)


RUN_AGAIN: Final = "run again: the next run makes a new plan"
DONE: Final = "nothing is left to do since the plan was made"


@dataclass(frozen=True, slots=True)
class Halt:
    """Why an action is not done, and what allows it."""

    message: str
    remedy: str = RUN_AGAIN


@dataclass(frozen=True, slots=True)
class Turn:
    """The decision on a tenant's plan. Every action is in one of the three groups, or ``halt`` says why none
    is.
    """

    plan: TenantPlan
    """The actions that may run, and the current project."""
    done: Mapping[Action, str] = field(default_factory=dict)
    """Actions with nothing left to do, each with the reason."""
    held: Mapping[Action, Halt] = field(default_factory=dict)
    """Actions that a guard refuses now."""
    halt: Halt | None = None
    """Why nothing is done."""

    @property
    def clear(self) -> bool:
        """Whether all of the plan may run."""
        return not (self.done or self.held or self.halt)


def judge(planned: TenantPlan, fresh: Plan, now: LiveProject | None) -> Turn:
    """Return the decision for a tenant that had a project when it was planned. ``now`` is that project's current
    state.
    """
    before = planned.project
    if before is None or now is None:
        return _gone(planned)
    of_now = next((plan for plan in fresh.tenants if plan.tenant == planned.tenant), None)
    if conflict := next((one for one in fresh.conflicts if one.tenant == planned.tenant), None):
        return Turn(planned, halt=Halt(conflict.message, conflict.remedy))
    another = of_now is not None and (of_now.project is None or of_now.project.id != now.id)
    kept_by_name = now.name != before.name and any(isinstance(a, DeleteProject) for a in planned.actions)
    fresh_actions = of_now.actions if of_now else ()
    wanted = frozenset(part for action in fresh_actions for part in _parts(action))
    stated = {action: frozenset(_parts(action)) for action in planned.actions}
    begun = any(parts & wanted and not parts <= wanted for parts in stated.values())
    beyond = not wanted <= frozenset(part for parts in stated.values() for part in parts)
    if another or kept_by_name or begun or beyond or not _along(fresh_actions) <= _along(planned.actions):
        return Turn(planned, halt=Halt(_changed(before, now)))
    kept = tuple(action for action, parts in stated.items() if parts & wanted)
    rest = [action for action in planned.actions if action not in kept]
    refused = [refusal for refusal in fresh.refusals if planned.tenant in refusal.tenants]
    held = {action: Halt(why.message, why.remedy) for action in rest if (why := _refusal(action, refused))}
    done = {action: _done(action, now) for action in rest if action not in held}
    return Turn(structs.replace(planned, project=now, actions=kept), done, held)


def _parts(action: Action) -> Iterator[Action]:
    """Yield the parts of an action, whether before or after a transfer: one for each changed field of a patch.

    A plan made after the transfer patches in one call what the earlier plan patches in two.
    """
    if isinstance(action, PatchProject | PatchEndpoint):
        alone = structs.replace(action, before_transfer=False, companions=())
        yield from (bare(structs.replace(alone, changes=(change,))) for change in action.changes)
    elif isinstance(action, DeleteBranch | DeleteSnapshot):
        yield bare(structs.replace(action, before_transfer=False))
    else:
        yield bare(action)


def _along(actions: Iterable[Action]) -> frozenset[tuple[str, str | None, str, Value]]:
    """Return the unchanged values that patches send, each with the object that it belongs to."""
    return frozenset(
        (action.kind, action.branch if isinstance(action, PatchEndpoint) else None, path, value)
        for action in actions
        if isinstance(action, PatchProject | PatchEndpoint)
        for path, value in action.companions
    )


def _gone(planned: TenantPlan) -> Turn:
    if all(isinstance(action, DeleteProject) for action in planned.actions):
        return Turn(planned)  # the deletion itself reports that it was gone
    project = planned.project
    place = f"project {project.id} in organization {project.organization}" if project else "the project"
    return Turn(planned, halt=Halt(f"{place} no longer exists"))


def _refusal(action: Action, refused: Iterable[Refusal]) -> Refusal | None:
    """Return the refusal of this action or of a part of it."""
    paths = {change.path for change in action.changes}
    for refusal in refused:
        for held in refusal.actions:
            of_tenant = held.tenant == action.tenant and held.kind == action.kind
            if of_tenant and (not paths or paths & {change.path for change in held.changes}):
                return refusal
    return None


def _done(action: Action, now: LiveProject) -> str:
    """The deletion of an object that no longer exists is reported as such."""
    match action:
        case DeleteBranch() if all(branch.id != action.branch_id for branch in now.branches or ()):
            return GONE
        case DeleteBranch():
            called = next(branch.name for branch in now.branches or () if branch.id == action.branch_id)
            return DONE if called == action.branch else f"somebody renamed the branch: its name is now {called!r}"
        case DeleteSnapshot() if all(snapshot.id != action.snapshot_id for snapshot in now.snapshots or ()):
            return GONE
        case _:
            return DONE


def _changed(before: LiveProject, now: LiveProject) -> str:
    """Return the differences between two readings as text; what is due by time alone differs in none."""
    then, seen = _fields(before), _fields(now)
    moved = ["organization"] if now.organization != before.organization else []
    values = [path for path, value in seen.items() if path in then and then[path] != value]
    things = sorted(path for path in then.keys() ^ seen.keys() if path.startswith(("branch ", "snapshot ")))
    told = ", ".join((*moved, *values, *things))
    return f"changed since the plan was made: {told or 'other actions are needed now'}"


def _fields(project: LiveProject) -> dict[str, Value]:
    return {**project_fields(project), **dict(_below(project))}


def _below(project: LiveProject) -> Iterator[tuple[str, Value]]:
    names = {branch.id: branch.name for branch in project.branches or ()}
    for branch in project.branches or ():
        yield f"branch {branch.name}", branch.id
        yield f"expires_at of branch {branch.name}", rfc3339(branch.expires_at) if branch.expires_at else None
    for snapshot in project.snapshots or ():
        yield f"snapshot {snapshot.name}", snapshot.id
    for endpoint in project.endpoints or ():
        of_branch = f"branch {names.get(endpoint.branch_id, endpoint.branch_id)}"
        for path, value in members(endpoint.compute).items():
            yield f"{path} of {of_branch}", value
