"""The downgrade proof: no lowering suspends a tenant, stops its writes or loses its history unless it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.tenant import Accepted, Overrides
from reconciler.model.annotations import Purpose, adoption_annotations, branch_annotations
from reconciler.model.quota import Consumption
from reconciler.model.values import replace
from reconciler.plan.adoption import MARK
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HISTORY_MAY_GO,
    HOUR,
    MIB,
    PRO_QUOTA,
    PRO_TIER,
    UNUSED,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.plan import Plan

ALLOWED = Permissions(lowering=True)
EVERYTHING = Accepted(suspension=True, full_branches=True, history_loss=True)
MEMBERS = [
    ("active_time_seconds", 100 * HOUR, "active_time would be 100h, but 100h are used"),
    ("compute_time_seconds", 50 * HOUR, "compute_time would be 50h, but 50h are used"),
    ("written_data_bytes", 3 * GIB, "written_data would be 3GiB, but 3GiB are used"),
    ("data_transfer_bytes", 5 * GIB, "data_transfer would be 5GiB, but 5GiB are used"),
]
QUOTA = replace(FREE_QUOTA, compute_time_seconds=50 * HOUR, written_data_bytes=3 * GIB)
TIER = replace(FREE_TIER, quota=QUOTA)
BOUNDLESS = replace(QUOTA, **dict.fromkeys([member for member, _, _ in MEMBERS], 0))


def guarded(tenant: Tenant, project: LiveProject, policy: Policy = Policy()) -> Plan:
    """A person has permitted that something is taken from the tenant, whom an earlier run has handled.

    What its file accepts came with the commit at hand.
    """
    fleet, view = a_fleet(tenant, tiers=(TIER, PRO_TIER), policy=policy), a_view(project)
    before = replace(fleet, tenants={tenant.name: replace(tenant, accept=Accepted())})
    return guarded_plan(fleet, view, ALLOWED, base=before)


def message(plan: Plan) -> str:
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.DOWNGRADE_PROOF
    assert refusal.tenants == ("acme",)
    return refusal.message


def paths(plan: Plan) -> list[str]:
    return [change.path for action in plan.actions for change in action.changes]


def held(plan: Plan) -> list[str]:
    return [change.path for refusal in plan.refusals for a in refusal.actions for change in a.changes]


def large(size: int | None, name: str = "dev") -> LiveBranch:
    return a_branch(id=f"br-{name}", name=name, default=False, annotations={}, logical_size_bytes=size)


class TestAQuotaBelowWhatIsUsed:
    @pytest.mark.parametrize(("member", "limit", "words"), MEMBERS)
    def test_is_held_back_alone_and_what_is_below_it_is_not(self, member: str, limit: int, words: str) -> None:
        project = a_project(quota=BOUNDLESS, consumption=replace(UNUSED, **{member: limit}))
        plan = guarded(a_tenant(), project)
        assert words in message(plan)
        assert "suspend the tenant immediately" in message(plan)
        assert held(plan) == [f"quota.{member}"]
        assert sorted(paths(plan)) == sorted(f"quota.{other}" for other, _, _ in MEMBERS if other != member)
        below = replace(project, consumption=replace(UNUSED, **{member: limit - 1}))
        assert not guarded(a_tenant(), below).refusals

    def test_travels_with_what_is_lowered_as_it_is_now(self) -> None:
        plan = guarded(
            a_tenant(), a_project(quota=BOUNDLESS, consumption=replace(UNUSED, active_time_seconds=400_000))
        )
        (action,) = plan.actions
        assert ("quota.active_time_seconds", 0) in action.companions  # type: ignore[union-attr]

    def test_is_told_with_what_would_allow_it(self) -> None:
        plan = guarded(
            a_tenant(), a_project(quota=BOUNDLESS, consumption=replace(UNUSED, active_time_seconds=400_000))
        )
        assert "active_time would be 100h, but 111.1h are used in this billing period" in message(plan)
        assert plan.refusals[0].remedy == (
            "let the tenant keep the current value, or add accept: {suspension: unlimited -> 100h} to its file"
        )
        assert str(plan.refusals[0].actions[0].source) == "tenants/acme.yaml:1"

    def test_goes_ahead_where_the_file_accepts_it(self) -> None:
        used_up = a_project(quota=BOUNDLESS, consumption=Consumption(10**9, 10**9, 10**12, 10**12))
        assert not guarded(a_tenant(accept=Accepted(suspension=True)), used_up).refusals
        other = Accepted(full_branches=True, history_loss=True)
        assert len(guarded(a_tenant(accept=other), used_up).refusals) == 1

    def test_is_refused_where_nobody_knows_what_is_used(self) -> None:
        for unknown in (None, Consumption(compute_time_seconds=0, written_data_bytes=0, data_transfer_bytes=0)):
            plan = guarded(a_tenant(), a_project(quota=BOUNDLESS, consumption=unknown))
            assert "Neon does not return the usage" in message(plan)
            assert "run again when Neon returns it" in plan.refusals[0].remedy

    def test_is_refused_where_a_list_does_not_prove_that_less_is_used(self) -> None:
        limit = QUOTA.active_time_seconds
        listed = a_project(quota=replace(QUOTA, active_time_seconds=0), consumption=None)
        assert not guarded(a_tenant(), replace(listed, listed_active_seconds=limit - 1)).refusals
        plan = guarded(a_tenant(), replace(listed, listed_active_seconds=limit))
        assert "Neon does not return the usage" in message(plan), "it may be the time of earlier periods, too"

    def test_goes_ahead_where_the_list_shows_that_nothing_has_run(self) -> None:
        idle = a_project(quota=BOUNDLESS, consumption=None, listed_active_seconds=0)
        assert not guarded(a_tenant(), idle).refusals

    def test_is_no_matter_where_it_is_raised_or_stays(self) -> None:
        used_up = a_project(quota=replace(QUOTA, data_transfer_bytes=1), consumption=Consumption(*[10**15] * 4))
        assert paths(guarded(a_tenant(), used_up)) == ["quota.data_transfer_bytes"]

    def test_is_held_back_when_an_override_lowers_it(self) -> None:
        tenant = a_tenant(overrides=Overrides(quota={"active_time_seconds": 1}))
        used = a_project(quota=QUOTA, consumption=replace(UNUSED, active_time_seconds=1))
        assert "active_time would be 1s, but 1s are used" in message(guarded(tenant, used))

    def test_is_held_back_when_drift_would_be_repaired(self) -> None:
        raised = a_project(quota=BOUNDLESS, consumption=Consumption(10**9, 0, 0, 0))
        fleet = a_fleet(a_tenant(), tiers=(TIER, PRO_TIER), policy=Policy(drift={"quota": DriftPolicy.REPAIR}))
        plan = guarded_plan(fleet, a_view(raised), base=fleet)
        assert "active_time" in message(plan)


class TestALogicalSizeBelowThatOfABranch:
    TOO_LARGE = replace(QUOTA, logical_size_bytes=10 * GIB)

    def project(self, *branches: LiveBranch, **fields: Any) -> LiveProject:
        return a_project(quota=self.TOO_LARGE, branches=(a_branch(), *branches), **fields)

    def test_is_held_back_and_names_the_branches(self) -> None:
        plan = guarded(a_tenant(), self.project(large(512 * MIB), large(1610612736, "demo"), large(MIB, "small")))
        assert "logical_size would be 512MiB" in message(plan)
        assert "branches 'dev' (512MiB), 'demo' (1.5GiB) have reached" in message(plan)
        assert "'small'" not in message(plan)
        assert "writes there would fail" in message(plan)
        assert "full_branches: 10GiB -> 512MiB" in plan.refusals[0].remedy

    def test_names_some_of_many(self) -> None:
        plan = guarded(a_tenant(), self.project(*(large(GIB, f"b{i}") for i in range(7))))
        assert "'b4' (1GiB), 2 more" in message(plan)
        assert "'b5'" not in message(plan)

    def test_goes_ahead_where_the_file_accepts_it(self) -> None:
        full = self.project(large(GIB))
        assert not guarded(a_tenant(accept=Accepted(full_branches=True)), full).refusals
        assert guarded(a_tenant(accept=Accepted(suspension=True, history_loss=True)), full).refusals

    def test_goes_ahead_where_the_plan_deletes_the_branch(self) -> None:
        ours = a_branch(
            id="br-dev", name="dev", default=False, parent_id="br-p-acme", logical_size_bytes=GIB,
            annotations={**a_branch().annotations, "purpose": "dev_branch", "branch": "dev"},
        )  # fmt: skip
        plan = guarded(a_tenant(dev_branches=()), self.project(ours))
        assert [action.kind for action in plan.actions] == ["delete_branch", "patch_project"]

    def test_counts_a_branch_whose_deletion_is_held_back(self) -> None:
        ours = branch_annotations(fleet="prod", tenant="acme", run="r0", branch="dev", purpose=Purpose.DEV_BRANCH)
        kept = self.project(replace(large(GIB), parent_id="br-p-acme", annotations=ours))
        tenant = a_tenant(dev_branches=())
        assert not guarded(tenant, kept).refusals
        plan = guarded(tenant, kept, Policy(drift={"dev_branches": DriftPolicy.REPORT}))
        assert [refusal.rule for refusal in plan.refusals] == [Rule.DRIFT_POLICY, Rule.DOWNGRADE_PROOF]

    def test_is_no_matter_where_it_is_raised(self) -> None:
        small = replace(self.project(large(GIB)), quota=replace(QUOTA, logical_size_bytes=MIB))
        assert not guarded(a_tenant(), small).refusals

    def test_is_not_told_beside_another_reason(self) -> None:
        plan = guarded(a_tenant(protect=True), self.project(large(GIB)))
        assert [refusal.rule for refusal in plan.refusals] == [Rule.PROTECTED]

    def test_is_refused_where_a_size_is_not_known_and_the_whole_project_may_be_too_large(self) -> None:
        for storage in (None, 0, 512 * MIB):
            plan = guarded(a_tenant(), self.project(large(None), storage_bytes=storage))
            assert "Neon does not return the size of 'dev'" in message(plan)
        assert not guarded(a_tenant(), self.project(large(None), storage_bytes=512 * MIB - 1)).refusals

    def test_is_refused_where_the_branches_were_not_read(self) -> None:
        unread = replace(self.project(), branches=None)
        assert "its branches" in message(guarded(a_tenant(), unread))


class TestAShorterRestoreWindow:
    week = a_project(quota=QUOTA, restore_window_seconds=7 * DAY)

    def test_loses_history_and_is_held_back(self) -> None:
        plan = guarded(a_tenant(), self.week)
        assert plan.empty
        assert "restore_window would be 1d instead of 7d" in message(plan)
        assert "history_loss: 7d -> 1d" in plan.refusals[0].remedy

    def test_may_lose_history_where_nobody_knows_what_it_is(self) -> None:
        tier = replace(TIER, restore_window_seconds=DAY)
        fleet, view = a_fleet(a_tenant(), tiers=(tier, PRO_TIER)), a_view(a_project(restore_window_seconds=None))
        plan = guarded_plan(fleet, view, ALLOWED)
        assert held(plan) == ["restore_window_seconds"]
        assert (
            "restore_window would be 1d, and Neon does not return the current value: history may be lost"
            in message(plan)
        )
        assert Rule.LOWERING_NEEDS_A_CAUSE in {r.rule for r in guarded_plan(fleet, view).refusals}
        protected = a_fleet(a_tenant(protect=True), tiers=(tier, PRO_TIER))
        refusals = guarded_plan(protected, view, ALLOWED).refusals
        assert Rule.PROTECTED in {refusal.rule for refusal in refusals}

    def test_holds_back_nothing_else_where_the_project_stays(self) -> None:
        lower = replace(self.week, quota=replace(QUOTA, active_time_seconds=0))
        assert paths(guarded(a_tenant(), lower)) == ["quota.active_time_seconds"]

    def test_goes_ahead_where_the_file_accepts_it(self) -> None:
        assert not guarded(a_tenant(accept=HISTORY_MAY_GO), self.week).refusals


class TestAMoveDown:
    PRO = a_pro_project(consumption=Consumption(101 * HOUR, 0, 0, 6 * GIB), branches=(a_branch(), large(GIB)))

    def test_is_refused_as_a_whole_with_every_number_at_once(self) -> None:
        plan = guarded(a_tenant(), self.PRO)
        assert plan.empty
        for words in ("active_time would be 100h", "data_transfer would be 5GiB", "'dev' (1GiB)", "instead of 7d"):
            assert words in message(plan)
        accept = (
            "accept: {history_loss: 7d -> 1d, suspension: [750h -> 100h, 50GiB -> 5GiB], "
            "full_branches: 10GiB -> 512MiB}"
        )
        assert accept in plan.refusals[0].remedy
        assert "transfer_project" in [action.kind for action in plan.refusals[0].actions]

    @pytest.mark.parametrize("missing", ["suspension", "full_branches", "history_loss"])
    def test_goes_ahead_only_where_all_of_it_is_accepted(self, missing: str) -> None:
        assert guarded(a_tenant(accept=replace(EVERYTHING, **{missing: False})), self.PRO).empty
        assert not guarded(a_tenant(accept=EVERYTHING), self.PRO).refusals

    @pytest.mark.parametrize(
        ("unread", "words"),
        [
            ("branches", "branches"),
            ("endpoints", "computes"),
            ("snapshots", "snapshots"),
            ("integrations", "integrations"),
        ],
    )
    def test_is_refused_where_what_the_destination_may_forbid_was_not_read(self, unread: str, words: str) -> None:
        plan = guarded(a_tenant(accept=EVERYTHING), replace(self.PRO, **{unread: None}))  # type: ignore[arg-type]
        assert plan.empty
        assert f"Neon did not return its {words}: the project may not fit into organization free" in message(plan)
        assert plan.refusals[0].remedy == "run again when Neon returns it"

    def test_is_refused_where_nobody_knows_the_window(self) -> None:
        plan = guarded(a_tenant(accept=Accepted(True, True)), replace(self.PRO, restore_window_seconds=None))
        assert plan.empty
        assert "history may be lost" in message(plan)

    def test_is_refused_where_nobody_knows_the_window_and_the_files_do_not_manage_it(self) -> None:
        bare = replace(TIER, restore_window_seconds=None)
        fleet = a_fleet(a_tenant(accept=EVERYTHING), tiers=(bare, PRO_TIER))
        view = a_view(replace(self.PRO, restore_window_seconds=None))
        plan = guarded_plan(fleet, view, ALLOWED)
        assert plan.empty
        assert "did not return its restore window" in message(plan)
        known = a_view(replace(self.PRO, restore_window_seconds=DAY))
        assert not guarded_plan(fleet, known, ALLOWED).empty

    def test_without_a_cause_says_that_first(self) -> None:
        fleet, view = a_fleet(a_tenant()), a_view(self.PRO)
        (refusal,) = guarded_plan(fleet, view).refusals
        assert refusal.rule is Rule.LOWERING_NEEDS_A_CAUSE


def test_a_move_up_waits_as_a_whole_for_the_one_limit_that_is_lower_and_used() -> None:
    stingy = replace(PRO_TIER, quota=replace(PRO_QUOTA, active_time_seconds=HOUR))
    fleet = a_fleet(a_tenant(tier="pro"), tiers=(FREE_TIER, stingy))
    view = a_view(a_project(consumption=replace(UNUSED, active_time_seconds=HOUR)))
    history = History(a_fleet(a_tenant(), tiers=(FREE_TIER, stingy)))
    plan = guarded_plan(fleet, view, ALLOWED, history=history)
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.DOWNGRADE_PROOF]
    assert "organization" in held(plan)


def test_a_branch_that_marks_an_adopted_project_proves_nothing() -> None:
    """Nobody writes to it, and it keeps the size that the project had."""
    notes = adoption_annotations(fleet="prod", tenant="acme", run="r1", branch=MARK)
    mark = a_branch(id="br-mark", name=MARK, default=False, annotations=notes, logical_size_bytes=GIB)
    project = a_project(quota=replace(QUOTA, logical_size_bytes=2 * GIB), branches=(a_branch(), mark))
    assert not guarded(a_tenant(), project).refusals
