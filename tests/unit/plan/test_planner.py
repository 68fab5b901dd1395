"""make_plan: which actions, in which order, with which changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.naming import Naming
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import Overrides, Pins
from reconciler.model.compute import Compute
from reconciler.model.quota import Consumption
from reconciler.model.values import JsonText, replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import CreateProject, DeleteProject, PatchProject, TransferProject
from reconciler.plan.change import FieldChange, Origin, Risk
from tests.harness.builders import (
    DAY,
    FREE_COMPUTE,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    PRO_QUOTA,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_unused_project,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.model.quota import Quota
    from reconciler.model.values import Json


def kinds(plan: object) -> list[str]:
    return [action.kind for action in plan.actions]  # type: ignore[attr-defined]


def values(action: object) -> dict[str, object]:
    return {change.path: change.after for change in action.changes}  # type: ignore[attr-defined]


def test_a_fleet_that_matches_its_files_has_an_empty_plan() -> None:
    plan = make_plan(a_fleet(a_tenant()), a_view(a_project()))
    assert plan.empty
    assert plan.coverage.computes_checked == plan.coverage.computes_total == 1


def test_a_missing_tenant_is_created_with_everything_in_one_call() -> None:
    (action,) = make_plan(a_fleet(a_tenant(tier="pro")), a_view()).actions
    assert isinstance(action, CreateProject)
    assert action.organization == "paid"
    assert action.risk is Risk.SAFE
    assert values(action) == {
        "name": "myapp-acme",
        "region": "aws-us-east-2",
        "pg_version": 17,
        "branch": "main",
        "database": "neondb",
        "role": "neondb_owner",
        "quota.active_time_seconds": 2_700_000,
        "quota.compute_time_seconds": 0,
        "quota.written_data_bytes": 0,
        "quota.data_transfer_bytes": 50 * GIB,
        "quota.logical_size_bytes": 10 * GIB,
        "compute.min_cu": 0.5,
        "compute.max_cu": 4,
        "compute.suspend_timeout_seconds": 300,
        "restore_window_seconds": 7 * DAY,
    }


def test_an_upgrade_moves_first_and_raises_afterwards() -> None:
    plan = make_plan(a_fleet(a_tenant(tier="pro")), a_view(a_project()))
    assert kinds(plan) == ["transfer_project", "patch_endpoint", "patch_project"]
    transfer, endpoint, patch = plan.actions
    assert isinstance(transfer, TransferProject)
    assert (transfer.origin, transfer.destination, transfer.downgrade) == ("free", "paid", False)
    assert isinstance(patch, PatchProject)
    assert values(patch)["restore_window_seconds"] == 7 * DAY
    assert isinstance(endpoint, PatchEndpoint)
    assert endpoint.branch == "main"
    assert values(endpoint) == {"compute.min_cu": 0.5, "compute.max_cu": 4}
    assert endpoint.companions == (("compute.suspend_timeout_seconds", 300),)


def test_a_downgrade_moves_and_then_lowers_what_the_destination_forbids() -> None:
    plan = make_plan(a_fleet(a_tenant(tier="free")), a_view(a_pro_project()))
    assert kinds(plan) == ["transfer_project", "patch_endpoint", "patch_project", "patch_project"]
    transfer, lower_endpoint, lower, patch = plan.actions
    assert isinstance(transfer, TransferProject)
    assert transfer.downgrade
    assert transfer.lowering
    assert isinstance(lower_endpoint, PatchEndpoint)
    assert isinstance(lower, PatchProject)
    assert (lower_endpoint.before_transfer, lower.before_transfer) == (True, True)
    assert values(lower) == {"compute.min_cu": 0.25, "compute.max_cu": 2, "restore_window_seconds": DAY}
    assert lower.companions == (("compute.suspend_timeout_seconds", 300),)
    assert values(lower_endpoint) == {"compute.min_cu": 0.25, "compute.max_cu": 2}
    assert isinstance(patch, PatchProject)
    assert not patch.before_transfer
    assert "quota.active_time_seconds" in values(patch)


def test_a_smallest_size_above_the_largest_that_is_allowed_goes_down_with_it() -> None:
    bare = replace(FREE_TIER, compute=None)
    large = a_pro_project(compute=Compute(4, 8, 300))
    plan = make_plan(a_fleet(a_tenant(), tiers=(bare, PRO_TIER)), a_view(large))
    (endpoint,) = [action for action in plan.actions if isinstance(action, PatchEndpoint)]
    assert values(endpoint) == {"compute.min_cu": 2, "compute.max_cu": 2}
    assert {change.risk for change in endpoint.changes} == {Risk.DISRUPTIVE}
    assert endpoint.lowering


def test_an_unmanaged_value_that_blocks_the_move_is_lowered_to_the_bound() -> None:
    bare = replace(FREE_TIER, restore_window_seconds=None)
    plan = make_plan(a_fleet(a_tenant(), tiers=(bare, PRO_TIER)), a_view(a_pro_project()))
    lower = next(action for action in plan.actions if isinstance(action, PatchProject))
    assert values(lower)["restore_window_seconds"] == DAY


def test_an_unmanaged_compute_that_blocks_the_move_is_lowered_too() -> None:
    bare = replace(FREE_TIER, compute=None)
    plan = make_plan(a_fleet(a_tenant(), tiers=(bare, PRO_TIER)), a_view(a_pro_project()))
    transfer, lower_endpoint, _, _ = plan.actions
    assert isinstance(lower_endpoint, PatchEndpoint)
    assert values(lower_endpoint) == {"compute.max_cu": 2}
    assert isinstance(transfer, TransferProject)


def test_unmanaged_fields_are_left_alone() -> None:
    bare = replace(FREE_TIER, quota=None, compute=None, restore_window_seconds=None)
    odd = a_project(quota=None, compute=Compute(1, 1, 3600), restore_window_seconds=5, settings={"hipaa": True})
    assert make_plan(a_fleet(a_tenant(), tiers=(bare,)), a_view(odd)).empty


def test_all_five_quota_members_travel_together() -> None:
    live = a_project(quota=replace(FREE_QUOTA, data_transfer_bytes=GIB))
    (patch,) = make_plan(a_fleet(a_tenant()), a_view(live)).actions
    assert isinstance(patch, PatchProject)
    assert values(patch) == {"quota.data_transfer_bytes": 5 * GIB}
    assert dict(patch.companions) == {
        "quota.active_time_seconds": 360_000,
        "quota.compute_time_seconds": 0,
        "quota.written_data_bytes": 0,
        "quota.logical_size_bytes": 2**29,
    }


@pytest.mark.parametrize(
    ("live_limit", "lowering"), [(0, True), (6 * GIB, True), (4 * GIB, False)], ids=["unlimited", "more", "less"]
)
def test_a_tighter_limit_is_lowering(live_limit: int, lowering: bool) -> None:
    live = a_project(quota=replace(FREE_QUOTA, data_transfer_bytes=live_limit))
    (patch,) = make_plan(a_fleet(a_tenant()), a_view(live)).actions
    assert patch.lowering is lowering
    assert patch.risk is (Risk.DISRUPTIVE if lowering else Risk.SAFE)


def test_a_shorter_restore_window_destroys_history() -> None:
    (patch,) = make_plan(a_fleet(a_tenant()), a_view(a_project(restore_window_seconds=7 * DAY))).actions
    assert patch.risk is Risk.DESTRUCTIVE
    assert patch.lowering


def test_only_the_default_branchs_read_write_compute_is_sized() -> None:
    replica = an_endpoint(compute=Compute(1, 1, 300), id="ep-replica", kind="read_only")
    other = an_endpoint(compute=Compute(1, 1, 300), id="ep-dev", branch_id="br-dev")
    live = a_project(
        branches=(a_branch(), a_branch(id="br-dev", name="dev", default=False)),
        endpoints=(an_endpoint(compute=Compute(0.25, 1, 300)), replica, other),
    )
    (patch,) = make_plan(a_fleet(a_tenant()), a_view(live)).actions
    assert patch == PatchEndpoint(
        tenant="acme",
        reason="differs from tier free",
        source=a_tenant().location,
        changes=(FieldChange("compute.max_cu", 1, 2, Risk.DISRUPTIVE),),
        branch="main",
        companions=(("compute.min_cu", 0.25), ("compute.suspend_timeout_seconds", 300)),
    )


def test_a_tombstone_deletes_the_project_and_nothing_where_there_is_none() -> None:
    fleet = a_fleet(a_tenant(absent=True))
    (action,) = make_plan(fleet, a_view(a_project())).actions
    assert isinstance(action, DeleteProject)
    assert action.project_id == "p-acme"
    assert action.risk is Risk.DESTRUCTIVE
    assert make_plan(fleet, a_view()).empty


def test_free_form_settings_compare_only_what_is_stated() -> None:
    fleet = a_fleet(a_tenant(overrides=Overrides(settings={"allowed_ips": {"ips": ["10.0.0.1", "10.0.0.2"]}})))
    same = {"allowed_ips": {"ips": ["10.0.0.2", "10.0.0.1"], "protected_branches_only": False}}
    assert make_plan(fleet, a_view(a_project(settings=same))).empty, "the order of a list means nothing"
    other = {"allowed_ips": {"ips": ["10.0.0.1"], "protected_branches_only": False}, "hipaa": True}
    (patch,) = make_plan(fleet, a_view(a_project(settings=other))).actions
    (change,) = patch.changes
    assert change.path == "settings.allowed_ips"
    assert change.after == JsonText.of({"ips": ["10.0.0.1", "10.0.0.2"], "protected_branches_only": False}), (
        "unstated members are sent as they are: the value is replaced whole"
    )


@pytest.mark.parametrize(
    "stated", [{}, {"ips": []}, {"protected_branches_only": False}, {"ips": [], "protected_branches_only": False}]
)
def test_a_setting_that_an_answer_leaves_out_differs_from_no_part_that_says_the_same(
    stated: dict[str, Json],
) -> None:
    fleet = a_fleet(a_tenant(overrides=Overrides(settings={"allowed_ips": stated})))
    assert make_plan(fleet, a_view(a_project(settings={}))).empty


def test_libraries_without_a_member_are_no_change_of_what_is_not_set() -> None:
    fleet = a_fleet(a_tenant(overrides=Overrides(settings={"preload_libraries": {}})))
    assert make_plan(fleet, a_view(a_project(settings={}))).empty
    fleet = a_fleet(a_tenant(overrides=Overrides(settings={"preload_libraries": {"enabled_libraries": []}})))
    assert not make_plan(fleet, a_view(a_project(settings={}))).empty


def test_no_member_of_a_free_form_setting_is_passed_over_whatever_it_is_called() -> None:
    fleet = a_fleet(a_tenant(overrides=Overrides(settings={"any": {"__a__": 1}})))
    assert not make_plan(fleet, a_view(a_project(settings={"any": {"__a__": 2}}))).empty


def test_an_adopted_project_keeps_its_name() -> None:
    fleet = a_fleet(a_tenant(project_id="p-legacy"))
    assert make_plan(fleet, a_view(a_project(id="p-legacy", name="legacy database"))).empty


def test_a_renamed_project_is_found_by_its_annotation_and_renamed_back() -> None:
    plan = make_plan(a_fleet(a_tenant()), a_view(a_project(name="renamed by hand")))
    (patch,) = plan.actions
    assert values(patch) == {"name": "myapp-acme"}
    (note,) = plan.notes
    assert "renamed by hand" in note.message


def test_a_previous_naming_pattern_still_matches_and_is_renamed() -> None:
    fleet = a_fleet(a_tenant(), naming=Naming("app-{tenant}", previous=("myapp-{tenant}",)))
    (patch,) = make_plan(fleet, a_view(a_project())).actions
    assert values(patch) == {"name": "app-acme"}


def test_two_projects_of_one_tenant_are_a_conflict_and_nothing_is_done() -> None:
    twins = a_project(), a_project(id="p-twin", organization="paid")
    plan = make_plan(a_fleet(a_tenant(tier="pro")), a_view(*twins))
    assert plan.empty
    (conflict,) = plan.conflicts
    assert "p-acme" in conflict.message
    assert "p-twin" in conflict.message
    assert not plan.orphans


def test_a_pinned_id_settles_a_conflict() -> None:
    twins = a_project(), a_project(id="p-twin")
    plan = make_plan(a_fleet(a_tenant(project_id="p-acme")), a_view(*twins))
    assert not plan.conflicts
    assert [orphan.project.id for orphan in plan.orphans] == ["p-twin"]


def test_a_pinned_id_that_is_gone_is_a_conflict_and_never_a_create() -> None:
    plan = make_plan(a_fleet(a_tenant(project_id="p-gone")), a_view())
    assert plan.empty
    assert "p-gone" in plan.conflicts[0].message


def test_a_tombstone_whose_pinned_project_is_gone_has_done_its_work() -> None:
    plan = make_plan(a_fleet(a_tenant(absent=True, project_id="p-acme")), a_view())
    assert plan.empty
    assert not plan.conflicts


def test_a_tombstone_reaches_no_project_under_another_name() -> None:
    plan = make_plan(a_fleet(a_tenant(absent=True)), a_view(a_project(name="renamed by hand")))
    assert plan.empty
    assert [orphan.tenant for orphan in plan.orphans] == ["acme"]


def test_a_project_of_another_fleet_is_a_conflict() -> None:
    foreign = a_branch(annotations={"managed-by": "neon-reconciler", "fleet": "staging", "tenant": "acme"})
    plan = make_plan(a_fleet(a_tenant()), a_view(a_project(branches=(foreign,))))
    assert plan.empty
    assert "staging" in plan.conflicts[0].message


@pytest.mark.parametrize(
    ("pins", "word"), [(Pins(region="aws-eu-central-1"), "region"), (Pins(pg_version=16), "pg_version")]
)
def test_a_pinned_fact_that_differs_is_a_conflict_and_never_a_recreation(pins: Pins, word: str) -> None:
    plan = make_plan(a_fleet(a_tenant(pins=pins)), a_view(a_project(quota=None)))
    assert plan.empty
    assert word in plan.conflicts[0].message


def test_a_project_that_no_file_declares_is_an_orphan_and_stays() -> None:
    plan = make_plan(a_fleet(), a_view(a_project(), a_project("x", name="somebody else's", branches=())))
    assert plan.empty
    assert [(orphan.tenant, orphan.owned) for orphan in plan.orphans] == [("acme", True)]


def test_pruning_deletes_owned_orphans_only() -> None:
    by_hand = a_project("byhand", branches=(a_branch("p-byhand", annotations={}),))
    plan = make_plan(a_fleet(), a_view(an_unused_project(), by_hand), prune=True)
    assert [action.tenant for action in plan.actions] == ["acme"]
    assert [orphan.owned for orphan in plan.orphans] == [False], "what is deleted is no orphan any more"


def test_a_tenant_whose_file_is_broken_is_no_orphan() -> None:
    plan = make_plan(a_fleet(held_back=frozenset({"acme"})), a_view(a_project()), prune=True)
    assert plan.empty
    assert not plan.orphans
    assert plan.coverage.held_back == 1


def test_a_selection_narrows_the_plan_and_speaks_of_no_orphans() -> None:
    fleet = a_fleet(a_tenant("a"), a_tenant("b"), a_tenant("c", tier="pro"))
    plan = make_plan(fleet, a_view(a_project("zoe")), selection=Selection(tenants=("[ab]",), exclude=("b",)))
    assert [action.tenant for action in plan.actions] == ["a"]
    assert not plan.orphans
    assert plan.coverage.left_out == 2


def test_only_one_concern_leaves_the_others_alone() -> None:
    live = a_project(quota=replace(FREE_QUOTA, data_transfer_bytes=GIB))
    plan = make_plan(a_fleet(a_tenant(tier="pro"), a_tenant("new")), a_view(live), only=("quota",))
    assert kinds(plan) == ["patch_project"]
    assert {path.partition(".")[0] for path in values(next(plan.actions))} == {"quota"}


def test_what_only_leaves_out_is_counted() -> None:
    looked = make_plan(a_fleet(a_tenant("new")), a_view(), only=("snapshots", "quota")).coverage
    assert (looked.only, looked.missing) == (("quota", "snapshots"), 1)
    looked = make_plan(a_fleet(a_tenant("new")), a_view()).coverage
    assert (looked.only, looked.missing) == ((), 0)


def test_a_project_that_two_tenants_would_call_their_own_is_neithers() -> None:
    naming = Naming("app-{tenant}", previous=("app-old-{tenant}",))
    fleet = a_fleet(a_tenant("x"), a_tenant("old-x", absent=True), naming=naming)
    plan = make_plan(fleet, a_view(a_project("y", name="app-old-x", details=False)))
    assert plan.empty
    assert [conflict.tenant for conflict in plan.conflicts] == ["old-x", "x"]
    pinned = a_fleet(a_tenant("a", project_id="p-y"), a_tenant("b", project_id="p-y"))
    assert len(make_plan(pinned, a_view(a_project("y"))).conflicts) == 2


def test_a_pinned_project_of_another_fleet_is_a_conflict_too() -> None:
    foreign = a_branch(annotations={"managed-by": "neon-reconciler", "fleet": "staging", "tenant": "acme"})
    plan = make_plan(a_fleet(a_tenant(project_id="p-acme", absent=True)), a_view(a_project(branches=(foreign,))))
    assert plan.empty
    assert "staging" in plan.conflicts[0].message


def test_a_tenant_that_was_looked_up_by_name_alone_is_said_to_be() -> None:
    (note,) = make_plan(a_fleet(a_tenant()), a_view(listed=False)).notes
    assert "by name only" in note.message


def test_a_move_by_itself_lowers_what_stands_in_its_way() -> None:
    plan = make_plan(a_fleet(a_tenant()), a_view(a_pro_project()), only=("organization",))
    assert kinds(plan) == ["transfer_project", "patch_endpoint", "patch_project"]


class TestOrigin:
    def origin(self, before: object, after: object, **project: object) -> dict[str, Origin]:
        base = None if before is None else a_fleet(before)  # type: ignore[arg-type]
        plan = make_plan(a_fleet(after), a_view(a_project(**project)), base=base)  # type: ignore[arg-type]
        return {change.path: change.origin for action in plan.actions for change in action.changes}

    def test_without_a_base_nobody_can_tell(self) -> None:
        assert set(self.origin(None, a_tenant(tier="pro")).values()) == {Origin.UNKNOWN}

    def test_what_the_files_changed_is_config(self) -> None:
        assert set(self.origin(a_tenant(), a_tenant(tier="pro")).values()) == {Origin.CONFIG}

    def test_what_moved_by_itself_is_drift(self) -> None:
        found = self.origin(a_tenant(), a_tenant(), compute=replace(FREE_COMPUTE, max_cu=1))
        assert found == {"compute.max_cu": Origin.DRIFT}

    def test_field_by_field(self) -> None:
        more = Overrides(quota={"data_transfer_bytes": 9 * GIB})
        found = self.origin(a_tenant(), a_tenant(overrides=more), restore_window_seconds=5)
        assert found == {"quota.data_transfer_bytes": Origin.CONFIG, "restore_window_seconds": Origin.DRIFT}

    def test_a_tenant_that_the_base_did_not_know_is_config(self) -> None:
        plan = make_plan(a_fleet(a_tenant()), a_view(), base=a_fleet())
        assert {change.origin for action in plan.actions for change in action.changes} == {Origin.CONFIG}

    def test_a_tenant_whose_project_vanished_is_drift(self) -> None:
        plan = make_plan(a_fleet(a_tenant()), a_view(), base=a_fleet(a_tenant()))
        assert {change.origin for action in plan.actions for change in action.changes} == {Origin.DRIFT}

    def test_a_file_that_was_broken_at_the_base_tells_nothing(self) -> None:
        base = a_fleet(held_back=frozenset({"acme"}))
        plan = make_plan(a_fleet(a_tenant(tier="pro")), a_view(a_project()), base=base)
        assert {change.origin for action in plan.actions for change in action.changes} == {Origin.UNKNOWN}


def test_four_hundred_moves_are_budgeted_as_one_call() -> None:
    tenants = [a_tenant(f"t{i}", tier="pro") for i in range(401)]
    view = a_view(*(a_project(tenant.name) for tenant in tenants))
    budget = make_plan(a_fleet(*tenants), view).budget
    assert budget.transfers == 2
    assert budget.writes == 2 + 2 * 401


def test_a_run_that_outlasts_its_look_is_budgeted_to_look_at_the_rest_once_more() -> None:
    def reads(count: int, quota: Quota, **fields: Any) -> int:
        tenants = [a_tenant(f"t{i}") for i in range(count)]
        view = a_view(*(a_project(tenant.name, details=False, quota=quota, **fields) for tenant in tenants))
        return make_plan(a_fleet(*tenants), view).budget.reads

    smaller = replace(FREE_QUOTA, data_transfer_bytes=GIB)
    assert reads(80, smaller) == 0  # within ten seconds at 70 % of 700 calls
    assert reads(400, smaller) == 4  # the page of all, every ten seconds
    assert reads(3000, smaller) == 40
    assert reads(3000, PRO_QUOTA, consumption=Consumption(0, 0, 0, 0)) == 6080, (
        "what a tenant uses and stores is read again before its quota is lowered"
    )
    assert reads(3000, PRO_QUOTA, listed_active_seconds=0, storage_bytes=1) == 40, (
        "unless the list proves that it uses less"
    )
