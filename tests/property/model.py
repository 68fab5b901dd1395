"""A model of Neon for planning: what the live state is once a plan's actions have been carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from reconciler.live.project import Compute, LiveProject, Quota
from reconciler.plan import ownership
from reconciler.plan.action import CreateProject, DeleteProject, PatchEndpoint, PatchProject, TransferProject
from reconciler.plan.change import JsonText
from tests.builders import a_branch, a_project, a_view, an_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.change import Value
    from reconciler.plan.plan import Plan


def carried_out(plan: Plan, desired: DesiredState, live: LiveState) -> LiveState:
    """The live state after every action. Patches replace whole groups, as Neon may."""
    projects: dict[str, LiveProject] = {project.id: project for project in live.projects}
    for tenant in plan.tenants:
        project = tenant.project
        for action in tenant.actions:
            project = _carry_out(action, project, desired)
        if tenant.project is not None:
            del projects[tenant.project.id]
        if project is not None:
            projects[project.id] = project
    return a_view(*projects.values())


def _carry_out(action: Action, project: LiveProject | None, desired: DesiredState) -> LiveProject | None:
    values = {change.path: change.after for change in action.changes}
    if isinstance(action, CreateProject):
        return _created(action, values, desired)
    assert project is not None
    match action:
        case TransferProject():
            assert project.organization == action.origin
            return replace(project, organization=action.destination)
        case PatchProject():
            return _patched(project, {**dict(action.companions), **values})
        case PatchEndpoint():
            (endpoint,) = project.endpoints or ()
            compute = _compute({**dict(action.companions), **values})
            return replace(project, endpoints=(replace(endpoint, compute=compute),))
        case DeleteProject():
            return None
        case _:
            assert_never(action)


def _created(action: CreateProject, values: Mapping[str, Value], desired: DesiredState) -> LiveProject:
    project_id = f"p-new-{action.tenant}"
    compute = _compute(values) if "compute.min_cu" in values else Compute(0.25, 0.25, 300)
    annotations = ownership.creation_annotations(fleet=desired.fleet, tenant=action.tenant, run="r1")
    blank = a_project(
        id=project_id,
        name=values["name"],
        organization=action.organization,
        quota=Quota(),
        compute=compute,
        branches=(a_branch(project_id, annotations=annotations),),
        endpoints=(an_endpoint(project_id, compute),),
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


def _compute(values: Mapping[str, Value]) -> Compute:
    members: dict[str, Any] = {
        p.removeprefix("compute."): v for p, v in values.items() if p.startswith("compute.")
    }
    assert len(members) == 3, "all three members of a compute travel together"
    return Compute(**members)
