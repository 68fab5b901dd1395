"""Which way the files moved: between more than two organizations, under other names, and from tier to tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import DriftPolicy, Policy, Threshold, Thresholds
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import DevBranch, Overrides
from reconciler.desired.tier import EnvReference, OrganizationLimits
from reconciler.model.compute import Compute
from reconciler.model.fields.allow_list import shuts_out
from reconciler.model.values import JsonText, replace
from reconciler.plan.actions.project import TransferProject
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.reductions import reduced
from reconciler.plan.declared_fields import changed_since
from reconciler.plan.guards.counted import DISRUPTIVE, TRANSFERS, asked_for
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE,
    FREE_LIMITS,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HISTORY_MAY_GO,
    PAID,
    PAID_LIMITS,
    PRO_COMPUTE,
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
    guarded_plan,
    make_plan,
)
from tests.unit.plan.test_swapped_organizations import FLEET, FREE_ONES, PAYING, SWAPPED, stopped

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Organization, Tier
    from reconciler.live.project import LiveProject
    from reconciler.plan.concerns.concern import Stated
    from reconciler.plan.plan import Plan

BIG_LIMITS = replace(PAID_LIMITS, snapshots=100, max_cu=56, restore_window_seconds=30 * DAY)
BIG = an_organization("big", BIG_LIMITS)
SCALE_QUOTA = replace(PRO_QUOTA, data_transfer_bytes=500 * GIB)
SCALE_COMPUTE = Compute(1, 8, 600)
SCALE_TIER = replace(PRO_TIER, name="scale", quota=SCALE_QUOTA, compute=SCALE_COMPUTE)
ENT_TIER = replace(SCALE_TIER, name="ent", organization="big", restore_window_seconds=30 * DAY)
TIERS = (FREE_TIER, PRO_TIER, SCALE_TIER, ENT_TIER)
MAX, MIN, SUSPEND = "compute.max_cu", "compute.min_cu", "compute.suspend_timeout_seconds"
TRANSFER = "quota.data_transfer_bytes"


def files(*tenants: Any, tiers: tuple[Tier, ...] = TIERS, **more: Any) -> DesiredState:
    return a_fleet(*tenants, tiers=tiers, **{"organizations": (FREE, PAID, BIG), **more})


def plan_of(
    now: DesiredState,
    live: LiveProject | tuple[LiveProject, ...],
    base: DesiredState,
    permissions: Permissions = Permissions(),
    *,
    fork: DesiredState | None = None,
) -> Plan:
    view = a_view(*(live if isinstance(live, tuple) else (live,)))
    history = History(base, fork).under(now)
    return guarded_plan(now, view, permissions, history=history)


def changed(plan: Plan) -> set[str]:
    return {change.path for action in plan.actions for change in action.changes}


def held(plan: Plan) -> set[str]:
    return {change.path for refusal in plan.refusals for a in refusal.actions for change in a.changes}


def in_big(**fields: Any) -> LiveProject:
    return a_project(**{"organization": "big", **fields})


def in_scale(**fields: Any) -> LiveProject:
    sized = {"compute": SCALE_COMPUTE, "endpoints": (an_endpoint(compute=SCALE_COMPUTE),)}
    return a_pro_project(**{"quota": SCALE_QUOTA, **sized, **fields})


class TestMovesBetweenThreeOrganizations:
    """A project that somebody put into the biggest one is moved down by a commit that moves its tenant down."""

    @pytest.mark.parametrize(
        ("base", "now", "asked"),
        [("free", "pro", False), ("pro", "free", True), ("ent", "pro", True), ("ent", "free", True)],
    )
    def test_is_asked_for_in_the_direction_that_the_commit_moved(self, base: str, now: str, asked: bool) -> None:
        moved = files(a_tenant(tier=now, accept=HISTORY_MAY_GO))
        plan = plan_of(moved, in_big(), files(a_tenant(tier=base)))
        moves = [action for action in plan.actions if isinstance(action, TransferProject)]
        assert bool(moves) is asked
        assert plan.empty is not asked

    def test_waits_as_a_whole_where_nobody_asked_for_the_move(self) -> None:
        plan = plan_of(files(a_tenant(tier="pro")), in_big(), files(a_tenant()))
        assert plan.empty
        assert [refusal.asked_for for refusal in plan.refusals] == [True]
        assert "organization" in held(plan)

    def test_the_fork_has_to_have_been_above_as_well(self) -> None:
        now, base, fork = (files(a_tenant(tier=tier)) for tier in ("pro", "ent", "free"))
        assert plan_of(now, in_big(), base, fork=fork).empty

    def test_a_person_may_permit_it(self) -> None:
        now, base = files(a_tenant(tier="pro", accept=HISTORY_MAY_GO)), files(a_tenant())
        assert not plan_of(now, in_big(), base, Permissions(lowering=True)).empty

    def test_snapshots_that_the_middle_one_has_no_room_for_stay_with_the_project(self) -> None:
        few = replace(PAID, limits=replace(PAID_LIMITS, snapshots=0))
        now = files(a_tenant(tier="pro"), organizations=(FREE, few, BIG))
        assert plan_of(now, in_big(), files(a_tenant(), organizations=(FREE, few, BIG))).empty

    def test_an_upgrade_into_one_that_grants_less_of_something_takes_only_that(self) -> None:
        """Neither grants more than the other: what is asked for is what this commit takes."""
        odd = replace(PAID, limits=replace(PAID_LIMITS, snapshots=0))
        organizations = (FREE, odd, BIG)
        now, base = (files(a_tenant(tier=tier), organizations=organizations) for tier in ("pro", "free"))
        assert not plan_of(now, a_project(), base).empty
        assert plan_of(now, in_big(), base).empty

    def test_what_is_stated_of_organizations_since_the_base_is_no_direction(self) -> None:
        """Limits are facts: the newest files know them best."""
        unknown = tuple(replace(one, limits=OrganizationLimits()) for one in (FREE, PAID, BIG))
        base = files(a_tenant(tier="free"), organizations=unknown)
        assert plan_of(files(a_tenant(tier="pro")), in_big(), base).empty

    def test_is_counted_as_asked_for_only_in_that_direction(self) -> None:
        names = [f"t{i}" for i in range(4)]
        now, base = (files(*(a_tenant(n, tier) for n in names)) for tier in ("pro", "free"))
        astray = a_view(*(in_big(name=f"myapp-{n}", id=f"p-{n}") for n in names[:2]), *map(a_project, names[2:]))
        assert asked_for(TRANSFERS, now, astray, History(base)) == {"free": 2}


class TestOrganizationsUnderOtherNames:
    """Nobody has moved by another word for the same organization."""

    boosted = a_pro_project(quota=replace(FREE_QUOTA, data_transfer_bytes=900 * GIB), restore_window_seconds=DAY)
    base = a_fleet(a_tenant())

    @staticmethod
    def renamed(*tenants: Any, organization: Organization = FREE, tier: str = "free") -> DesiredState:
        sponsored = replace(organization, name="sponsored")
        named = replace(FREE_TIER, name=tier, organization="sponsored")
        return a_fleet(*tenants, tiers=(named, PRO_TIER), organizations=(sponsored, PAID))

    @pytest.mark.parametrize("variable", ["NEON_FREE_ORG_ID", "NEON_SPONSORED_ORG_ID"])
    def test_another_name_moves_nobody(self, variable: str) -> None:
        """Of the organization, and of the variable that holds its id, too."""
        now = self.renamed(a_tenant(), organization=replace(FREE, id=EnvReference(variable)))
        plan = plan_of(now, self.boosted, self.base)
        assert plan.empty
        assert [refusal.asked_for for refusal in plan.refusals] == [False]

    def test_nor_does_another_variable_alone(self) -> None:
        now = a_fleet(a_tenant(), organizations=(replace(FREE, id=EnvReference("NEON_OTHER_ID")), PAID))
        assert plan_of(now, self.boosted, self.base).empty

    def test_nor_another_name_of_the_tier_besides(self) -> None:
        now = self.renamed(a_tenant(tier="basic"), tier="basic")
        assert plan_of(now, self.boosted, self.base).empty

    def test_a_tenant_who_moves_in_the_same_commit_is_moved(self) -> None:
        now = self.renamed(a_tenant(tier="pro"))
        plan = plan_of(now, a_project(organization="sponsored"), self.base)
        assert any(isinstance(action, TransferProject) for action in plan.actions)
        down = self.renamed(a_tenant(accept=HISTORY_MAY_GO))
        assert not plan_of(down, a_pro_project(), a_fleet(a_tenant(tier="pro"))).empty

    def exchanged(self, *tenants: Any) -> DesiredState:
        """Each organization by the other one's name, and the tiers with them."""
        tiers = (replace(FREE_TIER, organization="paid"), replace(PRO_TIER, organization="free"))
        names = (replace(PAID, name="free"), replace(FREE, name="paid"))
        return a_fleet(*tenants, tiers=tiers, organizations=names)

    def test_two_may_exchange_their_names(self) -> None:
        assert plan_of(self.exchanged(a_tenant()), replace(self.boosted, organization="free"), self.base).empty
        assert changed_since(self.exchanged(a_tenant()), self.base.with_current_names(self.exchanged())) == set()

    def test_who_moves_in_the_commit_that_exchanges_names_is_moved(self) -> None:
        now = self.exchanged(a_tenant(tier="pro"))
        plan = plan_of(now, a_project(organization="paid"), self.base)
        assert any(isinstance(action, TransferProject) for action in plan.actions)

    def test_the_name_of_a_project_is_as_it_was(self) -> None:
        naming = replace(self.base.naming, project="{organization}-{tenant}")
        base = replace(self.base, naming=naming)
        assert base.with_current_names(self.renamed(a_tenant())).project_name(a_tenant()) == "free-acme"

    def test_of_an_owed_tenant_as_well(self) -> None:
        now = self.renamed(a_tenant())
        history = History(now, owed={"acme": Baseline(self.base)}).under(now)
        plan = make_plan(now, a_view(self.boosted), history=history)
        assert {a.changes[0].origin for a in plan.actions if isinstance(a, TransferProject)} == {Origin.DRIFT}

    def test_what_was_told_once_is_not_told_again_by_ids_of_a_simulated_account(self) -> None:
        known = self.base.with_current_names(self.exchanged(a_tenant()))
        ids = {name: replace(o, id=f"org-{name}") for name, o in self.exchanged().organizations.items()}
        assert known.with_current_names(replace(self.exchanged(a_tenant()), organizations=ids)) is known

    def test_nor_up_and_for_money(self) -> None:
        """A project that somebody put into the small organization, whose own one has another name and variable."""
        there = replace(PAID, name="paying", id=EnvReference("NEON_PAYING_ORG_ID"))
        tiers = (FREE_TIER, replace(PRO_TIER, organization="paying"))
        now = a_fleet(a_tenant(tier="pro"), tiers=tiers, organizations=(FREE, there))
        plan = plan_of(now, a_project(), a_fleet(a_tenant(tier="pro")))
        assert [refusal.rule for refusal in plan.refusals] == [Rule.MOVE_NEEDS_A_CAUSE]

    @pytest.mark.parametrize("variable", ["NEON_FREE_ORG_ID", "NEON_SPONSORED_ORG_ID"])
    def test_swapped_ids_are_seen_behind_other_names(self, variable: str) -> None:
        """Words that changed in the same commit are no reason why most tenants are elsewhere."""
        sponsored = replace(FREE, name="sponsored", id=EnvReference(variable))
        tiers = (replace(FREE_TIER, organization="sponsored"), PRO_TIER)
        tenants = (*map(a_tenant, FREE_ONES), *(a_tenant(name, "pro") for name in PAYING))
        now = a_fleet(*tenants, tiers=tiers, organizations=(sponsored, PAID))
        elsewhere = (*(a_project(n, organization="sponsored") for n in PAYING), *map(a_pro_project, FREE_ONES))
        assert stopped(a_view(*elsewhere), History(FLEET).under(now), files=now)

    def test_ids_that_a_commit_swaps_are_swapped_ids(self) -> None:
        swapped = (replace(FREE, id=PAID.id), replace(PAID, id=FREE.id))
        now = replace(FLEET, organizations={each.name: each for each in swapped})
        assert stopped(SWAPPED, History(FLEET).under(now), files=now)

    def test_nor_do_two_exchange_all_of_their_tenants_by_other_names_and_ids(self) -> None:
        """Names changed and the variables mixed up in one commit: the tiers kept their tenants."""
        names = (replace(FREE, name="sponsored", id=PAID.id), replace(PAID, name="premium", id=FREE.id))
        tiers = (replace(FREE_TIER, organization="sponsored"), replace(PRO_TIER, organization="premium"))
        now = a_fleet(*FLEET.tenants.values(), tiers=tiers, organizations=names)
        paying = (a_pro_project(name, organization="sponsored") for name in PAYING)
        live = a_view(*paying, *(a_project(name, organization="premium") for name in FREE_ONES))
        assert stopped(live, History(FLEET).under(now), files=now)
        assert not stopped(
            live, History(FLEET).under(now), files=now, permissions=Permissions(counts={"transfers": 10})
        )

    def test_a_tier_that_a_commit_moves_is_moved(self) -> None:
        """One way only: nobody has to be named."""
        tiers = (FREE_TIER, replace(PRO_TIER, organization="big"))
        now, base = (files(*(a_tenant(n, "pro") for n in PAYING), tiers=one) for one in (tiers, TIERS))
        assert not stopped(a_view(*map(a_pro_project, PAYING)), History(base).under(now), files=now)

    def test_other_names_alone_are_no_sign(self) -> None:
        now = self.renamed(*map(a_tenant, FREE_ONES))
        live = a_view(*(a_project(name, organization="sponsored") for name in FREE_ONES))
        history = History(a_fleet(*map(a_tenant, FREE_ONES))).under(now)
        assert not stopped(live, history, files=now)

    def test_nobody_is_counted_as_moved(self) -> None:
        now = self.renamed(*map(a_tenant, FREE_ONES))
        history = History(a_fleet(*map(a_tenant, FREE_ONES))).under(now)
        assert asked_for(TRANSFERS, now, a_view(*map(a_pro_project, FREE_ONES)), history) == {}


