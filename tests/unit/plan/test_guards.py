"""The guards: what is held back, and what goes ahead all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.naming import Naming
from reconciler.desired.policy import DriftPolicy, Policy, Threshold, Thresholds
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import Overrides
from reconciler.desired.tier import OrganizationLimits
from reconciler.live.registered import Registered
from reconciler.live.state import LiveState, UnknownProject
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.baseline import Baseline
from reconciler.plan.concerns.compute import SIZE, is_a_range
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE,
    FREE_COMPUTE,
    FREE_LIMITS,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    NOON,
    PAID,
    PRO_QUOTA,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_organization,
    an_unused_project,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import Tier
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

ALLOW_LOWERING = Permissions(lowering=True)


def guarded(
    desired: DesiredState,
    live: LiveState,
    permissions: Permissions = Permissions(),
    *,
    base: DesiredState | None = None,
    strict: bool = False,
) -> Plan:
    return guarded_plan(desired, live, permissions, base=base, prune=permissions.prune, strict=strict)


def kinds(plan: Plan) -> list[str]:
    return [action.kind for action in plan.actions]


def refused(plan: Plan) -> list[tuple[Rule, tuple[str, ...]]]:
    return [(refusal.rule, refusal.tenants) for refusal in plan.refusals]


class TestLoweringNeedsACause:
    live = a_view(a_project(quota=replace(FREE_QUOTA, data_transfer_bytes=9 * GIB, active_time_seconds=60)))

    def test_without_a_base_a_lower_limit_waits_and_a_higher_one_goes_ahead(self) -> None:
        plan = guarded(a_fleet(a_tenant()), self.live)
        (action,) = plan.actions
        assert [change.path for change in action.changes] == ["quota.active_time_seconds"]
        assert ("quota.data_transfer_bytes", 9 * GIB) in action.companions, "the held limit goes out as it is"  # type: ignore[union-attr]
        (refusal,) = plan.refusals
        assert refusal.rule is Rule.LOWERING_NEEDS_A_CAUSE
        assert [change.path for change in refusal.actions[0].changes] == ["quota.data_transfer_bytes"]
        assert "--base" in refusal.remedy

    def test_drift_is_reported_and_not_lowered(self) -> None:
        plan = guarded(a_fleet(a_tenant()), self.live, base=a_fleet(a_tenant()))
        (refusal,) = plan.refusals
        assert "the live value was changed" in refusal.message

    def test_a_document_is_told_to_use_a_commit_and_not_to_name_a_base(self) -> None:
        now = a_fleet(a_tenant())
        history = History(files=a_fleet(), documents=frozenset({"acme"}))
        plan = guarded_plan(now, self.live, history=history)
        (refusal,) = plan.refusals
        assert "a document on stdin is not a commit" in refusal.message
        assert "--base" not in refusal.remedy
        assert "commit the tenant's file" in refusal.remedy

    def test_a_commit_is_a_cause(self) -> None:
        before = a_fleet(a_tenant(overrides=Overrides(quota={"data_transfer_bytes": 9 * GIB})))
        assert not guarded(a_fleet(a_tenant()), self.live, base=before).refusals

    def test_a_person_is_a_cause(self) -> None:
        assert not guarded(a_fleet(a_tenant()), self.live, ALLOW_LOWERING).refusals

    def test_a_policy_is_a_cause(self) -> None:
        policy = Policy(drift={"quota": DriftPolicy.REPAIR})
        assert not guarded(a_fleet(a_tenant(), policy=policy), self.live).refusals

    def test_a_downgrade_waits_as_a_whole(self) -> None:
        plan = guarded(a_fleet(a_tenant()), a_view(a_pro_project()))
        assert plan.empty
        assert refused(plan) == [(Rule.LOWERING_NEEDS_A_CAUSE, ("acme",))]
        assert len(plan.refusals[0].actions) == 4

    def test_an_old_commit_does_not_undo_an_upgrade(self) -> None:
        """The run holds the files of an hour ago, base included; the tenant has paid since."""
        old = a_fleet(a_tenant(tier="free"))
        assert guarded(old, a_view(a_pro_project()), base=old).empty

    def test_an_upgrade_that_is_drift_waits_for_a_person(self) -> None:
        pro, live = a_fleet(a_tenant(tier="pro")), a_view(a_project())
        upgrade = ["transfer_project", "patch_endpoint", "patch_project"]
        assert kinds(guarded(pro, live, base=a_fleet(a_tenant()))) == upgrade
        assert kinds(guarded(pro, live)) == upgrade
        assert kinds(guarded(pro, live, Permissions(counts={"transfers": 1}), base=pro)) == upgrade
        moved = guarded(pro, live, ALLOW_LOWERING, base=pro)
        assert moved.empty
        assert refused(moved) == [(Rule.MOVE_NEEDS_A_CAUSE, ("acme",))]
        assert "--allow transfers=1" in moved.refusals[0].remedy

    def test_both_ends_of_a_size_wait_together(self) -> None:
        live = a_project(compute=Compute(0.5, 1, 300), endpoints=(an_endpoint(),))
        plan = guarded(a_fleet(a_tenant()), a_view(live))
        assert plan.empty
        (refusal,) = plan.refusals
        assert [change.path for change in refusal.actions[0].changes] == ["compute.min_cu", "compute.max_cu"]

    def test_a_tombstone_needs_a_cause_too(self) -> None:
        tombstone = a_fleet(a_tenant(absent=True))
        assert guarded(tombstone, a_view(a_project())).empty
        assert kinds(guarded(tombstone, a_view(a_project()), base=a_fleet(a_tenant()))) == ["delete_project"]


def test_a_drift_policy_of_report_repairs_nothing_and_says_so() -> None:
    fleet = a_fleet(a_tenant(), policy=Policy(drift={"compute": DriftPolicy.REPORT}))
    drifted = a_view(a_project(compute=Compute(0.25, 1, 300), endpoints=(an_endpoint(),)))
    plan = guarded(fleet, drifted, base=a_fleet(a_tenant()))
    assert plan.empty
    assert refused(plan) == [(Rule.DRIFT_POLICY, ("acme",))]


def test_what_a_policy_only_reports_is_not_made_again() -> None:
    tenant = a_tenant()
    reporting = a_fleet(tenant, policy=Policy(drift={"project": DriftPolicy.REPORT}))
    assert refused(guarded(reporting, a_view(), base=a_fleet(tenant))) == [(Rule.DRIFT_POLICY, ("acme",))]
    assert kinds(guarded(reporting, a_view(), base=a_fleet())) == ["create_project"], "a commit asks for it"


def test_a_policy_about_one_concern_holds_back_no_creation() -> None:
    reporting = a_fleet(a_tenant(), policy=Policy(drift={"quota": DriftPolicy.REPORT}))
    assert kinds(guarded(reporting, a_view())) == ["create_project"]


class TestProtection:
    def test_a_protected_tenant_is_neither_lowered_nor_deleted_whoever_asks(self) -> None:
        for tenant in (a_tenant(protect=True), a_tenant(protect=True, absent=True)):
            plan = guarded(a_fleet(tenant), a_view(a_pro_project()), ALLOW_LOWERING, base=a_fleet())
            assert plan.empty
            assert refused(plan) == [(Rule.PROTECTED, ("acme",))]

    def test_a_protected_tenant_may_gain(self) -> None:
        base = a_fleet(a_tenant(protect=True))
        plan = guarded(a_fleet(a_tenant(tier="pro", protect=True)), a_view(a_project()), base=base)
        assert not plan.refusals
        assert kinds(plan) == ["transfer_project", "patch_endpoint", "patch_project"]

    @pytest.mark.parametrize(
        "unprotected",
        [a_tenant(absent=True), a_tenant(overrides=Overrides(quota={"data_transfer_bytes": GIB}))],
        ids=["deleted", "lowered"],
    )
    def test_what_the_base_or_the_fork_protects_is_protected(self, unprotected: Tenant) -> None:
        now, live = a_fleet(unprotected), a_view(a_project())
        safe, other = a_fleet(a_tenant(protect=True)), a_fleet(a_tenant())
        since = {"acme": (Baseline(safe), Baseline(other))}
        for history in (History(safe), History(other, safe), History(a_fleet(), declared_since=since)):
            plan = guarded_plan(now, live, ALLOW_LOWERING, history=history)
            assert plan.empty
            assert refused(plan) == [(Rule.PROTECTED, ("acme",))]
            assert "apply the commit that removes protect alone" in plan.refusals[0].remedy
        assert guarded(now, live, base=other).tenants

    @pytest.mark.parametrize(
        ("vault", "project"),
        [
            (a_tenant("vault", protect=True), a_project("vault")),
            (a_tenant("vault", protect=True, project_id="p-1"), a_project("x", id="p-1", branches=())),
            (a_tenant("vault", protect=True), a_project("vault", branches=(a_branch(annotations={}),))),
        ],
        ids=["by its annotation", "by a pin", "by its name"],
    )
    def test_a_protection_stays_with_the_project_whoever_names_it(
        self, vault: Tenant, project: LiveProject
    ) -> None:
        thief = a_fleet(a_tenant("thief", absent=True, project_id=project.id))
        plan = guarded(thief, a_view(project), ALLOW_LOWERING, base=a_fleet(vault))
        assert plan.empty
        assert refused(plan) == [(Rule.PROTECTED, ("thief",))]

    def test_always_on_and_an_allow_list_are_not_taken_as_drift(self) -> None:
        on, listed = Compute(0.25, 2, -1), {"allowed_ips": {"ips": ["203.0.113.7"]}}
        live = a_view(a_project(compute=on, endpoints=(an_endpoint(compute=on),), settings=listed))
        open_to_all = replace(FREE_TIER, settings={"allowed_ips": {"ips": []}})
        for tenant in (a_tenant(protect=True), a_tenant()):
            files = a_fleet(tenant, tiers=(open_to_all, PRO_TIER))
            plan = guarded(files, live, base=files)
            assert plan.empty
            rule = Rule.PROTECTED if tenant.protect else Rule.LOWERING_NEEDS_A_CAUSE
            assert {refusal.rule for refusal in plan.refusals} == {rule}

    def test_to_end_a_protection_is_no_change_of_the_project(self) -> None:
        assert not guarded(a_fleet(a_tenant()), a_view(a_project()), base=a_fleet(a_tenant(protect=True))).refusals

    def test_pruning_spares_what_the_base_protects(self) -> None:
        view = a_view(an_unused_project(), a_project("kept"))
        safe = a_fleet(a_tenant(protect=True))
        plan = guarded(a_fleet(a_tenant("kept")), view, Permissions(prune=True), base=safe)
        assert refused(plan) == [(Rule.PROTECTED, ("acme",))]


class TestOwnership:
    def test_a_project_that_was_created_for_another_tenant_is_not_deleted_for_its_name(self) -> None:
        """Somebody renamed zoe's project in the console to what acme's would be called."""
        zoes = a_project(branches=(a_branch("p-zoe"),))
        plan = guarded(a_fleet(a_tenant(absent=True)), a_view(zoes), ALLOW_LOWERING)
        assert plan.empty
        assert refused(plan) == [(Rule.OWNERSHIP, ("acme",))]
        declared = guarded(a_fleet(a_tenant(absent=True), a_tenant("zoe")), a_view(zoes), ALLOW_LOWERING)
        assert declared.empty
        assert "was created for tenant 'zoe'" in declared.conflicts[0].message

    def test_a_project_without_our_annotation_is_not_deleted(self) -> None:
        by_hand = a_project(branches=(a_branch(annotations={}),))
        plan = guarded(a_fleet(a_tenant(absent=True)), a_view(by_hand), ALLOW_LOWERING)
        assert plan.empty
        assert refused(plan) == [(Rule.OWNERSHIP, ("acme",))]

    def test_nor_one_whose_branches_were_not_read(self) -> None:
        plan = guarded(a_fleet(a_tenant(absent=True)), a_view(a_project(details=False)), ALLOW_LOWERING)
        assert refused(plan) == [(Rule.OWNERSHIP, ("acme",))]

    def test_one_that_lost_its_annotation_is_where_the_registry_says_whose_it_is(self) -> None:
        """Its data was restored, and the branch that was replaced is deleted."""
        gone = a_fleet(a_tenant(absent=True))
        rows = {"acme": Registered("p-acme", "free", "r0", NOON)}
        restored = a_project(branches=(a_branch(annotations={}),))
        plan = guarded(gone, a_view(restored, registered=rows), ALLOW_LOWERING)
        assert [type(action) for action in plan.actions] == [DeleteProject]
        for other in (a_project(details=False), a_project(branches=(a_branch("p-zoe"),))):
            plan = guarded(gone, a_view(other, registered=rows), ALLOW_LOWERING)
            assert refused(plan) == [(Rule.OWNERSHIP, ("acme",))]
        assert refused(guarded(gone, a_view(restored), ALLOW_LOWERING)) == [(Rule.OWNERSHIP, ("acme",))]

    def test_a_pinned_project_is(self) -> None:
        tombstone = a_tenant(absent=True, project_id="p-acme")
        plan = guarded(a_fleet(tombstone), a_view(a_project(details=False)), ALLOW_LOWERING)
        assert kinds(plan) == ["delete_project"]


def test_pruning_is_permission_enough() -> None:
    view = a_view(an_unused_project(), a_project("kept"))
    plan = guarded(a_fleet(a_tenant("kept")), view, Permissions(prune=True))
    assert kinds(plan) == ["delete_project"]


class TestPruning:
    orphans = a_view(*(an_unused_project(f"o{i}") for i in range(3)))

    def test_more_than_the_files_declare_is_a_sign_of_missing_files(self) -> None:
        for fleet in (a_fleet(), a_fleet(a_tenant("one"), a_tenant("two"))):
            plan = guarded(fleet, self.orphans, Permissions(prune=True))
            assert "delete_project" not in kinds(plan)
            assert (Rule.SHRUNKEN_FILES, ("o0", "o1", "o2")) in refused(plan)
        assert len(kinds(guarded(a_fleet(), self.orphans, Permissions(prune=True, counts={"deletes": 3})))) == 3

    def test_nothing_is_pruned_while_a_file_is_broken(self) -> None:
        fleet = a_fleet(*map(a_tenant, "abcd"), held_back=frozenset({"zoe"}))
        plan = guarded(fleet, self.orphans, Permissions(prune=True))
        assert "delete_project" not in kinds(plan)
        assert "nothing is pruned" in plan.notes[0].message

    def test_nothing_is_pruned_where_the_run_is_about_other_concerns(self) -> None:
        assert make_plan(a_fleet(*map(a_tenant, "abcd")), self.orphans, only=("quota",), prune=True).empty

    def test_an_adopted_project_is_not_ours_for_a_branch_that_we_made_in_it(self) -> None:
        ours = branch_annotations(fleet="prod", tenant="o0", run="r", branch="dev", purpose=Purpose.DEV_BRANCH)
        branches = (
            a_branch("p-o0", annotations={}),
            a_branch(id="br-1", name="dev", default=False, annotations=ours),
        )
        plan = make_plan(a_fleet(a_tenant("a")), a_view(a_project("o0", branches=branches)), prune=True)
        assert "delete_project" not in kinds(plan)


def test_pruning_permits_no_tombstone() -> None:
    plan = guarded(a_fleet(a_tenant(absent=True)), a_view(a_project()), Permissions(prune=True))
    assert refused(plan) == [(Rule.LOWERING_NEEDS_A_CAUSE, ("acme",))]


def test_an_incomplete_view_holds_back_creates_and_nothing_else() -> None:
    live = replace(
        a_view(a_project("drifted", restore_window_seconds=60)), unknown=(UnknownProject("p-?", "free"),)
    )
    plan = guarded(a_fleet(a_tenant("new"), a_tenant("drifted")), live)
    assert kinds(plan) == ["patch_project"]
    assert refused(plan) == [(Rule.INCOMPLETE_VIEW, ("new",))]


class TestAnIncompleteViewThatSaysWhose:
    fleet = a_fleet(
        a_tenant("acme"),
        a_tenant("bcme"),
        a_tenant("pinned", project_id="p-legacy"),
        naming=Naming("myapp-{tenant}", previous=("old-{tenant}",)),
    )

    def created(self, unknown: UnknownProject) -> list[str]:
        plan = guarded(self.fleet, replace(a_view(), unknown=(unknown,)))
        return [action.tenant for action in plan.actions]

    @pytest.mark.parametrize("name", ["myapp-acme", "old-acme"])
    def test_holds_back_only_the_tenant_of_that_name(self, name: str) -> None:
        assert self.created(UnknownProject("p-?", "free", name)) == ["bcme"]

    def test_holds_back_nobody_where_a_file_names_the_project(self) -> None:
        assert self.created(UnknownProject("p-legacy", "free")) == ["acme", "bcme"]
        assert self.created(UnknownProject("p-legacy", "free", "legacy")) == ["acme", "bcme"]

    @pytest.mark.parametrize("name", [None, "renamed in the console", "myapp-nobody"])
    def test_holds_back_everybody_where_no_tenant_has_its_name(self, name: str | None) -> None:
        assert self.created(UnknownProject("p-?", "free", name)) == []

    def test_holds_back_nobody_else_where_it_is_the_project_of_a_broken_file(self) -> None:
        fleet = replace(self.fleet, held_back=frozenset({"broken"}))
        live = replace(a_view(), unknown=(UnknownProject("p-?", "free", "myapp-broken"),))
        assert [action.tenant for action in guarded(fleet, live).actions] == ["acme", "bcme"]


def test_a_project_with_an_integration_is_not_moved() -> None:
    plan = guarded(a_fleet(a_tenant(tier="pro")), a_view(a_project(integrations=("vercel",))))
    assert plan.empty
    assert refused(plan) == [(Rule.INTEGRATION, ("acme",))]
    assert "vercel" in plan.refusals[0].message


def test_a_project_with_a_protected_branch_is_not_deleted() -> None:
    live = a_view(a_project(branches=(a_branch(protected=True),)))
    plan = guarded(a_fleet(a_tenant(absent=True)), live, ALLOW_LOWERING)
    assert plan.empty
    assert refused(plan) == [(Rule.PROTECTED, ("acme",))]
    assert "main" in plan.refusals[0].message


def test_a_size_that_its_organization_forbids_holds_back_what_would_travel_with_it() -> None:
    live = a_view(a_project(endpoints=(an_endpoint(compute=Compute(0.25, 8, 60)),)))
    fleet = a_fleet(a_tenant())
    plan = guarded(fleet, live)
    assert plan.empty
    rules = {refusal.rule: refusal.actions for refusal in plan.refusals}
    (suspension,) = rules[Rule.ORGANIZATION_LIMIT]
    assert [change.path for change in suspension.changes] == ["compute.suspend_timeout_seconds"]
    (size,) = rules[Rule.LOWERING_NEEDS_A_CAUSE]
    assert [change.path for change in size.changes] == ["compute.max_cu"]
    assert not guarded(fleet, live, ALLOW_LOWERING).refusals


HALF = replace(PRO_TIER, compute=Compute(min_cu=4))
"""Of the other end of the range, the files say nothing."""


def test_a_stated_size_that_does_not_fit_the_live_one_is_refused() -> None:
    live = a_pro_project(compute=Compute(0.25, 2, 300), endpoints=(an_endpoint(compute=Compute(0.25, 8, 300)),))
    plan = guarded(a_fleet(a_tenant(tier="pro"), tiers=(HALF,)), a_view(live))
    (action,) = (action for action in plan.actions if any(c.path in SIZE for c in action.changes))
    assert action.kind == "patch_endpoint", "4 to 8 CU is a range"
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.CANNOT_BE_DONE
    assert refusal.message == "Neon has no compute that scales from 4 to 2 CU"
    assert [action.kind for action in refusal.actions] == ["patch_project"]


def test_a_project_is_not_created_with_a_size_that_does_not_fit_neons_default() -> None:
    refused_one = guarded(a_fleet(a_tenant(tier="pro"), tiers=(HALF,)), a_view())
    assert refused_one.empty
    assert refused(refused_one) == [(Rule.CANNOT_BE_DONE, ("acme",))]
    upper = replace(PRO_TIER, compute=Compute(max_cu=4))
    assert kinds(guarded(a_fleet(a_tenant(tier="pro"), tiers=(upper,)), a_view())) == ["create_project"]


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [((0.25, 8), True), ((0.25, 9), False), ((8, 16), True), ((10, 18), False), ((18, 18), True), ((2, 1), False)],
)
def test_which_sizes_are_a_range(sizes: tuple[float, float], *, fits: bool) -> None:
    assert is_a_range(*sizes) is fits


def test_an_organization_takes_as_many_as_it_has_room_for() -> None:
    tight = an_organization("free", replace(FREE_LIMITS, projects=3))
    fleet = a_fleet(*map(a_tenant, "abcd"), organizations=(tight, PAID))
    plan = guarded(fleet, a_view(a_project("a")))
    assert [action.tenant for action in plan.actions] == ["b", "c"]
    assert refused(plan) == [(Rule.ORGANIZATION_LIMIT, ("d",))]
    assert "1 of 3" in plan.refusals[0].message


def test_many_creates_beside_as_many_unmatched_projects_are_a_changed_naming_pattern() -> None:
    fleet = a_fleet(*(a_tenant(f"new-{i}") for i in range(12)))
    old = a_view(*(a_project(f"old-{i}") for i in range(12)))
    plan = guarded(fleet, old)
    assert plan.empty
    assert plan.refusals[0].rule is Rule.MANY_UNMATCHED
    assert len(plan.refusals[0].tenants) == 12
    assert len(list(guarded(fleet, old, Permissions(counts={"creates": 12})).actions)) == 12


def test_a_changed_pattern_is_noticed_in_a_large_fleet_and_under_any_selection() -> None:
    fleet = a_fleet(*(a_tenant(f"new-{i}") for i in range(300)))
    old = a_view(*(a_project(f"x{i}", name=f"old name {i}", details=False) for i in range(300)))
    for selection in (Selection(), Selection(exclude=("new-1",)), Selection(shard=(1, 2))):
        plan = guarded_plan(fleet, old, selection=selection)
        assert plan.empty
        assert plan.refusals[0].rule is Rule.MANY_UNMATCHED


def test_a_move_from_an_organization_without_stated_limits_is_a_downgrade() -> None:
    boundless = a_fleet(a_tenant(), organizations=(FREE, an_organization("paid", OrganizationLimits())))
    plan = guarded(
        boundless, a_view(a_pro_project(quota=FREE_QUOTA, compute=FREE_COMPUTE, restore_window_seconds=DAY))
    )
    assert plan.empty
    assert refused(plan) == [(Rule.LOWERING_NEEDS_A_CAUSE, ("acme",))]


def test_a_compute_that_no_file_sizes_stands_in_the_way_of_a_downgrade_before_anything_is_lowered() -> None:
    large = an_endpoint(compute=Compute(4, 8, 300), id="ep-x", branch_id="br-x")
    branches = (a_branch(), a_branch(id="br-x", name="by hand", default=False, annotations={}))
    live = a_view(a_pro_project(branches=branches, endpoints=(an_endpoint(), large)))
    plan = guarded(a_fleet(a_tenant()), live, ALLOW_LOWERING)
    assert plan.empty
    assert "'by hand'" in plan.refusals[0].message


class TestThresholds:
    policy = Policy(
        thresholds=Thresholds(
            creates=Threshold(2, 0), transfers=Threshold(2, 0), disruptive=Threshold(2, 0), deletes=Threshold(2, 0)
        )
    )

    def scene(self, kind: str, count: int) -> tuple[DesiredState, LiveState]:
        names = [f"t{i}" for i in range(count)]
        tenants = [
            a_tenant(name, tier="pro" if kind == "transfers" else "free", absent=kind == "deletes")
            for name in names
        ]
        projects = [] if kind == "creates" else [a_project(name) for name in names]
        if kind == "disruptive":
            small = Compute(0.25, 1, 300)
            projects = [replace(p, endpoints=(an_endpoint(p.id, small),)) for p in projects]
        return a_fleet(*tenants, policy=self.policy), a_view(*projects)

    @pytest.mark.parametrize("kind", ["creates", "transfers", "disruptive", "deletes"])
    def test_one_more_than_allowed_refuses_all_of_the_kind(self, kind: str) -> None:
        base = a_fleet(*(a_tenant(f"t{i}") for i in range(3))) if kind == "transfers" else None
        assert not guarded(*self.scene(kind, 2), ALLOW_LOWERING, base=base).refusals
        plan = guarded(*self.scene(kind, 3), ALLOW_LOWERING, base=base)
        assert (Rule.THRESHOLD, ("t0", "t1", "t2")) in refused(plan)
        assert any(f"--allow {kind}=3" in refusal.remedy for refusal in plan.refusals)

    @pytest.mark.parametrize("kind", ["creates", "deletes"])
    def test_only_the_exact_number_or_more_permits_it(self, kind: str) -> None:
        assert guarded(*self.scene(kind, 3), Permissions(lowering=True, counts={kind: 2})).empty
        assert not guarded(*self.scene(kind, 3), Permissions(lowering=True, counts={kind: 3})).refusals

    def test_percent_counts_the_organization_and_not_the_selection(self) -> None:
        policy = Policy(thresholds=Thresholds(deletes=Threshold(0, 10)))
        tombstones = [a_tenant(f"t{i}", absent=True) for i in range(2)]
        others = [a_tenant(f"u{i}") for i in range(18)]
        live = a_view(*(a_project(tenant.name) for tenant in (*tombstones, *others)))
        fleet = a_fleet(*tombstones, *others, policy=policy)
        assert not guarded(fleet, live, ALLOW_LOWERING).refusals
        selected = make_plan(fleet, live, selection=Selection(tenants=("t*",)))
        assert not guard(selected, fleet, live, ALLOW_LOWERING).refusals
        shard = make_plan(fleet, live, selection=Selection(shard=(1, 2)))
        assert not guard(shard, fleet, live, ALLOW_LOWERING).refusals
        fewer = LiveState(live.projects, (), {"free": 19, "paid": 0})
        (refusal,) = guarded(fleet, fewer, ALLOW_LOWERING).refusals
        assert "2 deletes in organization free, threshold 1 (10 % of its 19 projects) per run" in refusal.message
        uncounted = LiveState(live.projects)
        (refusal,) = guarded(fleet, uncounted, ALLOW_LOWERING).refusals
        assert "threshold 0 per run" in refusal.message

    def test_percent_is_rounded_down_from_what_was_written_exactly(self) -> None:
        for tenths in range(1, 1000):
            allowed = Threshold(0, float(f"{tenths // 10}.{tenths % 10}")).allows(750)
            assert allowed == tenths * 750 // 1000

    def test_a_number_that_is_named_counts_for_the_run_and_not_for_each_organization(self) -> None:
        policy = Policy(thresholds=Thresholds(deletes=Threshold(1, 0)))
        names = ["a", "b", "y", "z"]
        fleet = a_fleet(*(a_tenant(name, absent=True) for name in names), policy=policy)
        live = a_view(*map(a_project, names[:2]), *map(a_pro_project, names[2:]))

        def permitting(count: int) -> Plan:
            return guarded(fleet, live, Permissions(lowering=True, counts={"deletes": count}))

        assert refused(permitting(3)) == [(Rule.THRESHOLD, ("a", "b")), (Rule.THRESHOLD, ("y", "z"))]
        assert ["--allow deletes=4" in refusal.remedy for refusal in permitting(2).refusals] == [True, True]
        assert not permitting(4).refusals


class TestATierRenamedAwayUnderItsTenants:
    old, new = replace(PRO_TIER, name="old"), replace(PRO_TIER, name="new")
    less = replace(new, quota=replace(PRO_QUOTA, active_time_seconds=60))
    names = ("a", "b")

    def plan(self, new: Tier, *, base: tuple[Tier, ...] = (FREE_TIER, old), lowering: bool = False) -> Plan:
        before = a_fleet(*(a_tenant(name, "old") for name in self.names), tiers=base)
        after = a_fleet(*(a_tenant(name, "new") for name in self.names), tiers=(FREE_TIER, new))
        live = a_view(*map(a_pro_project, self.names))
        return guarded(after, live, Permissions(lowering=lowering), base=before)

    def test_lowers_nobody(self) -> None:
        plan = self.plan(self.less)
        assert plan.empty
        assert refused(plan) == [(Rule.TIER_RENAMED, self.names)]
        (refusal,) = plan.refusals
        assert (
            "tier 'old' was removed since the base, and its new replacement 'new' reduces limits of 2"
            in refusal.message
        )
        assert "--allow lowering" in refusal.remedy

    def test_holds_up_no_tenant_from_whom_it_takes_nothing(self) -> None:
        before = a_fleet(*(a_tenant(name, "old") for name in self.names), tiers=(FREE_TIER, self.old))
        after = a_fleet(*(a_tenant(name, "new") for name in self.names), tiers=(FREE_TIER, self.less))
        poor = a_pro_project("b", quota=replace(PRO_QUOTA, active_time_seconds=30))
        plan = guarded(after, a_view(a_pro_project("a"), poor), base=before)
        assert refused(plan) == [(Rule.TIER_RENAMED, ("a",))]
        assert [action.tenant for action in plan.actions] == ["b"]

    def test_may_take_nothing_or_be_permitted(self) -> None:
        assert not self.plan(self.new).refusals
        assert not self.plan(self.less, lowering=True).refusals

    def test_is_another_matter_where_the_new_tier_was_there_before(self) -> None:
        assert not self.plan(self.less, base=(FREE_TIER, self.old, self.new)).refusals

    def test_is_another_matter_where_the_old_tier_is_still_there(self) -> None:
        before = a_fleet(a_tenant("a", "old"), tiers=(FREE_TIER, self.old))
        after = a_fleet(a_tenant("a", "new"), tiers=(FREE_TIER, self.old, self.less))
        assert not guarded(after, a_view(a_pro_project("a")), base=before).refusals


class TestStrict:
    fleet = a_fleet(a_tenant("down"), a_tenant("up", tier="pro"))
    base = a_fleet(a_tenant("up"), held_back=frozenset({"down"}))
    live = a_view(a_pro_project("down"), a_project("up"))

    def test_does_nothing_where_anything_is_refused_and_says_so(self) -> None:
        plan = guarded(self.fleet, self.live, base=self.base, strict=True)
        assert plan.empty
        assert refused(plan) == [(Rule.LOWERING_NEEDS_A_CAUSE, ("down",)), (Rule.STRICT, ("up",))]
        assert len(plan.refusals[1].actions) == 3
        assert plan.budget.writes == 0
        lenient = guarded(self.fleet, self.live, base=self.base)
        assert kinds(lenient) == ["transfer_project", "patch_endpoint", "patch_project"]

    def test_does_nothing_beside_a_conflict(self) -> None:
        twins = a_view(a_project("down"), a_project("down", id="p-twin"), a_project("up"))
        plan = guarded(self.fleet, twins, base=self.base, strict=True)
        assert refused(plan) == [(Rule.STRICT, ("up",))]
        assert "there is also 1 conflict" in plan.refusals[0].message

    def test_is_no_matter_where_drift_is_only_reported(self) -> None:
        reporting = replace(self.fleet, policy=Policy(drift={"quota": DriftPolicy.REPORT}))
        drifted = a_view(a_project("down", quota=replace(FREE_QUOTA, active_time_seconds=60)), a_project("up"))
        plan = guarded(reporting, drifted, base=self.base, strict=True)
        assert "transfer_project" in kinds(plan)

    def test_adds_no_refusal_where_nothing_was_left_to_do(self) -> None:
        plan = guarded(a_fleet(a_tenant("down")), a_view(a_pro_project("down")), strict=True)
        assert refused(plan) == [(Rule.LOWERING_NEEDS_A_CAUSE, ("down",))]


def test_the_budget_counts_what_goes_ahead() -> None:
    fleet = a_fleet(a_tenant("down"), a_tenant("up", tier="pro"))
    base = a_fleet(a_tenant("down"), a_tenant("up"))
    plan = guarded(fleet, a_view(a_pro_project("down"), a_project("up")), base=base)
    assert plan.budget.writes == 3


def test_restoring_a_longer_window_is_safe_beside_a_held_back_quota() -> None:
    live = a_project(restore_window_seconds=60, quota=replace(FREE_QUOTA, data_transfer_bytes=0))
    plan = guarded(a_fleet(a_tenant()), a_view(live))
    (action,) = plan.actions
    assert [(change.path, change.after) for change in action.changes] == [("restore_window_seconds", DAY)]
    assert action.companions == (), "no quota goes out where no quota changes"  # type: ignore[union-attr]
