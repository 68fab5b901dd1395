"""Thresholds hold for the whole fleet, whatever part of it a run is about; no part of a tier goes ahead alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.policy import Policy, Threshold, Thresholds
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import Accepted, DevBranch, Overrides
from reconciler.desired.tier import Tier
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.baseline import Baseline
from reconciler.plan.concerns import NAMES
from reconciler.plan.guards.counted import share
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE_COMPUTE,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HERE,
    HISTORY_MAY_GO,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

TENANTS = [f"t{i:02}" for i in range(60)]
BEFORE = a_fleet(*map(a_tenant, TENANTS))
LIVE = [a_project(name) for name in TENANTS]
BY_SHARD = [Selection(shard=(number, 20)) for number in range(1, 21)]
BY_GLOB = [Selection(tenants=(f"t{number}*",)) for number in range(6)]
ONE_BY_ONE = [Selection(changed=frozenset({name})) for name in TENANTS]


def tombstones(count: int) -> DesiredState:
    ended = [a_tenant(name, absent=True) for name in TENANTS[:count]]
    return a_fleet(*ended, *map(a_tenant, TENANTS[count:]))


def guarded(
    desired: DesiredState,
    live: LiveState,
    selection: Selection = Selection(),
    *,
    base: DesiredState | None = BEFORE,
    permissions: Permissions = Permissions(),
    only: tuple[str, ...] = NAMES,
) -> Plan:
    return guarded_plan(desired, live, permissions, base=base, selection=selection, only=only)


def deleted_by(selections: list[Selection], desired: DesiredState, *, listed: bool = True) -> set[str]:
    """Who is deleted by runs on these parts, one after the other."""
    gone: set[str] = set()
    for selection in selections:
        live = a_view(*(project for project in LIVE if project.id[2:] not in gone), listed=listed)
        gone |= {planned.tenant for planned in guarded(desired, live, selection).tenants}
    return gone


def test_a_smaller_threshold_at_a_base_that_is_ahead_counts() -> None:
    """No deletions during an incident: neither by a branch that was cut before it."""
    frozen = a_fleet(*map(a_tenant, TENANTS), policy=Policy(Thresholds(deletes=Threshold(0, 0))))
    for history, deleted in ((History(BEFORE), 5), (History(frozen, fork=BEFORE), 0), (History(frozen), 5)):
        now = tombstones(5)
        assert len(guarded_plan(now, a_view(*LIVE), history=history).tenants) == deleted


class TestThresholdsOfParts:
    @pytest.mark.parametrize("parts", [BY_SHARD, BY_GLOB, ONE_BY_ONE], ids=["shards", "globs", "one by one"])
    @pytest.mark.parametrize("listed", [True, False])
    def test_many_runs_delete_no_more_than_one(self, parts: list[Selection], *, listed: bool) -> None:
        assert deleted_by(parts, tombstones(60), listed=listed) == set()
        assert deleted_by(parts, tombstones(6), listed=listed) == set()
        assert deleted_by(parts, tombstones(5), listed=listed) == set(TENANTS[:5]), "as one run would"

    def test_the_refusal_names_the_fleet_and_a_person_may_count(self) -> None:
        one = Selection(tenants=("t00",))
        plan = guarded(tombstones(60), a_view(*LIVE), one)
        assert [(refusal.rule, refusal.tenants) for refusal in plan.refusals] == [(Rule.THRESHOLD, ("t00",))]
        assert "60 deletes in organization free in the whole fleet" in plan.refusals[0].message
        assert "--allow deletes=1" in plan.refusals[0].remedy
        assert guarded(tombstones(60), a_view(*LIVE), one, permissions=Permissions(counts={"deletes": 1})).tenants

    def test_moves_that_the_files_ask_for_count_too(self) -> None:
        few = Policy(Thresholds(transfers=Threshold(5, 0)))
        upgraded = a_fleet(*(a_tenant(name, "pro") for name in TENANTS), policy=few)
        plan = guarded(upgraded, a_view(*LIVE), Selection(tenants=("t0[0-3]",)))
        assert plan.empty
        assert "60 transfers in organization free in the whole fleet" in plan.refusals[0].message

    def test_what_is_owed_since_the_base_moved_counts_too(self) -> None:
        """The base of all others is this commit: of those who wait, an earlier one."""
        waiting = tombstones(60)
        history = History(waiting, owed=dict.fromkeys(waiting.tenants, Baseline(BEFORE)))
        few = Selection(tenants=("t0[0-3]",))
        assert guarded_plan(waiting, a_view(*LIVE), history=history, selection=few).empty

    def test_what_is_done_already_is_not_counted(self) -> None:
        rest = a_view(*LIVE[58:])
        assert len(guarded(tombstones(60), rest, Selection(tenants=("t58", "t59"))).tenants) == 2

    @pytest.mark.parametrize(("allowed", "shards"), [(100, 7), (5, 5), (5, 2), (1, 1), (0, 4), (30, 20)])
    def test_the_shares_of_all_shards_are_the_threshold(self, allowed: int, shards: int) -> None:
        shares = [share(allowed, Selection(shard=(number, shards))) for number in range(1, shards + 1)]
        assert sum(shares) == allowed
        assert not shares or max(shares) - min(shares) <= 1

    def test_each_of_many_shards_may_do_one(self) -> None:
        assert {share(5, Selection(shard=(number, 20))) for number in range(1, 21)} == {1}

    def test_a_shard_gets_its_share_of_what_drifted(self) -> None:
        few = Policy(Thresholds(disruptive=Threshold(20, 0)))
        sized = [replace(p, endpoints=(an_endpoint(p.id, Compute(0.25, 1, 300)),)) for p in LIVE]
        fleet = a_fleet(*map(a_tenant, TENANTS), policy=few)
        plan = guarded(fleet, a_view(*sized), Selection(shard=(1, 20)), base=fleet)
        assert plan.empty
        assert "threshold 1 for this shard, 20 for the fleet" in plan.refusals[0].message


SMALL = Compute(0.25, 1, 300)
LARGER = replace(FREE_TIER, compute=replace(FREE_COMPUTE, suspend_timeout_seconds=600, max_cu=1.5))
SHRUNK = [replace(p, compute=SMALL, endpoints=(an_endpoint(p.id, SMALL),)) for p in LIVE]


def restarted_by(selections: list[Selection], desired: DesiredState, base: DesiredState) -> set[str]:
    """Whose computes are restarted by runs on these parts, all on what is live now."""
    plans = (guarded(desired, a_view(*SHRUNK), selection, base=base) for selection in selections)
    return {planned.tenant for plan in plans for planned in plan.tenants}


class TestRestartsOfParts:
    few = Policy(Thresholds(disruptive=Threshold(12, 0)))
    fleet = a_fleet(*map(a_tenant, TENANTS), policy=few)
    changed = a_fleet(*map(a_tenant, TENANTS), tiers=(LARGER, PRO_TIER), policy=few)

    @pytest.mark.parametrize("parts", [BY_SHARD, BY_GLOB], ids=["shards", "globs"])
    def test_many_runs_repair_no_more_drift_than_one(self, parts: list[Selection]) -> None:
        assert len(restarted_by(parts, self.fleet, self.fleet)) <= 12

    def test_a_part_repairs_its_share(self) -> None:
        drifted = (*SHRUNK[:2], *LIVE[2:])
        plan = guarded(self.fleet, a_view(*drifted), BY_GLOB[0], base=self.fleet)
        assert [planned.tenant for planned in plan.tenants] == ["t00", "t01"]
        more = guarded(self.fleet, a_view(*SHRUNK[:3], *LIVE[3:]), BY_GLOB[0], base=self.fleet)
        assert more.empty
        assert (
            "3 disruptive in organization free without a commit that asks for them, threshold 2 for this part"
            in (more.refusals[0].message)
        )
        assert "12 for the fleet" in more.refusals[0].message
        assert more.refusals[0].remedy.endswith("of this run with --allow disruptive=3")

    @pytest.mark.parametrize("parts", [BY_SHARD, BY_GLOB, ONE_BY_ONE], ids=["shards", "globs", "one by one"])
    def test_restarts_that_a_commit_asks_for_count_in_the_whole_fleet(self, parts: list[Selection]) -> None:
        before = a_fleet(*map(a_tenant, TENANTS))
        assert restarted_by(parts, self.changed, before) == set()
        plan = guarded(self.changed, a_view(*SHRUNK), parts[0], base=before)
        assert "60 disruptive in organization free in the whole fleet" in plan.refusals[0].message

    def test_a_commit_that_asks_for_few_goes_ahead_in_any_part(self) -> None:
        larger = Overrides(compute=Compute(None, 1.5, 600))
        files = [a_tenant(name, overrides=larger) for name in TENANTS[:9]]
        desired = a_fleet(*files, *map(a_tenant, TENANTS[9:]), policy=self.few)
        selection = Selection(changed=frozenset(TENANTS[:9]))
        plan = guarded(desired, a_view(*SHRUNK), selection, base=self.fleet)
        assert [planned.tenant for planned in plan.tenants] == TENANTS[:9]

    def test_lower_quotas_count_and_what_is_done_does_not(self) -> None:
        less = replace(FREE_TIER, quota=replace(FREE_QUOTA, data_transfer_bytes=GIB))
        desired = a_fleet(*map(a_tenant, TENANTS), tiers=(less, PRO_TIER), policy=self.few)
        plan = guarded(desired, a_view(*LIVE), BY_GLOB[0])
        assert "60 disruptive in organization free in the whole fleet" in plan.refusals[0].message
        done = [replace(project, quota=less.quota) for project in LIVE]
        assert len(guarded(desired, a_view(*LIVE[:10], *done[10:]), BY_GLOB[0]).tenants) == 10

    def test_in_a_fleet_that_cannot_go_beyond_the_threshold_a_part_is_no_part(self) -> None:
        fleet = a_fleet(*map(a_tenant, TENANTS[:12]), policy=self.few)
        live = a_view(*SHRUNK[:12])
        assert len(guarded(fleet, live, Selection(tenants=("t0[0-5]",)), base=fleet).tenants) == 6

    def test_creations_count_in_the_whole_fleet(self) -> None:
        few = Policy(Thresholds(creates=Threshold(12, 0)))
        desired = a_fleet(*map(a_tenant, TENANTS), policy=few)
        base = a_fleet(*map(a_tenant, TENANTS[:40]))
        plan = guarded(desired, a_view(*LIVE[:40]), BY_GLOB[5], base=base)
        assert "20 creates in organization free in the whole fleet" in plan.refusals[0].message
        assert len(guarded(desired, a_view(*LIVE[:50]), BY_GLOB[5], base=base).tenants) == 10


class TestWhatCounts:
    policy = Policy(Thresholds(disruptive=Threshold(1, 0)))

    def counted(self, desired: DesiredState, *live: object, base: DesiredState) -> bool:
        plan = guarded(desired, a_view(*live), base=base)  # type: ignore[arg-type]
        return any(refusal.rule is Rule.THRESHOLD for refusal in plan.refusals)

    def test_computes_that_restart(self) -> None:
        fleet = a_fleet(a_tenant("a"), a_tenant("b"), policy=self.policy)
        small = Compute(0.25, 1, 300)
        live = [a_project(n, compute=small, endpoints=(an_endpoint(f"p-{n}", small),)) for n in "ab"]
        assert self.counted(fleet, *live, base=fleet)

    @pytest.mark.parametrize("active", [True, False])
    def test_computes_that_are_woken(self, *, active: bool) -> None:
        longer = replace(FREE_TIER, compute=replace(FREE_COMPUTE, suspend_timeout_seconds=600))
        fleet = a_fleet(a_tenant("a"), a_tenant("b"), tiers=(longer, PRO_TIER), policy=self.policy)
        live = [a_project(n, endpoints=(an_endpoint(f"p-{n}", active=active),)) for n in "ab"]
        assert self.counted(fleet, *live, base=a_fleet(a_tenant("a"), a_tenant("b"))) is not active

    def test_tenants_that_would_be_suspended(self) -> None:
        accept = Accepted(suspension=True)
        granted = Overrides(quota={"active_time_seconds": 60})
        less = [a_tenant(n, overrides=granted, accept=accept) for n in "ab"]
        before = a_fleet(a_tenant("a"), a_tenant("b"))
        assert self.counted(a_fleet(*less, policy=self.policy), a_project("a"), a_project("b"), base=before)


class TestOnly:
    enterprise = Tier(
        "enterprise", "paid", HERE, quota=PRO_QUOTA, compute=Compute(1, 8, 300), restore_window_seconds=7 * DAY
    )
    tiers = (FREE_TIER, PRO_TIER, enterprise)
    before = a_fleet(
        a_tenant("up"), a_tenant("down", "pro"), a_tenant("same", "pro"), a_tenant("safe"), tiers=tiers
    )
    files = a_fleet(
        a_tenant("up", "enterprise"),
        a_tenant("down", accept=HISTORY_MAY_GO),
        a_tenant("same", "enterprise"),
        a_tenant("safe"),
        tiers=tiers,
    )
    short = replace(FREE_QUOTA, data_transfer_bytes=GIB)
    live = a_view(a_project("up"), a_pro_project("down"), a_pro_project("same"), a_project("safe", quota=short))

    @pytest.mark.parametrize("only", ["quota", "organization", "compute", "restore_window"])
    def test_a_part_of_a_move_is_refused_and_others_go_ahead(self, only: str) -> None:
        plan = guarded(self.files, self.live, base=self.before, only=(only,))
        refused = {t for r in plan.refusals if r.rule is Rule.PART_OF_A_TIER for t in r.tenants}
        assert refused == {"up", "down"}
        rest = {"quota": ["safe"], "compute": ["same"]}
        assert [planned.tenant for planned in plan.tenants] == rest.get(only, [])

    def test_branches_do_not_go_without_the_tier(self) -> None:
        files = a_fleet(
            a_tenant("up", "enterprise", dev_branches=(DevBranch("dev"),)),
            tiers=(FREE_TIER, PRO_TIER, self.enterprise),
        )
        plan = guarded(files, a_view(a_project("up")), base=self.before, only=("dev_branches",))
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.PART_OF_A_TIER]

    def test_branches_wait_with_what_the_tier_takes(self) -> None:
        """In one organization: a shorter window that the file does not accept, and more branches."""
        short = replace(PRO_TIER, name="short", restore_window_seconds=DAY)
        before = a_fleet(a_tenant("same", "pro"), tiers=(FREE_TIER, PRO_TIER, short))
        files = a_fleet(
            a_tenant("same", "short", dev_branches=(DevBranch("dev"),)), tiers=(FREE_TIER, PRO_TIER, short)
        )
        plan = guarded(files, a_view(a_pro_project("same")), base=before)
        assert plan.empty
        assert {refusal.rule for refusal in plan.refusals} == {Rule.DOWNGRADE_PROOF}

    def test_a_part_of_a_tier_in_one_organization_is_refused_too(self) -> None:
        larger = replace(self.enterprise, quota=replace(PRO_QUOTA, data_transfer_bytes=99 * GIB))
        files = a_fleet(a_tenant("same", "enterprise"), tiers=(FREE_TIER, PRO_TIER, larger))
        plan = guarded(files, a_view(a_pro_project("same")), base=self.before, only=("quota",))
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.PART_OF_A_TIER]
        assert "--only quota --only compute" in plan.refusals[0].remedy

    def test_all_that_differs_may_go(self) -> None:
        only = ("organization", "quota", "compute", "restore_window")
        plan = guarded(self.files, self.live, base=self.before, only=only)
        assert not plan.refusals
        assert {planned.tenant for planned in plan.tenants} == {"up", "down", "same", "safe"}

    @pytest.mark.parametrize("only", ["project", "settings", "dev_branches", "snapshots"])
    def test_what_no_tier_change_is_about_goes_ahead(self, only: str) -> None:
        assert not guarded(self.files, self.live, base=self.before, only=(only,)).refusals


def test_who_is_left_out_is_counted_only_if_all_files_were_read() -> None:
    """A command on one tenant reads its file, and files of lines: it does not know how many others there are."""
    one, live = Selection(tenants=("t00",)), a_view(*LIVE)
    for known, left_out in ((BEFORE, len(TENANTS) - 1), (replace(BEFORE, partial=True), 0)):
        assert make_plan(known, live, selection=one).coverage.left_out == left_out