class TestATierAsAWhole:
    """Whom a document upgraded stands above the base and the files: a commit takes all of it, or nothing."""

    def test_a_commit_that_lowers_the_tier_takes_all_that_the_document_gave(self) -> None:
        now, base = files(a_tenant(accept=HISTORY_MAY_GO)), files(a_tenant(tier="pro"))
        plan = plan_of(now, in_scale(), base)
        assert not plan.refusals
        assert {MIN, MAX, SUSPEND, TRANSFER, "restore_window_seconds", "organization"} <= changed(plan)

    def test_within_one_organization_and_from_a_bigger_one(self) -> None:
        small = replace(PRO_TIER, name="mini", quota=replace(PRO_QUOTA, data_transfer_bytes=GIB))
        tiers = (*TIERS, small)
        now, base = (files(a_tenant(tier=tier, accept=HISTORY_MAY_GO), tiers=tiers) for tier in ("mini", "pro"))
        assert {MIN, MAX, TRANSFER} <= changed(plan_of(now, in_scale(), base))
        ent = in_scale(organization="big", restore_window_seconds=30 * DAY)
        plan = plan_of(now, ent, base)
        assert {"organization", MIN, MAX, TRANSFER, "restore_window_seconds"} <= changed(plan)
        assert not plan.refusals

    def test_no_drift_policy_keeps_a_part_of_it(self) -> None:
        now = files(a_tenant(accept=HISTORY_MAY_GO))
        policy = replace(now.policy, drift=dict.fromkeys(["compute", "quota"], DriftPolicy.REPORT))
        assert not plan_of(replace(now, policy=policy), in_scale(), files(a_tenant(tier="pro"))).refusals

    def test_a_commit_that_raises_the_tier_takes_nothing_of_a_higher_one(self) -> None:
        plan = plan_of(files(a_tenant(tier="pro")), in_scale(), files(a_tenant()))
        assert plan.empty
        assert not any(refusal.asked_for for refusal in plan.refusals)

    def test_a_commit_does_not_mix_two_tiers(self) -> None:
        """The document's tier has less of one thing: a commit that gives that waits with what it would take."""
        lopsided = replace(SCALE_TIER, quota=replace(PRO_QUOTA, data_transfer_bytes=GIB))
        tiers = (FREE_TIER, PRO_TIER, lopsided, ENT_TIER)
        live = in_scale(quota=replace(PRO_QUOTA, data_transfer_bytes=GIB))
        now, base = (files(a_tenant(tier=tier), tiers=tiers) for tier in ("pro", "free"))
        plan = plan_of(now, live, base)
        assert plan.empty
        assert [refusal.asked_for for refusal in plan.refusals] == [True]
        assert not plan_of(now, live, base, Permissions(lowering=True)).refusals

    def test_what_support_gave_goes_with_the_tier_that_it_was_given_to(self) -> None:
        always_on = a_pro_project(
            compute=Compute(0.5, 4, -1), endpoints=(an_endpoint(compute=Compute(0.5, 4, -1)),)
        )
        now, base = files(a_tenant(accept=HISTORY_MAY_GO)), files(a_tenant(tier="pro"))
        assert SUSPEND in changed(plan_of(now, always_on, base))

    def test_a_tier_that_is_edited_or_renamed_is_no_other_tier(self) -> None:
        lower = replace(PRO_TIER, quota=replace(PRO_QUOTA, data_transfer_bytes=40 * GIB))
        always_on = a_pro_project(
            compute=Compute(0.5, 4, -1), endpoints=(an_endpoint(compute=Compute(0.5, 4, -1)),)
        )
        base = files(a_tenant(tier="pro"))
        edited = plan_of(files(a_tenant(tier="pro"), tiers=(FREE_TIER, lower)), always_on, base)
        assert changed(edited) == {TRANSFER}
        team = replace(PRO_TIER, name="team")
        assert plan_of(files(a_tenant(tier="team"), tiers=(FREE_TIER, team)), always_on, base).empty

    def test_what_a_lower_tier_has_more_of_is_not_taken(self) -> None:
        """Support gave more than both: this commit raises it."""
        generous = replace(FREE_TIER, compute=Compute(0.25, 2, 900))
        fleet = files(a_tenant(accept=HISTORY_MAY_GO), tiers=(generous, PRO_TIER))
        compute = Compute(0.5, 2, 1800)
        live = a_pro_project(compute=compute, endpoints=(an_endpoint(compute=compute),))
        plan = plan_of(fleet, live, files(a_tenant(tier="pro"), tiers=(generous, PRO_TIER)))
        assert SUSPEND in held(plan) - changed(plan)

    def test_only_a_part_of_another_tier_is_refused_where_nobody_knows_the_base(self) -> None:
        now, live = files(a_tenant(tier="scale")), a_view(a_pro_project())
        plan = guarded_plan(now, live, only=("quota",))
        assert [refusal.rule for refusal in plan.refusals] == [Rule.PART_OF_A_TIER]


