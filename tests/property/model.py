"""A model of Neon for planning: what the live state is once a plan's actions have been carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

from reconciler.desired.settings import override_compute
from reconciler.live.project import DeletedProject, LiveBranch, LiveEndpoint, LiveProject, LiveSnapshot
from reconciler.model.annotations import adoption_annotations, branch_annotations, creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.database import Database
from reconciler.model.quota import Quota
from reconciler.model.values import JsonText, replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch, ResetBranch, ResetPassword
from reconciler.plan.actions.compute import CreateReplica, DeleteReplica, PatchEndpoint, SuspendCompute
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase
from reconciler.plan.actions.project import (
    AdoptProject,
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.actions.restore import FinalizeRestore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot, PreviewSnapshot
from tests.harness.builders import NOON, a_branch, a_project, a_view, an_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan


Content: TypeAlias = CreateRole | CreateDatabase | PatchDatabase | DeleteDatabase | DeleteRole
Below: TypeAlias = (
    Content
    | PatchEndpoint
    | SuspendCompute
    | CreateReplica
    | DeleteReplica
    | CreateBranch
    | PatchBranch
    | ResetBranch
    | DeleteBranch
    | CreateSnapshot
    | DeleteSnapshot
)


FIRST: Final = (Database("neondb", "neondb_owner"),)
"""What comes with a project."""


def carried_out(plan: Plan, desired: DesiredState, live: LiveState) -> LiveState:
    """The live state after every action. Patches replace whole groups, as Neon may."""
    projects: dict[str, LiveProject] = {project.id: project for project in live.projects}
    for tenant in plan.tenants:
        project = tenant.project
        for action in tenant.actions:
            project = _carry_out(action, project, desired)
            _check_limits(project, tenant.project, desired)
        if tenant.project is not None:
            projects.pop(tenant.project.id, None)
        if project is not None:
            projects[project.id] = project
    return a_view(*projects.values(), deleted=_still_deleted(live, projects))


def adopted(plan: Plan, desired: DesiredState, live: LiveState) -> LiveState:
    """The live state once the projects that only a name finds are marked, and nothing else is done."""
    adoptions = (planned for planned in plan.tenants if isinstance(planned.actions[0], AdoptProject))
    return carried_out(replace(plan, tenants=tuple(adoptions)), desired, live)


def _still_deleted(live: LiveState, alive: Mapping[str, LiveProject]) -> dict[str, tuple[DeletedProject, ...]]:
    return {
        organization: tuple(one for one in deleted if one.project.id not in alive)
        for organization, deleted in live.deleted.items()
    }


def _check_limits(project: LiveProject | None, before: LiveProject | None, desired: DesiredState) -> None:
    """Nothing goes beyond a limit, even in between; a project that was beyond it before may still be."""
    if project is None:
        return
    limits = desired.organizations[project.organization].limits
    arrived = before is None or before.organization != project.organization
    for limit, now, then in (
        (limits.branches, _branches(project), _branches(before)),
        (limits.snapshots, _manual_snapshots(project), _manual_snapshots(before)),
    ):
        assert limit is None or now <= (limit if arrived else max(limit, then))


def _branches(project: LiveProject | None) -> int:
    return len((project.branches if project else None) or ())


def _manual_snapshots(project: LiveProject | None) -> int:
    return sum(snapshot.manual for snapshot in (project.snapshots if project else None) or ())


def _carry_out(action: Action, project: LiveProject | None, desired: DesiredState) -> LiveProject | None:
    if isinstance(action, CreateProject):
        return _created(action, desired)
    assert project is not None
    match action:
        case RecoverProject():
            assert project.id == action.project_id
            return recovered(project)
        case AdoptProject():
            assert project.id == action.project_id
            return _adopted(project, action, desired.fleet)
        case TransferProject():
            assert project.organization == action.origin
            return replace(project, organization=action.destination)
        case PatchProject():
            return _patched(project, {**dict(action.companions), **_values(action)})
        case DeleteProject():
            return None
        case DeleteDuplicate():
            assert project.id == action.first_id
            return project
        case RestoreBranch() | RestoreSnapshot() | PreviewSnapshot() | FinalizeRestore():
            raise AssertionError("no file asks for it")
        case ResetPassword():
            return project
        case _:
            return _carry_out_below(action, project, desired.fleet)


def _carry_out_below(  # noqa: C901 - one case for each action
    action: Below, project: LiveProject, fleet: str
) -> LiveProject:
    match action:
        case PatchEndpoint():
            return _resized(project, action)
        case SuspendCompute():
            return _suspended(project, action)
        case CreateReplica():
            return _with_replica(project, action)
        case DeleteReplica():
            assert project.compute_of(_named(project, action.branch).id, action.replica) is not None
            endpoints = tuple(e for e in project.endpoints or () if e.id != action.endpoint_id)
            return replace(project, endpoints=endpoints)
        case CreateBranch():
            return _branched(project, action, fleet)
        case PatchBranch():
            return replace(project, branches=tuple(_mended(branch, action) for branch in project.branches or ()))
        case ResetBranch():
            reset = replace(project, branches=tuple(_reset(branch, action) for branch in project.branches or ()))
            return _with_contents_of(reset, _named(project, action.parent).id, action.branch_id)
        case CreateRole() | CreateDatabase() | PatchDatabase() | DeleteDatabase() | DeleteRole():
            return _refilled(project, action)
        case DeleteBranch():
            return _pruned(project, action)
        case CreateSnapshot():
            return _saved(project, action)
        case DeleteSnapshot():
            live = project.snapshots or ()
            return replace(project, snapshots=tuple(s for s in live if s.id != action.snapshot_id))
        case _:
            assert_never(action)


def _reset(branch: LiveBranch, action: ResetBranch) -> LiveBranch:
    return replace(branch, reset_at=NOON) if branch.id == action.branch_id else branch


def recovered(project: LiveProject) -> LiveProject:
    """The project with what was below it when it was deleted: a default branch and its compute."""
    compute = project.compute or Compute()
    return replace(
        project,
        branches=(a_branch(project.id),),
        endpoints=(an_endpoint(project.id, compute),),
        snapshots=(),
    )


def _adopted(project: LiveProject, action: AdoptProject, fleet: str) -> LiveProject:
    notes = adoption_annotations(fleet=fleet, tenant=action.tenant, run="r1", branch=action.branch)
    mark = a_branch(
        id=f"br-mark-{project.id}",
        name=action.branch,
        default=False,
        parent_id=_named(project, action.parent).id,
        annotations=notes,
        created_at=NOON,
    )
    return replace(project, branches=(*(project.branches or ()), mark))


def _values(action: Action) -> dict[str, Value]:
    return {change.path: change.after for change in action.changes}


def _pruned(project: LiveProject, action: DeleteBranch) -> LiveProject:
    assert not any(branch.parent_id == action.branch_id for branch in project.branches or ()), "children first"
    return replace(
        project,
        branches=tuple(branch for branch in project.branches or () if branch.id != action.branch_id),
        endpoints=tuple(e for e in project.endpoints or () if e.branch_id != action.branch_id),
    )


def _resized(project: LiveProject, action: PatchEndpoint) -> LiveProject:
    branch = _named(project, action.branch)
    values = {**dict(action.companions), **_values(action)}
    return replace(
        project,
        endpoints=tuple(
            replace(endpoint, compute=_compute({**_parameters(endpoint.compute), **values}))
            if endpoint == project.compute_of(branch.id, action.replica)
            else endpoint
            for endpoint in project.endpoints or ()
        ),
    )


def _with_replica(project: LiveProject, action: CreateReplica) -> LiveProject:
    branch = _named(project, action.branch)
    assert project.compute_of(branch.id, action.replica) is None
    made = override_compute(project.compute, action.compute)
    assert made is not None
    replica = LiveEndpoint(f"ep-{action.replica}", branch.id, "read_only", made, active=True, name=action.replica)
    return replace(project, endpoints=(*(project.endpoints or ()), replica))


def _suspended(project: LiveProject, action: SuspendCompute) -> LiveProject:
    endpoints = project.endpoints or ()
    assert any(endpoint.id == action.endpoint_id for endpoint in endpoints)
    return replace(
        project,
        endpoints=tuple(replace(e, active=e.active and e.id != action.endpoint_id) for e in endpoints),
    )


def _branched(project: LiveProject, action: CreateBranch, fleet: str) -> LiveProject:
    assert all(branch.name != action.branch for branch in project.branches or ()), "names are unique"
    notes = branch_annotations(
        fleet=fleet, tenant=action.tenant, run="r1", branch=action.branch, purpose=action.purpose
    )
    branch = a_branch(
        id=f"br-new-{action.branch}",
        name=action.branch,
        default=False,
        parent_id=None if action.schema_only else _named(project, action.parent).id,
        annotations=notes,
        created_at=NOON,
        expires_at=action.expires_at,
        protected=action.protected,
    )
    endpoint = an_endpoint(compute=action.compute or Compute(), id=f"ep-{branch.id}", branch_id=branch.id)
    made = (endpoint,) if action.with_compute else ()
    grown = replace(
        project, branches=(*(project.branches or ()), branch), endpoints=(*(project.endpoints or ()), *made)
    )
    return _with_contents_of(grown, _named(project, action.parent).id, branch.id)


def _with_contents_of(project: LiveProject, parent_id: str, branch_id: str) -> LiveProject:
    """A branch has the roles and databases of its parent, which may not have been read: then its first ones."""
    return replace(
        project,
        roles={**project.roles, branch_id: project.roles.get(parent_id, ("neondb_owner",))},
        databases={**project.databases, branch_id: project.databases.get(parent_id, FIRST)},
    )


def _refilled(project: LiveProject, action: Content) -> LiveProject:
    """As Postgres would have it: names are unique, an owner exists, and no owner of a database is deleted."""
    branch = _named(project, action.branch).id
    roles, databases = project.roles.get(branch, ("neondb_owner",)), project.databases.get(branch, FIRST)
    owned = {database.name: database.owner for database in databases}
    match action:
        case CreateRole():
            assert action.role not in roles, "names are unique"
            roles = (*roles, action.role)
        case DeleteRole():
            assert action.role in roles
            assert action.role not in owned.values(), "an owner stays"
            roles = tuple(role for role in roles if role != action.role)
        case CreateDatabase():
            assert action.database not in owned, "names are unique"
            assert action.owner in roles
            databases = (*databases, Database(action.database, action.owner))
        case PatchDatabase():
            assert action.owner in roles
            assert owned[action.database] != action.owner
            others = (database for database in databases if database.name != action.database)
            databases = (*others, Database(action.database, action.owner))
        case DeleteDatabase():
            assert action.database in owned
            databases = tuple(database for database in databases if database.name != action.database)
        case _:
            assert_never(action)
    return replace(
        project, roles={**project.roles, branch: roles}, databases={**project.databases, branch: databases}
    )


def _mended(branch: LiveBranch, action: PatchBranch) -> LiveBranch:
    if branch.name != action.branch:
        return branch
    expires_at = None if action.expires_no_more else action.expires_at or branch.expires_at
    protected = branch.protected if action.protected is None else action.protected
    assert not (protected and (expires_at is not None)), "Neon: a protected branch does not expire"
    return replace(branch, name=action.rename_to or branch.name, expires_at=expires_at, protected=protected)


def _saved(project: LiveProject, action: CreateSnapshot) -> LiveProject:
    source = _named(project, action.branch)
    assert source.parent_id is None, "Neon takes snapshots of root branches only"
    snapshot = LiveSnapshot(f"snap-new-{action.snapshot}", action.snapshot, source.id, NOON, action.expires_at)
    return replace(project, snapshots=(*(project.snapshots or ()), snapshot))


def _named(project: LiveProject, name: str) -> LiveBranch:
    return next(branch for branch in project.branches or () if branch.name == name)


def _created(action: CreateProject, desired: DesiredState) -> LiveProject:
    values = _values(action)
    project_id = f"p-new-{action.tenant}"
    compute = _compute(values) if "compute.min_cu" in values else Compute(0.25, 0.25, 300)
    annotations = creation_annotations(fleet=desired.fleet, tenant=action.tenant, run="r1")
    blank = a_project(
        id=project_id,
        name=values["name"],
        organization=action.organization,
        quota=Quota(),
        compute=compute,
        branches=(a_branch(project_id, annotations=annotations, created_at=NOON),),
        endpoints=(an_endpoint(project_id, compute),),
        snapshots=(),
        roles={f"br-{project_id}": (values["role"],)},
        databases={f"br-{project_id}": (Database(str(values["database"]), str(values["role"])),)},
    )
    return _patched(blank, values)


def _patched(project: LiveProject, values: Mapping[str, Value]) -> LiveProject:
    fields: dict[str, Any] = {
        path: value for path, value in values.items() if path in ("name", "restore_window_seconds")
    }
    if any(path.startswith("quota.") for path in values):
        members = {p.removeprefix("quota."): v for p, v in values.items() if p.startswith("quota.")}
        assert len(members) == 5, "all five quota members travel together"
        fields["quota"] = Quota(**members)  # type: ignore[arg-type]
    if any(path.startswith("compute.") for path in values):
        fields["compute"] = _compute(values)
    stated = {p.removeprefix("settings."): v.value for p, v in values.items() if isinstance(v, JsonText)}
    return replace(project, **fields, settings={**(project.settings or {}), **stated})


def _parameters(compute: Compute) -> dict[str, Value]:
    """The parameters of a compute, which a patch of its sizes leaves as they are."""
    return {} if compute.pg_settings is None else {"compute.pg_settings": compute.pg_settings}


def _compute(values: Mapping[str, Value]) -> Compute:
    members: dict[str, Any] = {
        p.removeprefix("compute."): v for p, v in values.items() if p.startswith("compute.")
    }
    assert len(members.keys() - {"pg_settings"}) == 3, "all three sizes of a compute travel together"
    return Compute(**members)
