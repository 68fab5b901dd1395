"""A late turn: the tenant is planned again, and only actions of the first plan may run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from reconciler.model.moments import rfc3339, utc_text
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import DeleteProject, PatchProject
from reconciler.plan.actions.restore import Restore
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.approval import without_circumstances
from reconciler.plan.commanded import commanded
from reconciler.plan.concerns.compute import members
from reconciler.plan.guards import guard_tenants
from reconciler.plan.guards.commands import guard_command
from reconciler.plan.live_values import project_fields
from reconciler.plan.outcome import GONE
from reconciler.plan.ownership import created_for
from reconciler.plan.planner import make_plan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.rotation import Rotation
    from reconciler.desired.selection import Depth, Reach
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import Details, LiveBranch, LiveProject, LiveSnapshot, Needs
    from reconciler.live.state import LiveState
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.commanded import Command
    from reconciler.plan.history import History
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan, Refusal, TenantPlan
    from reconciler.plan.policies import PolicyJudge
    from reconciler.plan.resets import RaisedNumbers
    from reconciler.plan.tenant_rollback import Rollback
    from reconciler.plan.tombstones import Tombstones


Thing = TypeVar("Thing", "LiveBranch", "LiveSnapshot")


class PlanInputs(Struct, frozen=True, kw_only=True):
    """The inputs of a plan besides live state and time."""

    desired: DesiredState
    history: History
    permissions: Permissions
    only: tuple[str, ...]
    """Names of the concerns."""
    tombstones: Tombstones
    raised: RaisedNumbers = {}
    depth: Depth
    reach: Reach
    """The reach that was used: whether all details of tenants are read."""
    command: Command | None = None
    """What a person asked for. None: the plan follows from the files, or takes a run back."""
    rollbacks: Mapping[str, Rollback] = {}
    """The rollback of each tenant, if the plan is that of a rollback."""
    policies: PolicyJudge | None = None
    """The policies that judged the plan, and judge its late turns."""


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
        roles={} if "roles" in dropped else before.roles,
        databases={} if "databases" in dropped else before.databases,
    )


def before_its_rotation(
    first: TenantPlan, actions: Collection[Action], project: LiveProject, rotation: Rotation | None
) -> LiveProject:
    """Return the project without the rotated snapshot that this run has taken, while the others of its plan wait.

    ``actions`` are those that are still to come. The new snapshot is the cause for the deletion of the oldest one:
    a plan that found it there already would ask for no deletion.
    """
    if rotation is None:
        return project
    taken = {name for action in first.actions if action not in actions if (name := _taken(action)) is not None}
    names = frozenset(name for name in taken if rotation.moment(name) is not None)
    if not names:
        return project
    return replace(
        project,
        snapshots=_without(project.snapshots, names),
        branches=_without(project.branches, names),
    )


def _taken(action: Action) -> str | None:
    """Return the name of the snapshot that an action takes, by either method."""
    match action:
        case CreateSnapshot():
            return action.snapshot
        case CreateBranch():
            return action.branch
        case _:
            return None


def _without(things: tuple[Thing, ...] | None, names: Collection[str]) -> tuple[Thing, ...] | None:
    return None if things is None else tuple(one for one in things if one.name not in names)


def with_unread(needs: Needs, project: LiveProject, details: Details) -> Needs:
    """Return the needs, and those of the details that were not read of the project."""

    def ids(known: tuple[str, ...], detail: str) -> tuple[str, ...]:
        unread = detail in details and getattr(project, detail) is None
        return tuple(dict.fromkeys((*known, project.id))) if unread else known

    return replace(
        needs,
        branches=ids(needs.branches, "branches"),
        endpoints=ids(needs.endpoints, "endpoints"),
        snapshots=ids(needs.snapshots, "snapshots"),
    )


def files_concerning(plan_inputs: PlanInputs, tenant: str, projects: Collection[LiveProject]) -> DesiredState:
    """Return the files reduced to this tenant and to tenants that may claim one of these projects."""
    desired = plan_inputs.desired
    names = {tenant}
    for project in projects:
        names.update(
            name
            for name in (
                desired.pinned_by.get(project.id),
                desired.tenant_by_project_name(project.name),
                created_for(project, desired),
            )
            if name is not None
        )
    return desired.selecting(names & desired.tenants.keys())


def plan_late_turn(
    plan_inputs: PlanInputs, desired: DesiredState, live: LiveState, now: datetime, moved: Collection[str] = ()
) -> Plan:
    """Return the current plan for these tenants, without what the guards for one tenant refuse.

    ``desired`` and ``live`` hold few tenants and their projects. Guards that count apply once, before a run.
    ``moved`` are tenants whose projects this run has transferred.
    """
    plan = make_plan(
        desired,
        live,
        now=now,
        history=plan_inputs.history,
        only=plan_inputs.only,
        prune=plan_inputs.permissions.prune,
        tombstones=plan_inputs.tombstones,
        raised=plan_inputs.raised,
        moved=moved,
    )
    command, permissions, history = plan_inputs.command, plan_inputs.permissions, plan_inputs.history
    if command is not None:
        plan = commanded(plan, command, desired, live, now)
        return guard_command(
            plan, desired, live, permissions, history=history, now=now, policies=plan_inputs.policies, late=True
        )
    if plan_inputs.rollbacks:
        from reconciler.plan.rollback import rolled_back  # noqa: PLC0415 - for rollbacks only

        of_these = {name: plan_inputs.rollbacks[name] for name in desired.tenants if name in plan_inputs.rollbacks}
        plan = rolled_back(plan, of_these, desired, live, now)
    return guard_tenants(plan, desired, live, permissions, history=history, now=now, policies=plan_inputs.policies)


RUN_AGAIN: Final = "run again: the next run makes a new plan"
DONE: Final = "nothing is left to do since the plan was made"
UNREAD: Final = "Neon did not return whether it still exists"


class Halt(Struct, frozen=True):
    """Why an action is not done, and what allows it."""

    message: str
    remedy: str = RUN_AGAIN


class Turn(Struct, frozen=True):
    """The decision on a tenant's plan. Each action is in one of three groups, or ``halt`` says why none is."""

    plan: TenantPlan
    """The actions that may run, and the current project."""
    done: Mapping[Action, str] = {}
    """Actions with nothing left to do, each with the reason."""
    held: Mapping[Action, Halt] = {}
    """Actions that a guard refuses now, and deletions of objects that were not read."""
    halt: Halt | None = None
    """Why nothing is done."""

    @property
    def clear(self) -> bool:
        """Whether all of the plan may run."""
        return not (self.done or self.held or self.halt)