class TestARange:
    """The ends of a compute's range: each by itself, as long as Neon takes what is left."""

    @staticmethod
    def of(now: Compute, base: Compute, live: Compute) -> Plan:
        project = a_pro_project(compute=live, endpoints=(an_endpoint(compute=live),))
        tiers = [(FREE_TIER, replace(PRO_TIER, compute=compute)) for compute in (now, base)]
        fleets = [files(a_tenant(tier="pro"), tiers=one) for one in tiers]
        return plan_of(fleets[0], project, fleets[1])

    def test_a_smaller_maximum_leaves_a_minimum_that_support_gave(self) -> None:
        plan = self.of(Compute(0.25, 2, 300), Compute(0.25, 4, 300), Compute(1, 8, 300))
        assert (changed(plan), held(plan)) == ({MAX}, {MIN})

    def test_a_smaller_maximum_lowers_a_larger_minimum(self) -> None:
        plan = self.of(Compute(0.25, 2, 300), Compute(0.25, 4, 300), Compute(3, 8, 300))
        assert (changed(plan), held(plan)) == ({MIN, MAX}, set())

    def test_a_smaller_minimum_leaves_the_maximum_or_waits(self) -> None:
        now, base = Compute(0.25, 4, 300), Compute(2, 4, 300)
        near, far = (self.of(now, base, Compute(2, largest, 300)) for largest in (8, 10))
        assert (changed(near), held(near)) == ({MIN}, {MAX})
        assert (changed(far), held(far)) == (set(), {MIN, MAX})

    def test_restarts_are_counted_in_the_direction_of_the_commit(self) -> None:
        names = [f"t{i}" for i in range(3)]
        fleets = [
            files(*(a_tenant(n, "pro") for n in names), tiers=(replace(PRO_TIER, compute=compute),))
            for compute in (Compute(0.5, 6, 300), PRO_COMPUTE)
        ]
        large = Compute(0.5, 8, 300)
        live = a_view(a_pro_project("t0", compute=large), *map(a_pro_project, names[1:]))
        assert asked_for(DISRUPTIVE, fleets[0], live, History(fleets[1])) == {"paid": 2}


