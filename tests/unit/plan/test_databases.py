"""Roles and databases: what is created, given another owner, deleted and left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.selection import Depth
from reconciler.desired.tenant import Accepted, DevBranch, Pins, Reduction, Snapshot
from reconciler.model.database import Database
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, ResetBranch
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.actions.snapshot import CreateSnapshot
from reconciler.plan.change import Origin, Risk
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_TIER,
    NOON,
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
from tests.unit.plan.test_branches import ours

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan

FIRST = Database("neondb", "neondb_owner")
APP, LEGACY = Database("app", "app"), Database("legacy", "app")
MAIN = "br-p-acme"
GONE = "databases.legacy"


def files(*roles: str, databases: tuple[Database, ...] | None = None, **fields: Any) -> DesiredState:
    """A tenant that declares roles, and databases."""
    return a_fleet(a_tenant(roles=roles or None, databases=databases, **fields))


def live(*roles: str, databases: tuple[Database, ...] = (), **fields: Any) -> LiveProject:
    """A project with more than its first role and database."""
    return a_project(
        roles={MAIN: ("neondb_owner", *roles), **fields.pop("roles", {})},
        databases={MAIN: (FIRST, *databases), **fields.pop("databases_of", {})},
        **fields,
    )


def plan(desired: DesiredState, project: LiveProject | None, base: DesiredState | None = None) -> Plan:
    view, history = a_view(*([] if project is None else [project])), History(base)
    return guarded_plan(desired, view, history=history)


def told(actions: Any) -> list[tuple[type, str, Any]]:
    """Kind, branch and name of each action."""
    return [
        (type(one), one.branch, getattr(one, "role", None) or getattr(one, "database", None)) for one in actions
    ]


def test_a_declared_role_comes_before_the_database_that_it_owns() -> None:
    found = plan(files("app", databases=(APP,)), live(), a_fleet(a_tenant()))
    assert told(found.actions) == [(CreateRole, "main", "app"), (CreateDatabase, "main", "app")]
    role, database = found.actions
    assert [(c.path, c.risk, c.origin) for c in role.changes] == [("roles.app", Risk.DISRUPTIVE, Origin.CONFIG)]
    assert [(c.path, c.risk) for c in database.changes] == [("databases.app", Risk.SAFE)]
    assert isinstance(database, CreateDatabase)
    assert database.owner == "app"


def test_what_is_there_needs_nothing() -> None:
    assert plan(files("app", databases=(APP, FIRST)), live("app", databases=(APP,))).empty


def test_a_tenants_lists_are_added_to_those_of_its_tier_and_its_own_database_counts() -> None:
    tier = replace(FREE_TIER, roles=("app", "report"), databases=(APP, LEGACY))
    tenant = a_tenant(roles=("own", "app"), databases=(Database("legacy", "own"),))
    settings = (desired := a_fleet(tenant, tiers=(tier, PRO_TIER))).settings(tenant)
    assert settings.roles == ("app", "report", "own")
    assert settings.databases == (APP, Database("legacy", "own"))
    assert [name for _, _, name in told(plan(desired, live()).actions)] == [
        "app",
        "report",
        "own",
        "app",
        "legacy",
    ]


def test_a_tenant_of_which_no_file_declares_any_is_not_looked_at() -> None:
    assert plan(a_fleet(a_tenant()), live("by_hand")).empty


def test_a_new_project_gets_them_after_its_creation_and_nobody_is_disturbed() -> None:
    desired = files("app", databases=(APP, FIRST), dev_branches=(DevBranch("dev"),))
    found = plan(desired, None)
    kinds = [type(action) for action in found.actions]
    assert kinds == [CreateProject, CreateRole, CreateDatabase, CreateBranch]
    assert all(action.risk is Risk.SAFE for action in found.actions)


def test_the_first_database_and_its_owner_come_with_the_project() -> None:
    desired = files("me", databases=(Database("mine", "me"),), pins=Pins(database="mine", role="me"))
    assert [type(action) for action in plan(desired, None).actions] == [CreateProject]


def test_another_owner_is_patched_where_a_commit_states_it() -> None:
    before, now = files("app", databases=(Database("app", "neondb_owner"),)), files("app", databases=(APP,))
    (patch,) = plan(now, live("app", databases=(Database("app", "neondb_owner"),)), before).actions
    assert isinstance(patch, PatchDatabase)
    assert patch.owner == "app"
    assert [(c.path, c.before, c.after, c.lowering) for c in patch.changes] == [
        ("databases.app.owner", "neondb_owner", "app", True)
    ]


def test_an_owner_that_somebody_changed_is_only_reported() -> None:
    desired = files("app", databases=(APP,))
    found = plan(desired, live("app", databases=(Database("app", "neondb_owner"),)), desired)
    assert found.empty
    (refusal,) = found.refusals
    assert refusal.rule is Rule.LOWERING_NEEDS_A_CAUSE
    assert "drift_policy.databases: repair" in refusal.remedy


def test_a_missing_one_that_no_commit_asks_for_is_drift_and_created() -> None:
    desired = files("app", databases=(APP,))
    found = plan(desired, live(), desired)
    assert {change.origin for action in found.actions for change in action.changes} == {Origin.DRIFT}
    assert {action.reason for action in found.actions} == {"declared, and not on the branch"}
    policy = Policy(drift={"databases": DriftPolicy.REPORT})
    reported = replace(desired, policy=policy)
    assert plan(reported, live(), reported).empty


def deleting(*names: str, **fields: Any) -> tuple[DesiredState, DesiredState]:
    """Files before and after a commit that removes legacy, with what it accepts."""
    accept = Accepted(deletion=tuple(Reduction(name, "absent") for name in names))
    before = files("app", "old", databases=(APP, LEGACY))
    return before, files("app", databases=(APP,), accept=accept, **fields)


def test_a_removed_one_is_refused_until_the_tenants_file_accepts_it() -> None:
    before, now = deleting()
    found = plan(now, live("app", "old", databases=(APP, LEGACY)), before)
    assert found.empty
    (refusal,) = found.refusals
    assert refusal.rule is Rule.DOWNGRADE_PROOF
    assert told(refusal.actions) == [(DeleteDatabase, "main", "legacy"), (DeleteRole, "main", "old")]
    assert refusal.remedy == (
        "declare what would be deleted, or add accept: {deletion: [databases.legacy, roles.old]} to its file"
    )
    before, now = deleting(GONE, "roles.old")
    found = plan(now, live("app", "old", databases=(APP, LEGACY)), before)
    assert told(found.actions) == [(DeleteDatabase, "main", "legacy"), (DeleteRole, "main", "old")]
    assert {action.risk for action in found.actions} == {Risk.DESTRUCTIVE}


def test_an_acceptance_names_each_thing() -> None:
    before, now = deleting("roles.old")
    found = plan(now, live("app", "old", databases=(APP, LEGACY)), before)
    assert told(found.actions) == [(DeleteRole, "main", "old")]
    assert told(found.refusals[0].actions) == [(DeleteDatabase, "main", "legacy")]


def test_an_acceptance_that_an_earlier_file_has_covers_no_later_namesake() -> None:
    before, now = deleting(GONE, "roles.old")
    earlier = a_fleet(replace(before.tenants["acme"], accept=Accepted(deletion=(Reduction(GONE, "absent"),))))
    found = plan(now, live("app", "old", databases=(APP, LEGACY)), earlier)
    assert told(found.actions) == [(DeleteRole, "main", "old")]
    assert "YYYY" not in found.refusals[0].remedy


def test_a_last_day_accepts_every_deletion_until_then() -> None:
    before, now = deleting()
    for days, kept in ((0, 0), (-1, 1)):
        accepting = replace(now.tenants["acme"], accept=Accepted(deletion=(NOON + timedelta(days=days)).date()))
        desired, view = a_fleet(accepting), a_view(live("app", "old", databases=(APP, LEGACY)))
        history = History(before)
        found = guarded_plan(desired, view, history=history)
        assert len(found.refusals) == kept


def test_one_that_somebody_made_by_hand_is_left_alone() -> None:
    before, now = deleting(GONE, "roles.old")
    by_hand = live("app", "old", "analyst", databases=(APP, LEGACY, Database("notes", "analyst")))
    assert [name for _, _, name in told(plan(now, by_hand, before).actions)] == ["legacy", "old"]


def test_without_earlier_files_nothing_is_deleted() -> None:
    _, now = deleting(GONE, "roles.old")
    assert plan(now, live("app", "old", databases=(APP, LEGACY))).empty


def test_a_key_that_is_gone_manages_nothing_any_more_and_says_so() -> None:
    before, now = deleting()[0], a_fleet(a_tenant())
    found = plan(now, live("app", "old", databases=(APP, LEGACY)), before)
    assert found.empty
    assert not found.refusals
    assert {kept.path for kept in found.unmanaged} == {"roles", "databases"}


def test_files_that_are_older_than_the_base_delete_nothing() -> None:
    before, now = deleting(GONE, "roles.old")
    project = live("app", "old", databases=(APP, LEGACY))
    view, history = a_view(project), History(before, fork=now)
    found = guarded_plan(now, view, history=history)
    assert found.empty
    assert {refusal.rule for refusal in found.refusals} == {Rule.BASE_AHEAD}


def test_a_protected_tenant_keeps_them() -> None:
    before, now = deleting(GONE, "roles.old", protect=True)
    found = plan(now, live("app", "old", databases=(APP, LEGACY)), before)
    assert found.empty
    assert found.refusals[0].rule is Rule.PROTECTED


def test_what_came_with_the_project_stays_whatever_the_lists_say() -> None:
    before = files("neondb_owner", "app", databases=(FIRST, APP))
    now = files("app", databases=(APP,), accept=Accepted(deletion=NOON.date()))
    view, history = a_view(live("app", databases=(APP,))), History(before)
    assert make_plan(now, view, history=history).empty


def test_a_role_that_owns_a_database_stays() -> None:
    before, now = deleting("roles.old")
    own = Database("notes", "old")
    found = plan(now, live("app", "old", databases=(APP, own)), before)
    (refusal,) = found.refusals
    assert refusal.rule is Rule.CANNOT_BE_DONE
    assert refusal.message == "role 'old' of branch 'main' cannot be deleted: it owns database 'notes'"


def test_a_role_waits_for_the_database_that_it_owns_and_that_is_not_accepted() -> None:
    before = files("app", "old", databases=(APP, Database("legacy", "old")))
    now = files("app", databases=(APP,), accept=Accepted(deletion=(Reduction("roles.old", "absent"),)))
    found = plan(now, live("app", "old", databases=(APP, Database("legacy", "old"))), before)
    assert found.empty
    assert {type(action) for refusal in found.refusals for action in refusal.actions} == {
        DeleteDatabase,
        DeleteRole,
    }


def test_an_owner_that_the_branch_does_not_have_is_refused() -> None:
    desired = a_fleet(a_tenant(databases=(Database("app", "stranger"),)))
    found = plan(desired, live())
    (refusal,) = found.refusals
    assert refusal.rule is Rule.CANNOT_BE_DONE
    assert "role 'stranger', which does not exist" in refusal.message


@pytest.mark.parametrize(
    ("endpoints", "why"),
    [
        ((), "branch 'main' has no read-write compute"),
        ((an_endpoint(kind="read_only"),), "branch 'main' has no read-write compute"),
        ((an_endpoint(disabled=True),), "the compute of branch 'main' is disabled"),
    ],
)
def test_without_a_compute_nothing_can_be_created(endpoints: Any, why: str) -> None:
    found = plan(files("app", databases=(APP,)), live(endpoints=endpoints))
    assert not [action for action in found.actions if isinstance(action, CreateRole | CreateDatabase)]
    messages = [refusal.message for refusal in found.refusals if refusal.rule is Rule.CANNOT_BE_DONE]
    assert len(messages) == 2
    assert all(why in message for message in messages)


def test_a_suspended_tenant_waits_and_keeps_what_it_has() -> None:
    suspended = {"suspended": True, "reason": "unpaid"}
    found = plan(files("app", databases=(APP,), **suspended), live())
    assert not [action for action in found.actions if isinstance(action, CreateRole | CreateDatabase)]
    assert any("while the tenant is suspended" in note.message for note in found.notes)
    before, now = deleting(GONE, "roles.old", **suspended)
    found = plan(now, live("app", "old", databases=(APP, LEGACY)), before)
    assert {one.message for one in found.refusals if one.rule is Rule.CANNOT_BE_DONE} == {
        "database 'legacy' of branch 'main' cannot be deleted while the tenant is suspended",
        "role 'old' of branch 'main' cannot be deleted while the tenant is suspended",
    }


def test_a_branch_holds_500_of_each() -> None:
    many = tuple(f"r{number}" for number in range(498))
    found = plan(files("one", "two"), live(*many))
    assert [name for _, _, name in told(found.actions)] == ["one"]
    assert "Neon allows 500 roles on a branch" in found.refusals[0].message


def test_a_new_branch_gets_its_own_after_it_exists_and_the_others_from_its_parent() -> None:
    own = DevBranch("dev", roles=("app", "tester"), databases=(APP, Database("scratch", "tester")))
    found = plan(files("app", databases=(APP,), dev_branches=(own,)), live())
    assert told(found.actions) == [
        (CreateRole, "main", "app"),
        (CreateDatabase, "main", "app"),
        (CreateBranch, "dev", None),
        (CreateRole, "dev", "tester"),
        (CreateDatabase, "dev", "scratch"),
    ]
    paths = [change.path for action in list(found.actions)[3:] for change in action.changes]
    assert paths == ["dev_branches.dev.roles.tester", "dev_branches.dev.databases.scratch"]


def test_a_branch_of_an_earlier_time_may_lack_what_its_parent_has_now() -> None:
    own = DevBranch("dev", at=NOON - timedelta(hours=1), roles=("app", "neondb_owner"))
    found = plan(files("app", dev_branches=(own,)), live("app"))
    assert told(found.actions) == [(CreateBranch, "dev", None), (CreateRole, "dev", "app")]


def test_a_live_branch_has_its_own_lists() -> None:
    desired = files(dev_branches=(DevBranch("dev", roles=("tester",), databases=(APP,)),))
    branches = (a_branch(), ours("dev"))
    project = live(
        branches=branches,
        endpoints=(an_endpoint(), an_endpoint(id="ep-dev", branch_id="br-dev")),
        roles={"br-dev": ("app",)},
        databases_of={"br-dev": (APP,)},
    )
    assert told(plan(desired, project).actions) == [(CreateRole, "dev", "tester")]


def test_what_a_branch_has_from_the_default_branch_is_not_deleted_on_it() -> None:
    own = DevBranch("dev", roles=("app", "tester"), databases=(APP,))
    before = files("app", databases=(APP,), dev_branches=(own,))
    now = files("app", databases=(APP,), dev_branches=(DevBranch("dev", roles=(), databases=()),))
    project = live(
        "app",
        databases=(APP,),
        branches=(a_branch(), ours("dev")),
        roles={"br-dev": ("neondb_owner", "app", "tester")},
        databases_of={"br-dev": (FIRST, APP)},
    )
    (refusal,) = plan(now, project, before).refusals
    assert told(refusal.actions) == [(DeleteRole, "dev", "tester")]
    assert "accept: {deletion: dev_branches.dev.roles.tester}" in refusal.remedy


def test_a_reset_branch_gets_its_own_again() -> None:
    project = live(
        branches=(a_branch(), ours("dev", created_at=NOON - timedelta(days=9))),
        roles={"br-dev": ("neondb_owner", "tester")},
        databases_of={"br-dev": (FIRST,)},
    )
    desired, before = (files(dev_branches=(DevBranch("dev", roles=("tester",), reset=n),)) for n in (2, 1))
    raised = {("acme", "dev"): NOON - timedelta(hours=1)}
    found = make_plan(desired, a_view(project), base=before, raised=raised)
    assert [type(action) for action in found.actions] == [ResetBranch, CreateRole]


@pytest.mark.parametrize(
    "branches", [(a_branch(),), (a_branch(), ours("dev", created_at=NOON - timedelta(days=9)))]
)
def test_a_new_or_reset_branch_loses_what_it_gets_from_its_parent_and_the_files_removed(branches: Any) -> None:
    own = DevBranch("dev", roles=("old",), databases=(LEGACY,))
    bare = DevBranch("dev", roles=(), databases=(), reset=1)
    before = files("app", "old", databases=(LEGACY,), dev_branches=(own,))
    now = files("app", databases=(), dev_branches=(bare,), accept=Accepted(deletion=NOON.date()))
    project = live("app", "old", databases=(LEGACY,), branches=branches)
    raised = {("acme", "dev"): NOON - timedelta(hours=1)}
    found = make_plan(now, a_view(project), base=before, raised=raised)
    assert told(found.actions)[1:] == [
        (DeleteDatabase, "main", "legacy"),
        (DeleteRole, "main", "old"),
        (DeleteDatabase, "dev", "legacy"),
        (DeleteRole, "dev", "old"),
    ]


def test_a_role_that_a_new_branch_gets_stays_where_nobody_read_what_it_owns() -> None:
    before, now = (
        files(databases=(APP,), dev_branches=(DevBranch("dev", roles=roles),)) for roles in (("old",), ())
    )
    project = a_project(roles={MAIN: ("neondb_owner", "old")}, databases={})
    assert told(make_plan(now, a_view(project), base=before).actions) == [(CreateBranch, "dev", None)]


def test_deletions_on_a_branch_that_is_not_created_wait_with_it() -> None:
    before, now = (files(dev_branches=(DevBranch("dev", databases=some),)) for some in ((LEGACY,), ()))
    now = replace(now, tenants={"acme": replace(now.tenants["acme"], accept=Accepted(deletion=NOON.date()))})
    view, history = a_view(live(databases=(LEGACY,))), History(before)
    made = make_plan(now, view, history=history)
    assert told(made.actions) == [(CreateBranch, "dev", None), (DeleteDatabase, "dev", "legacy")]
    reported = replace(now, policy=Policy(drift={"dev_branches": DriftPolicy.REPORT}))
    assert guard(made, reported, view, history=history, now=NOON).empty


def test_a_new_branch_lacks_what_this_plan_does_not_create_on_its_parent() -> None:
    desired = files("app", dev_branches=(DevBranch("dev", roles=("app",)),))
    found = make_plan(desired, a_view(live()), only=frozenset({"dev_branches"}))
    assert told(found.actions) == [(CreateBranch, "dev", None), (CreateRole, "dev", "app")]


def test_roles_of_a_branch_that_is_refused_wait_with_it() -> None:
    own = DevBranch("dev", parent="nowhere", roles=("tester",))
    assert not [a for a in plan(files(dev_branches=(own,)), live()).actions if isinstance(a, CreateRole)]


def test_a_snapshot_is_taken_before_anything_is_deleted() -> None:
    before, now = deleting(GONE, "roles.old", snapshots=(Snapshot("v1"),))
    kinds: list[type[Action]] = [
        type(action) for action in plan(now, live("app", "old", databases=(APP, LEGACY)), before).actions
    ]
    assert kinds == [CreateSnapshot, DeleteDatabase, DeleteRole]


def asked(desired: DesiredState, project: LiveProject, depth: Depth = Depth.DECLARED) -> dict[str, Any]:
    needs = PlanRequirements(depth=depth).details(desired, a_view(project))
    kinds = ("branches", "endpoints", "roles", "databases")
    return {kind: found for kind in kinds if (found := getattr(needs, kind))}


def test_only_what_is_declared_is_read_and_a_compute_only_where_something_is_missing() -> None:
    bare = a_project(details=False)
    few = PlanRequirements().reach.small_fleet
    others = tuple(a_tenant(f"t{number}") for number in range(few + 1))  # so that not all details are read
    desired = a_fleet(a_tenant(roles=("app",), databases=(APP,)), *others)
    assert asked(desired, bare) == {"branches": ("p-acme",)}
    branched = replace(bare, branches=(a_branch(),))
    assert asked(desired, branched) == {"roles": (("p-acme", MAIN),), "databases": (("p-acme", MAIN),)}
    whole = replace(branched, roles={MAIN: ("neondb_owner", "app")}, databases={MAIN: (FIRST, APP)})
    assert not asked(desired, whole)
    missing = replace(whole, databases={MAIN: (FIRST,)})
    assert asked(desired, missing) == {"endpoints": ("p-acme",)}
    assert not asked(desired, bare, Depth.LIST)
    assert not asked(a_fleet(*others, a_tenant()), bare)


def test_what_other_roles_own_is_read_too_before_one_of_them_may_be_deleted() -> None:
    few = PlanRequirements().reach.small_fleet
    desired = a_fleet(a_tenant(roles=("app",)), *(a_tenant(f"t{number}") for number in range(few + 1)))
    bare = replace(a_project(details=False), branches=(a_branch(),))
    assert not asked(desired, replace(bare, roles={MAIN: ("neondb_owner", "app")}))
    found = asked(desired, replace(bare, roles={MAIN: ("neondb_owner", "app", "old")}))
    assert found == {"databases": (("p-acme", MAIN),)}