def judge(planned: TenantPlan, fresh: Plan, now: LiveProject | None) -> Turn:
    """The decision for a tenant that had a project when it was planned. ``now`` is that project's state."""
    before = planned.project
    if before is None or now is None:
        return _gone(planned)
    of_now = next((plan for plan in fresh.tenants if plan.tenant == planned.tenant), None)
    if conflict := next((one for one in fresh.conflicts if one.tenant == planned.tenant), None):
        return Turn(planned, halt=Halt(conflict.message, conflict.remedy))
    another = of_now is not None and (of_now.project is None or of_now.project.id != now.id)
    may_be_in_use = _differs(before, now) and any(isinstance(a, DeleteProject) for a in planned.actions)
    fresh_actions = of_now.actions if of_now else ()
    wanted = frozenset(part for action in fresh_actions for part in _parts(action))
    stated = {action: frozenset(_parts(action)) for action in planned.actions}
    begun = any(parts & wanted and not parts <= wanted for parts in stated.values())
    beyond = not wanted <= frozenset(part for parts in stated.values() for part in parts)
    if another or may_be_in_use or begun or beyond or not _along(fresh_actions) <= _along(planned.actions):
        return Turn(planned, halt=Halt(_changed(before, now)))
    if halt := _another_state(planned, fresh, fresh_actions, now) or _no_longer_possible(
        planned, fresh, fresh_actions
    ):
        return Turn(planned, halt=halt)
    kept = tuple(action for action, parts in stated.items() if parts & wanted)
    rest = [action for action in planned.actions if action not in kept]
    refused = [refusal for refusal in fresh.refusals if planned.tenant in refusal.tenants]
    held = {action: Halt(why.message, why.remedy) for action in rest if (why := _refusal(action, refused))}
    held |= {action: Halt(UNREAD) for action in rest if action not in held and not _is_known(action, now)}
    done = {action: _done(action, now) for action in rest if action not in held}
    return Turn(replace(planned, project=now, actions=kept), done, held)


def _another_state(planned: TenantPlan, fresh: Plan, wanted: Collection[Action], now: LiveProject) -> Halt | None:
    """Return why a restore does not apply to the state of the default branch that the plan was made for.

    Somebody has restored the branch since; or nobody has, and the restore is no longer asked for: its preview is
    gone. The restore that the run itself has made is asked for no longer, and nothing refuses it.
    """
    if planned.project is None or not any(isinstance(action, Restore) for action in planned.actions):
        return None
    default = now.default_branch
    restored = default is not None and _state(now) != _state(planned.project)
    to_come = any(isinstance(action, Restore) for action in wanted)
    if default is not None and restored and (to_come or fresh.refusals):
        at = utc_text(default.reset_at or default.created_at)
        return Halt(f"somebody restored branch {default.name!r} at {at}, since the plan was made")
    if not restored and not to_come and not fresh.refusals:
        return Halt("; ".join(note.message for note in fresh.notes) or _changed(planned.project, now))
    return None