class TestAllowedAddresses:
    PATH = "settings.allowed_ips"

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            (["10.0.0.0/8"], ["10.0.0.0/16"], True),
            (["10.0.0.0/16"], ["10.0.0.0/8"], False),
            (["10.0.0.0/9", "10.128.0.0/9"], ["10.0.0.0/8"], False),
            ([], ["10.0.0.0/8"], True),
            (["10.0.0.0/8"], [], False),
            (["10.0.0.1-10.0.0.9"], ["10.0.0.0/28"], False),
            (["10.0.0.0/28"], ["10.0.0.1-10.0.0.9"], True),
            (["2001:db8::/32"], ["0.0.0.0/0"], True),
            (["office"], ["office", "10.0.0.1"], False),
            (["office"], ["10.0.0.1"], True),
            (["10.0.0.1-2001:db8::1"], ["10.0.0.1"], True),
        ],
    )
    def test_a_list_shuts_out_whom_it_lets_in_no_more(
        self, before: list[str], after: list[str], expected: bool
    ) -> None:
        assert shuts_out(before, after) is expected

    @pytest.mark.parametrize(
        ("base", "now", "live", "asked"),
        [
            (["a"], ["a", "b"], ["a", "c"], False),
            (["a", "b"], ["a"], ["a", "b", "c"], True),
            (["a", "b"], ["a"], ["c"], False),
            (["10.0.0.0/16"], ["10.0.0.0/8"], ["0.0.0.0/0"], False),
            (["10.0.0.0/8"], ["10.0.0.0/16"], [], True),
            (["a"], ["b"], ["c"], True),
        ],
    )
    def test_a_list_is_changed_only_in_the_ways_of_the_commit(
        self, base: list[str], now: list[str], live: list[str], asked: bool
    ) -> None:
        def fields(ips: list[str]) -> Stated:
            return {self.PATH: JsonText.of({"ips": [*ips]})}

        value = JsonText.of({"ips": [*live], "protected_branches_only": False})
        assert reduced(self.PATH, fields(base), fields(now), value) is asked

    @staticmethod
    def tiers(**allowed: Any) -> tuple[Tier, ...]:
        return (FREE_TIER, replace(PRO_TIER, settings={"allowed_ips": allowed}))

    def test_a_commit_that_lets_one_more_in_shuts_nobody_out_and_is_not_forgotten(self) -> None:
        base, now = self.tiers(ips=["10.0.0.1"]), self.tiers(ips=["10.0.0.1", "10.0.0.2"])
        live = a_pro_project(settings={"allowed_ips": {"ips": ["10.0.0.1", "10.9.9.9"]}})
        plan = plan_of(files(a_tenant(tier="pro"), tiers=now), live, files(a_tenant(tier="pro"), tiers=base))
        assert plan.empty
        assert [refusal.asked_for for refusal in plan.refusals] == [True]
        done = a_pro_project(settings={"allowed_ips": {"ips": ["10.0.0.1", "10.0.0.2", "10.9.9.9"]}})
        plan = plan_of(files(a_tenant(tier="pro"), tiers=now), done, files(a_tenant(tier="pro"), tiers=base))
        assert [refusal.asked_for for refusal in plan.refusals] == [False]

    def test_another_member_of_the_setting_is_no_cause(self) -> None:
        base = self.tiers(ips=["10.0.0.1"], protected_branches_only=False)
        now = self.tiers(ips=["10.0.0.1"], protected_branches_only=True)
        live = a_pro_project(
            settings={"allowed_ips": {"ips": ["10.0.0.1", "10.9.9.9"], "protected_branches_only": False}}
        )
        assert plan_of(files(a_tenant(tier="pro"), tiers=now), live, files(a_tenant(tier="pro"), tiers=base)).empty

    def test_other_lists_have_the_same_ways(self) -> None:
        def fields(*names: str) -> Stated:
            return {"settings.preload_libraries": JsonText.of({"enabled_libraries": [*names]})}

        live = JsonText.of({"enabled_libraries": ["pg_cron", "vector"]})
        assert not reduced("settings.preload_libraries", fields("x"), fields("x", "y"), live)
        assert reduced("settings.preload_libraries", fields("x", "z"), fields("y"), live)


