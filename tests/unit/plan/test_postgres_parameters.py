"""Postgres parameters: what is stated changes and the rest stays, of a project's defaults and of a compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.selection import Reach
from reconciler.desired.tenant import Overrides
from reconciler.model.compute import Compute
from reconciler.model.values import JsonText, replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import CreateProject, PatchProject
from reconciler.plan.change import Risk
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_COMPUTE,
    FREE_TIER,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Json
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan

PATH = "compute.pg_settings"


def tuned(**parameters: str) -> Compute:
    return replace(FREE_COMPUTE, pg_settings=JsonText.of(dict(parameters)) if parameters else None)


def fleet(**tier: str) -> DesiredState:
    return fleet_of(None, **tier)


def fleet_of(own: Compute | None, /, **tier: str) -> DesiredState:
    """What the tenant's own file states beside its tier."""
    stated = a_tenant(overrides=Overrides(compute=own))
    return a_fleet(stated, tiers=(replace(FREE_TIER, compute=tuned(**tier)), PRO_TIER))


def live(compute: Compute, at_work: Compute | None = None, **settings: Json) -> LiveProject:
    endpoint = an_endpoint(compute=at_work or compute, other_settings=settings)
    return a_project(compute=compute, branches=(a_branch(),), endpoints=(endpoint,))


def changes(action: Action) -> list[tuple[str, object, object, bool]]:
    return [
        (c.path, getattr(c.before, "value", None), getattr(c.after, "value", None), c.lowering)
        for c in action.changes
    ]


def guarded(now: DesiredState, project: LiveProject, before: DesiredState) -> Plan:
    view, history = a_view(project), History(before)
    return guarded_plan(now, view, history=history)


@pytest.mark.parametrize(
    ("before", "stated", "after", "takes"),
    [
        ({}, {"work_mem": "8MB"}, {"work_mem": "8MB"}, False),
        ({"work_mem": "4MB"}, {"work_mem": "8MB"}, {"work_mem": "8MB"}, True),
        ({"jit": "off"}, {"work_mem": "8MB"}, {"jit": "off", "work_mem": "8MB"}, False),
        ({"jit": "off", "work_mem": "4MB"}, {"work_mem": "8MB"}, {"jit": "off", "work_mem": "8MB"}, True),
    ],
)
def test_a_stated_parameter_changes_and_the_others_are_sent_as_they_are(
    before: dict[str, str], stated: dict[str, str], after: dict[str, str], takes: bool
) -> None:
    endpoint, project = make_plan(fleet(**stated), a_view(live(tuned(**before)))).actions
    assert isinstance(endpoint, PatchEndpoint)
    assert isinstance(project, PatchProject)
    assert changes(endpoint) == changes(project) == [(PATH, before or None, after, takes)]
    assert (endpoint.risk, project.risk) == (Risk.DISRUPTIVE, Risk.SAFE)


def test_what_is_as_stated_beside_other_parameters_is_left_alone() -> None:
    project = live(tuned(work_mem="8MB", jit="off"))
    assert make_plan(fleet(work_mem="8MB"), a_view(project)).empty
    assert make_plan(fleet(), a_view(project)).empty


def test_the_tenants_own_parameters_replace_the_tiers_one_by_one() -> None:
    own = Compute(pg_settings=JsonText.of({"work_mem": "8MB"}))
    stated = fleet_of(own, work_mem="4MB", jit="off")
    project = live(tuned(work_mem="8MB", jit="off"))
    assert make_plan(stated, a_view(project)).empty


def test_a_patch_of_sizes_keeps_the_parameters_of_the_project_and_of_its_compute() -> None:
    small = replace(tuned(jit="off"), max_cu=1)
    endpoint, project = make_plan(fleet(), a_view(live(small))).actions
    assert isinstance(endpoint, PatchEndpoint)
    assert isinstance(project, PatchProject)
    assert dict(project.companions)[PATH] == JsonText.of({"jit": "off"})
    assert PATH not in dict(endpoint.companions), "it has a place of its own in the request"


def test_other_settings_of_a_compute_are_sent_along_with_its_parameters() -> None:
    libraries: Json = {"enabled_libraries": ["pg_cron"]}
    endpoint, _ = make_plan(fleet(jit="off"), a_view(live(tuned(), preload_libraries=libraries))).actions
    assert isinstance(endpoint, PatchEndpoint)
    assert dict(endpoint.companions)["endpoint.settings.preload_libraries"] == JsonText.of(libraries)
    small = replace(tuned(), max_cu=1)
    endpoint, _ = make_plan(fleet(), a_view(live(small, preload_libraries=libraries))).actions
    assert isinstance(endpoint, PatchEndpoint)
    assert "endpoint.settings.preload_libraries" not in dict(endpoint.companions)


def test_the_compute_of_a_new_project_gets_them_too() -> None:
    create, endpoint = make_plan(fleet(jit="off"), a_view()).actions
    assert isinstance(create, CreateProject)
    assert PATH in {change.path for change in create.changes}
    assert isinstance(endpoint, PatchEndpoint)
    assert changes(endpoint) == [(PATH, None, {"jit": "off"}, False)]
    assert endpoint.risk is Risk.SAFE, "nobody is connected yet"
    assert [type(action) for action in make_plan(fleet(), a_view()).actions] == [CreateProject]


def test_a_value_that_was_set_by_hand_is_replaced_only_where_a_commit_asks_for_it() -> None:
    by_hand = live(tuned(work_mem="64MB"))
    held = guarded(fleet(work_mem="8MB"), by_hand, before=fleet(work_mem="8MB"))
    assert held.empty
    assert [refusal.rule for refusal in held.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
    assert not guarded(fleet(work_mem="8MB"), by_hand, before=fleet(work_mem="64MB")).empty


def test_a_parameter_that_is_no_longer_stated_stays_and_is_reported() -> None:
    project = live(tuned(work_mem="8MB", jit="off"))
    before = fleet(work_mem="8MB", jit="off")
    one = guarded(fleet(work_mem="8MB"), project, before=before)
    both = guarded(fleet(), project, before=before)
    assert one.empty
    assert both.empty
    assert [(kept.path, kept.live) for kept in one.unmanaged] == [(f"{PATH}.jit", ((f"{PATH}.jit", "off"),))]
    assert [(kept.path, kept.live) for kept in both.unmanaged] == [
        (PATH, ((PATH, JsonText.of({"work_mem": "8MB", "jit": "off"})),))
    ]


def test_a_project_is_read_by_itself_where_a_list_shows_no_parameters() -> None:
    listed = replace(live(tuned()), consumption=None)
    look = PlanRequirements(reach=Reach(small_fleet=0))
    assert look.details(fleet(jit="off"), a_view(listed)).projects == ("p-acme",)
    assert look.details(fleet(), a_view(listed)).projects == ()


def test_they_are_counted_where_no_file_states_them() -> None:
    project = live(tuned(work_mem="8MB", jit="off"))
    assert make_plan(fleet(work_mem="8MB"), a_view(project)).coverage.tuned_computes == 1
    assert make_plan(fleet(work_mem="8MB", jit="off"), a_view(project)).coverage.tuned_computes == 0