def _state(project: LiveProject) -> tuple[object, ...]:
    """Return what differs once the default branch was restored by any means."""
    default = project.default_branch
    return () if default is None else (default.id, default.reset_at)


def _no_longer_possible(planned: TenantPlan, fresh: Plan, wanted: Collection[Action]) -> Halt | None:
    """Return why a command can no longer be carried out, although nothing has done it: a refusal of the whole.

    A refusal that names actions holds back these only; one of a rollback that has other actions is about a value
    that stays as the run has left it.
    """
    if fresh.command is None or wanted:
        return None
    refusals = (one for one in fresh.refusals if planned.tenant in one.tenants and not one.actions)
    return next((Halt(one.message, one.remedy) for one in refusals), None)


def _differs(before: LiveProject, now: LiveProject) -> bool:
    """Whether somebody has moved, renamed or restored the project or changed its settings: it may be in use again.

    For its deletion, which is the same action whatever the project has become.
    """
    then, seen = project_fields(before), project_fields(now)
    settings = any(then[path] != seen[path] for path in then.keys() & seen.keys())
    read = before.branches is not None and now.branches is not None
    return settings or now.organization != before.organization or (read and _state(before) != _state(now))


def _parts(action: Action) -> Iterator[Action]:
    """Yield the parts of an action, whether before or after a transfer: one for each changed field of a patch.

    A plan made after the transfer patches in one call what the earlier plan patches in two.
    """
    if isinstance(action, PatchProject | PatchEndpoint):
        alone = replace(action, before_transfer=False, companions=())
        yield from (without_circumstances(replace(alone, changes=(change,))) for change in action.changes)
    elif isinstance(action, DeleteBranch | DeleteSnapshot):
        yield without_circumstances(replace(action, before_transfer=False, after_new=False))
    else:
        yield without_circumstances(action)


def _along(actions: Iterable[Action]) -> frozenset[tuple[object, ...]]:
    """Return the unchanged values that patches send, each with the object that it belongs to."""
    return frozenset(
        (*((action.branch, action.replica) if isinstance(action, PatchEndpoint) else ()), path, value)
        for action in actions
        if isinstance(action, PatchProject | PatchEndpoint)
        for path, value in action.companions
    )


def _gone(planned: TenantPlan) -> Turn:
    deletions = tuple(action for action in planned.actions if isinstance(action, DeleteProject))
    if deletions:  # the deletion itself reports that it was gone
        others = dict.fromkeys((action for action in planned.actions if action not in deletions), GONE)
        return Turn(replace(planned, actions=deletions), others)
    project = planned.project
    place = f"project {project.id} in organization {project.organization}" if project else "the project"
    return Turn(planned, halt=Halt(f"{place} no longer exists"))


def _refusal(action: Action, refused: Iterable[Refusal]) -> Refusal | None:
    paths = {change.path for change in action.changes}
    for refusal in refused:
        for held in refusal.actions:
            of_tenant = held.tenant == action.tenant and held.kind == action.kind
            if of_tenant and (not paths or paths & {change.path for change in held.changes}):
                return refusal
    return None


def _is_known(action: Action, now: LiveProject) -> bool:
    """Whether the project shows if the object of a deletion still exists."""
    match action:
        case DeleteBranch():
            return now.branches is not None
        case DeleteSnapshot():
            return now.snapshots is not None
        case _:
            return True


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
    differences = ", ".join((*moved, *values, *things))
    return f"changed since the plan was made: {differences or 'other actions are needed now'}"


def _fields(project: LiveProject) -> dict[str, Value]:
    return {**project_fields(project), **dict(_below(project))}


def _below(project: LiveProject) -> Iterator[tuple[str, Value]]:
    names = project.branch_names
    for branch in project.branches or ():
        yield f"branch {branch.name}", branch.id
        yield f"expires_at of branch {branch.name}", rfc3339(branch.expires_at) if branch.expires_at else None
    for snapshot in project.snapshots or ():
        yield f"snapshot {snapshot.name}", snapshot.id
    for endpoint in project.endpoints or ():
        of_branch = f"branch {names.get(endpoint.branch_id, endpoint.branch_id)}"
        for path, value in members(endpoint.compute).items():
            yield f"{path} of {of_branch}", value