@pytest.mark.parametrize(
    ("base", "now", "live", "asked"),
    [
        ("base", "extended", "full", False),
        ("full", "extended", "full", True),
        ("extended", "base", "full", True),
        ("base", "base", "full", False),
        (None, "extended", "full", True),
    ],
)
def test_a_commit_that_raises_the_audit_level_reduces_no_higher_one(
    base: str | None, now: str, live: str, asked: bool
) -> None:
    path = "settings.audit_log_level"
    before = {} if base is None else {path: JsonText.of(base)}
    assert reduced(path, before, {path: JsonText.of(now)}, JsonText.of(live)) is asked


def test_places_are_told_apart_by_their_organization_alone() -> None:
    assert (
        Assignment("free", FREE_LIMITS, "free")
        == Assignment("free", PAID_LIMITS, "pro")
        != Assignment("paid", PAID_LIMITS)
    )


def test_a_branch_of_a_tenant_who_is_moved_down_keeps_its_own_cause() -> None:
    """A development branch that support enlarged goes with a tier that grants branches less, too."""
    sized = replace(PRO_TIER, dev_branches=replace(PRO_TIER.dev_branches, compute=Compute(0.25, 1, 300)))
    small = replace(sized, name="mini", quota=replace(PRO_QUOTA, data_transfer_bytes=GIB))
    tiers = (FREE_TIER, sized, small)
    now, base = (
        files(a_tenant(tier=tier, dev_branches=(DevBranch("dev"),)), tiers=tiers) for tier in ("mini", "pro")
    )
    dev = a_branch(id="br-dev", name="dev", default=False, parent_id="br-p-acme")
    large = an_endpoint(id="ep-dev", branch_id="br-dev", compute=Compute(0.25, 2, 300))
    live = a_pro_project(branches=(a_branch(), dev), endpoints=(an_endpoint(compute=PRO_COMPUTE), large))
    assert MAX in changed(plan_of(now, live, base))


