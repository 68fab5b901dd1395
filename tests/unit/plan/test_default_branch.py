"""Another branch that somebody made the default one: a conflict, and nothing is written to either."""

from __future__ import annotations

import pytest

from reconciler.desired.tenant import DevBranch, Overrides, Pins, Snapshot
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.actions.snapshot import CreateSnapshot
from tests.harness.builders import a_branch, a_fleet, a_project, a_tenant, a_view, an_endpoint, make_plan

FIRST = a_branch(default=False)
OTHER = a_branch(id="br-x", name="preview", parent_id="br-p-acme", annotations={})
OURS = replace(
    OTHER,
    annotations=branch_annotations(
        fleet="prod", tenant="acme", run="r0", branch="preview", purpose=Purpose.DEV_BRANCH
    ),
)
UNMARKED = replace(FIRST, annotations={})
COMPUTES = (an_endpoint(), an_endpoint(id="ep-x", branch_id="br-x"))


@pytest.mark.parametrize(
    "branches",
    [
        pytest.param((FIRST, OTHER), id="a child"),
        pytest.param((FIRST, OURS), id="a declared branch"),
        pytest.param((FIRST, replace(OTHER, parent_id=None)), id="a root branch"),
        pytest.param((UNMARKED, OTHER), id="in a project without annotations"),
        pytest.param((replace(FIRST, name="primary"), OTHER), id="and the first one was renamed"),
    ],
)
def test_is_a_conflict_and_nothing_is_written(branches: tuple[object, ...]) -> None:
    tenant = a_tenant(
        dev_branches=(DevBranch("preview"), DevBranch("new")),
        snapshots=(Snapshot("v1"),),
        overrides=Overrides(compute=Compute(max_cu=1)),
        project_id="p-acme",
    )
    plan = make_plan(a_fleet(tenant), a_view(a_project(branches=branches, endpoints=COMPUTES)))
    assert plan.empty
    assert not plan.refusals
    (conflict,) = plan.conflicts
    assert "'preview' is now the default branch of project p-acme; it was " in conflict.message
    assert "make " in conflict.remedy


@pytest.mark.parametrize(
    "branches",
    [
        pytest.param((a_branch(),), id="as it was made"),
        pytest.param((a_branch(name="production"),), id="renamed"),
        pytest.param((a_branch(name="production"), replace(OTHER, name="main", default=False)), id="name reused"),
        pytest.param(
            (replace(FIRST, name="main (old)"), replace(UNMARKED, id="br-y", default=True)), id="restored"
        ),
        pytest.param(
            (replace(FIRST, name="before"), replace(UNMARKED, id="br-y", default=True)), id="kept as before"
        ),
        pytest.param((replace(FIRST, name="app (old)"), replace(OTHER, name="app")), id="restored, other name"),
        pytest.param((replace(FIRST, name="former"), replace(OTHER, name="main")), id="kept on purpose"),
        pytest.param((replace(UNMARKED, default=True, name="app"),), id="adopted"),
    ],
)
def test_the_default_branch_is_the_one_that_it_was(branches: tuple[object, ...]) -> None:
    plan = make_plan(a_fleet(a_tenant(project_id="p-acme")), a_view(a_project(branches=branches, endpoints=None)))
    assert not plan.conflicts


def test_a_tombstone_asks_for_no_default_branch() -> None:
    tombstone = a_tenant(absent=True, project_id="p-acme")
    plan = make_plan(a_fleet(tombstone), a_view(a_project(branches=(FIRST, OTHER))))
    assert [action.kind for action in plan.actions] == ["delete_project"]


def test_has_the_name_that_the_tenant_pins() -> None:
    tenant = a_tenant(pins=Pins(branch="production"), snapshots=(Snapshot("v1"),))
    create, snapshot = make_plan(a_fleet(tenant), a_view()).actions
    assert isinstance(create, CreateProject)
    assert [change.after for change in create.changes if change.path == "branch"] == ["production"]
    assert isinstance(snapshot, CreateSnapshot)
    assert snapshot.branch == "production", "what builds on the creation knows it"


def test_that_is_pinned_is_the_one_that_another_took_the_place_of() -> None:
    pinned = replace(UNMARKED, name="production")
    project = a_project(branches=(pinned, replace(OTHER, name="main", default=True)), endpoints=COMPUTES)
    (conflict,) = make_plan(a_fleet(a_tenant(pins=Pins(branch="production"))), a_view(project)).conflicts
    assert "'main' is now the default branch of project p-acme; it was 'production'" in conflict.message
