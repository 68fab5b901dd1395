"""Properties of planning over generated fleets: total, deterministic, convergent, modest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.naming import Naming
from reconciler.desired.policy import Policy
from reconciler.desired.selection import Reach
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan import in_sync, needs, tenant_planner
from reconciler.plan.actions.project import CreateProject, DeleteProject, RecoverProject
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from reconciler.plan.identity import identify
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import a_fleet, a_pro_project, a_tenant, a_view, guarded_plan, make_plan, reordered
from tests.property.fleets import desired_states, recoveries, views
from tests.property.model import adopted, carried_out

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject, Needs
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

EVERYTHING = Permissions(
    lowering=True, counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
)


def planned(desired: DesiredState, live: LiveState, permissions: Permissions = EVERYTHING) -> Plan:
    return guarded_plan(desired, live, permissions, prune=permissions.prune)


@given(desired_states(), views())
def test_planning_is_total_and_the_order_of_what_was_seen_changes_nothing(
    desired: DesiredState, live: LiveState
) -> None:
    backwards = reordered(live, live.projects[::-1])
    shuffled = replace(desired, tenants=dict(reversed(list(desired.tenants.items()))))
    ours, theirs = planned(desired, live), planned(shuffled, backwards)
    assert ours.tenants == theirs.tenants
    assert ours.budget == theirs.budget
    assert {r.rule for r in ours.refusals} == {r.rule for r in theirs.refusals}


@given(desired_states(), views())
def test_what_a_plan_promises_leaves_nothing_to_plan_but_the_same_refusals(
    desired: DesiredState, live: LiveState
) -> None:
    live = adopted(planned(desired, live), desired, live)
    before = planned(desired, live)
    after = planned(desired, carried_out(before, desired, live))
    assert after.empty, list(after.actions)
    suspended = [(Rule.CANNOT_CONNECT, (name,)) for name in suspended_by(before, desired)]
    refused = [(r.rule, r.tenants) for r in before.refusals]
    left = [(r.rule, r.tenants) for r in after.refusals]
    assert [each for each in left if each in refused or each not in suspended] == refused
    assert [c.tenant for c in after.conflicts] == [c.tenant for c in before.conflicts]


def suspended_by(plan: Plan, desired: DesiredState) -> list[str]:
    """Tenants whose quota the plan reduces, and whose files accept that Neon suspends them for it."""
    reduced = ((tenant.tenant, change) for tenant in plan.tenants for a in tenant.actions for change in a.changes)
    names = {name for name, change in reduced if change.lowering and change.path.startswith("quota.")}
    return sorted(name for name in names if desired.tenants[name].accept.suspension)


@given(desired_states(), views())
def test_a_project_that_only_a_name_finds_is_marked_and_left_alone(desired: DesiredState, live: LiveState) -> None:
    """Whatever is permitted: what differs of it is not done, and it is marked where that is possible."""
    plan = planned(desired, live)
    for tenant in plan.tenants:
        if tenant.project is not None and not tenant.project.annotations:
            declared = desired.tenants[tenant.tenant]
            told = tenant.project.id in (declared.project_id, declared.recover)
            assert told or [action.kind for action in tenant.actions] == ["adopt_project"]


@given(desired_states(), views())
def test_without_a_cause_nothing_is_taken_from_anybody(desired: DesiredState, live: LiveState) -> None:
    careful = replace(desired, policy=Policy())
    plan = planned(careful, live, Permissions(counts=EVERYTHING.counts))
    assert not [action for action in plan.actions if action.lowering]


@given(desired_states(), views())
def test_a_plan_speaks_of_declared_tenants_only_and_deletes_tombstones_only(
    desired: DesiredState, live: LiveState
) -> None:
    plan = planned(desired, live)
    for action in plan.actions:
        assert action.tenant in desired.tenants
        assert isinstance(action, DeleteProject) == desired.tenants[action.tenant].absent


@given(desired_states(), views(), st.data())
def test_no_compute_range_becomes_invalid(desired: DesiredState, live: LiveState, data: st.DataObject) -> None:
    """Whatever the guards hold back, the two ends of a size stay in order."""
    permissions = data.draw(st.sampled_from([EVERYTHING, Permissions(counts=EVERYTHING.counts)]))
    after = carried_out(planned(desired, live, permissions), desired, live)
    for project in after.projects:
        size = project.compute or Compute()
        if size.min_cu is not None and size.max_cu is not None:
            assert size.min_cu <= size.max_cu


@given(desired_states().flatmap(recoveries))
def test_only_what_a_file_names_is_recovered_and_never_replaced_by_a_new_project(
    both: tuple[DesiredState, LiveState],
) -> None:
    """An id that cannot be brought back is a conflict; once it is back, normal planning comes to its end."""
    desired, live = both
    plan = planned(desired, live)
    for planned_tenant in plan.tenants:
        asked = desired.tenants[planned_tenant.tenant].recover
        for action in planned_tenant.actions:
            assert not (isinstance(action, CreateProject) and asked)
            if isinstance(action, RecoverProject):
                assert action.project_id == asked
                assert live.project(action.project_id) is None
                assert planned_tenant.actions == (action,)
    back = carried_out(plan, desired, live)
    back = adopted(planned(desired, back), desired, back)
    settled = carried_out(planned(desired, back), desired, back)
    assert planned(desired, settled).empty


@given(desired_states().flatmap(recoveries))
def test_what_was_deleted_changes_nothing_for_tenants_that_do_not_ask_for_it(
    both: tuple[DesiredState, LiveState],
) -> None:
    desired, live = both
    forgetful = replace(live, deleted={})
    silent = replace(
        desired, tenants={name: replace(tenant, recover=None) for name, tenant in desired.tenants.items()}
    )
    assert planned(silent, live).tenants == planned(silent, forgetful).tenants


LISTED: Final = ("organization", "name", "quota", "compute", "restore_window_seconds", "settings", "endpoints")


def as_listed(tenant: Tenant, desired: DesiredState, differing: str | None = None) -> LiveProject:
    """A project as a list shows it, with the values that its tenant declares, apart from one."""
    other = a_pro_project(tenant.name, settings={"hipaa": True}, endpoints=())
    settings = desired.settings(replace(tenant, project_id=None))
    declared: dict[str, Any] = {"name": settings.project_name, "settings": {}, "endpoints": None}
    values: dict[str, Any] = {
        name: declared.get(name, getattr(settings, name, None)) for name in LISTED if name != differing
    }
    return replace(other, branches=None, snapshots=None, consumption=None, **values)


@given(
    desired_states(at_least=2), desired_states(at_least=2), st.sampled_from(("none", "same", "other")), st.data()
)
def test_the_quick_answer_about_a_tenant_agrees_with_the_whole_comparison(
    desired: DesiredState, other: DesiredState, base: str, data: st.DataObject
) -> None:
    plain = {name: a_tenant(name, tenant.tier) for name, tenant in desired.tenants.items()}
    usual = {name: tenant for name, tenant in plain.items() if data.draw(st.booleans())}
    desired = replace(desired, tenants={**desired.tenants, **usual})
    differing = st.sampled_from((None, *LISTED))
    live = a_view(*(as_listed(tenant, desired, data.draw(differing)) for tenant in desired.tenants.values()))
    history = {"none": History(), "same": History(desired), "other": History(other)}[base].under(desired)

    def found() -> tuple[Needs, Plan]:
        asked = PlanRequirements(reach=Reach(small_fleet=0), history=history)
        return asked.details(desired, live), make_plan(desired, live, history=history)

    quick = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(needs, "nothing_to_read", lambda *_: False)
        patch.setattr(needs, "settled", lambda *_: {})
        patch.setattr(in_sync, "settled", lambda *_: {})
        patch.setattr(tenant_planner, "as_declared", lambda *_: False)
        assert found() == quick


@given(st.lists(desired_states(at_least=2), min_size=4, max_size=4), st.data())
def test_the_quick_answers_about_earlier_files_agree_with_those_about_each_tenant(
    states: list[DesiredState], data: st.DataObject
) -> None:
    desired, *others = states
    names = sorted(desired.tenants)
    some = st.frozensets(st.sampled_from(names))
    kept = {name: desired.tenants[name] for name in data.draw(some)}
    partly = replace(desired, tenants={**others[0].tenants, **kept})
    earlier = st.sampled_from((desired, replace(desired), replace(desired, tenants=kept), partly, *others))
    history = History(
        data.draw(st.none() | earlier),
        data.draw(st.none() | earlier),
        owed={name: data.draw(st.none() | earlier.map(Baseline)) for name in data.draw(some)},
        tried={name: (Baseline(data.draw(earlier)),) for name in data.draw(some)},
        uncommitted=data.draw(some),
    )
    may_differ = history.may_differ(desired)
    differing = {name for name, tenant in desired.tenants.items() if not history.same(desired, tenant)}
    assert may_differ is None or differing <= {*may_differ}
    assert history.new_among(names) == {name for name in names if history.new(name)}


@pytest.mark.parametrize("earlier", ["owed", "tried", "uncommitted", "documents"])
def test_a_tenant_with_earlier_files_of_its_own_may_differ(earlier: str) -> None:
    desired = a_fleet(a_tenant("acme"), a_tenant("birch"))
    without = Baseline(replace(desired, tenants={"birch": desired.tenants["birch"]}))
    history = {
        "owed": History(desired, owed={"acme": without}),
        "tried": History(desired, tried={"acme": (without,)}),
        "uncommitted": History(desired, uncommitted=frozenset({"acme"})),
        "documents": History(desired, files=desired, documents=frozenset({"acme"})),
    }[earlier]
    assert history.may_differ(desired) == {"acme"}
    assert not history.same(desired, desired.tenants["acme"])
    assert history.new_among(desired.tenants) == ({"acme"} if earlier == "owed" else set())


@pytest.mark.parametrize("forked", [False, True])
def test_only_tenants_of_changed_files_may_differ(forked: bool) -> None:
    tenants = {name: a_tenant(name) for name in ("acme", "birch", "cedar")}
    before = replace(a_fleet(), tenants=tenants)
    now = replace(before, tenants={**tenants, "birch": a_tenant("birch", "pro"), "elder": a_tenant("elder")})
    history = History(before, before if forked else None)
    assert history.may_differ(now) == {"birch", "elder"}
    assert not history.may_differ(before)


def test_the_quick_answer_is_a_yes_for_a_tenant_as_most_are() -> None:
    desired = a_fleet(a_tenant("acme"))
    [tenant] = desired.tenants.values()
    listed = as_listed(tenant, desired)
    assert in_sync.nothing_to_read(desired, History(desired), tenant, listed)
    assert in_sync.settled(desired, History(desired), identify(desired, a_view(listed))) == {"acme": listed}


@pytest.mark.parametrize(
    "earlier", ["the fork", "a commit that was tried", "other tiers", "other names", "uncommitted"]
)
def test_a_tenant_of_whom_earlier_files_say_otherwise_is_not_settled(earlier: str) -> None:
    desired = a_fleet(a_tenant("acme", "pro"))
    before = replace(desired, tenants={"acme": a_tenant("acme", "free")})
    pro = replace(desired.tiers["pro"], protected=True)
    history = {
        "the fork": History(desired, before),
        "a commit that was tried": History(desired, tried={"acme": (Baseline(before),)}),
        "other tiers": History(replace(desired, tiers={**desired.tiers, "pro": pro})),
        "other names": History(replace(desired, naming=Naming("x-{tenant}"))),
        "uncommitted": History(desired, uncommitted=frozenset({"acme"}), creating={"acme": "r1"}),
    }[earlier]
    identities = identify(desired, a_view(as_listed(desired.tenants["acme"], desired)))
    assert in_sync.settled(desired, History(desired), identities)
    assert not in_sync.settled(desired, history, identities)


def test_a_settled_tenant_with_a_second_project_is_looked_at() -> None:
    desired = a_fleet(a_tenant("acme"))
    [tenant] = desired.tenants.values()
    first = as_listed(tenant, desired)
    second = replace(first, id="p-second", name=f"{first.name}-duplicate-r2")
    asked = PlanRequirements(reach=Reach(small_fleet=0), history=History(desired))
    assert first.id in asked.details(desired, a_view(first, second)).branches