def test_thresholds_of_a_shard_count_what_its_commit_moves() -> None:
    """Tenants whom somebody moved up by hand do not use up what a commit may move."""
    names = [f"t{i}" for i in range(6)]
    policy = Policy(thresholds=Thresholds(transfers=Threshold(3, 0)))
    now, base = (files(*(a_tenant(n, tier) for n in names), policy=policy) for tier in ("pro", "free"))
    astray = (in_big(name=f"myapp-{n}", id=f"p-{n}") for n in names[:4])
    live = a_view(*astray, *map(a_project, names[4:]))
    history, selection = History(base), Selection(tenants=tuple(names[4:]))
    judged = guarded_plan(now, live, history=history, selection=selection)
    assert sum(isinstance(action, TransferProject) for action in judged.actions) == 2


def test_an_override_of_a_tenant_moves_by_itself() -> None:
    """No other tier: each limit has the direction of its own commit."""
    base = files(a_tenant(tier="pro", overrides=Overrides(quota={"data_transfer_bytes": 80 * GIB})))
    boosted = a_pro_project(quota=replace(PRO_QUOTA, data_transfer_bytes=900 * GIB, logical_size_bytes=900 * GIB))
    assert changed(plan_of(files(a_tenant(tier="pro")), boosted, base)) == {TRANSFER}
