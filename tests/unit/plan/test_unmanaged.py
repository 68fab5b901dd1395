"""What the files cease to manage is kept as it is live, and told: one line for all of whom it is the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import DevBranch, Overrides, Pins, Snapshot
from reconciler.desired.tier import DevBranchPolicy
from reconciler.live.project import LiveSnapshot
from reconciler.model.compute import Compute
from reconciler.model.values import JsonText, replace
from reconciler.plan.history import History
from tests.harness.builders import (
    FREE_QUOTA,
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

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Json
    from reconciler.plan.plan import Plan

IPS: dict[str, Json] = {"ips": ["10.0.0.0/8"]}
LISTED = replace(FREE_TIER, settings={"allowed_ips": IPS})
DEV = a_branch(id="br-dev", name="dev", default=False, parent_id="br-p-acme", annotations={})
LIVE = a_project(
    settings={"allowed_ips": {**IPS, "protected_branches_only": False}},
    branches=(a_branch(), DEV),
    endpoints=(an_endpoint(), an_endpoint(id="ep-dev", branch_id="br-dev", compute=Compute(0.25, 1, 300))),
    snapshots=(LiveSnapshot("snap-v1", "v1", "br-p-acme", NOON),),
)


def plan_of(
    now: DesiredState, base: DesiredState, *projects: LiveProject, fork: DesiredState | None = None
) -> Plan:
    live, history = a_view(*(projects or (LIVE,))), History(base, fork)
    return guarded_plan(now, live, history=history)


def fleet(*tenants: Tenant, free: Any = FREE_TIER) -> DesiredState:
    return a_fleet(*(tenants or (a_tenant(),)), tiers=(free, PRO_TIER))


def kept(plan: Plan) -> list[tuple[str, object, str | None]]:
    """The path, the live value and the tier of each."""
    return [
        (one.path, one.live[0][1] if len(one.live) == 1 else dict(one.live), one.tier) for one in plan.unmanaged
    ]


def test_a_setting_that_a_tier_states_no_more_is_one_line_for_all_its_tenants() -> None:
    tenants = [a_tenant(f"t{number:03}") for number in range(300)]
    live = [a_project(tenant.name, settings=LIVE.settings) for tenant in tenants]
    plan = plan_of(fleet(*tenants), fleet(*tenants, free=LISTED), *live)
    assert plan.empty
    assert not plan.refusals
    (line,) = plan.unmanaged
    assert (line.path, line.live) == ("settings.allowed_ips", (("settings.allowed_ips", JsonText.of(IPS)),))
    assert (line.tier, len(line.tenants), line.sources) == ("free", 300, (FREE_TIER.location,))
    assert line.new_tenants == "new tenants get Neon's default"


def test_a_quota_that_a_tier_grants_no_more_stays_with_the_old_tenants_and_new_ones_get_no_limit() -> None:
    plan = plan_of(fleet(free=replace(FREE_TIER, quota=None)), fleet())
    (line,) = plan.unmanaged
    assert line.path == "quota"
    assert dict(line.live)["quota.data_transfer_bytes"] == FREE_QUOTA.data_transfer_bytes
    assert line.new_tenants == "new tenants get no limit"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"compute": Compute(0.25, 2, 300)}, {"compute": Compute(0.25, 2)}, "compute.suspend_timeout_seconds"),
        ({}, {"compute": None}, "compute"),
        ({}, {"restore_window_seconds": None}, "restore_window_seconds"),
    ],
)
def test_whatever_a_tier_states_no_more(before: dict[str, Any], now: dict[str, Any], told: str) -> None:
    plan = plan_of(fleet(free=replace(FREE_TIER, **now)), fleet(free=replace(FREE_TIER, **before)))
    assert plan.empty
    assert [path for path, _, _ in kept(plan)] == [told]


def test_a_member_of_a_setting_at_any_depth() -> None:
    window: Json = {"weekdays": [7], "hours": {"from": "02:00", "to": "03:00"}}
    fewer: Json = {"weekdays": [7], "hours": {"from": "02:00"}}
    base = fleet(free=replace(FREE_TIER, settings={"maintenance_window": window}))
    now = fleet(free=replace(FREE_TIER, settings={"maintenance_window": fewer}))
    plan = plan_of(now, base, a_project(settings={"maintenance_window": window}))
    assert plan.empty
    assert kept(plan) == [("settings.maintenance_window.hours.to", JsonText.of("03:00"), "free")]


def test_an_override_that_goes_falls_back_to_the_tier_and_is_planned_either_way() -> None:
    for own, live in ((7, 7), (3, 3)):
        given = a_tenant(overrides=Overrides(quota={"data_transfer_bytes": own * 2**30}))
        project = a_project(quota=replace(FREE_QUOTA, data_transfer_bytes=live * 2**30))
        plan = plan_of(fleet(), fleet(given), project)
        (action,) = plan.actions
        assert [(change.before, change.after) for change in action.changes] == [(live * 2**30, 5 * 2**30)]
        assert not plan.unmanaged


def test_an_override_with_nothing_behind_it_is_kept_and_told_of_the_tenant() -> None:
    plan = plan_of(fleet(), fleet(a_tenant(overrides=Overrides(settings={"allowed_ips": IPS}))))
    assert kept(plan) == [("settings.allowed_ips", JsonText.of(IPS), None)]
    assert plan.unmanaged[0].sources == (a_tenant().location,)


def test_another_tier_that_does_not_state_it() -> None:
    bare = replace(FREE_TIER, name="bare")
    base = a_fleet(a_tenant(), tiers=(LISTED, PRO_TIER, bare))
    plan = plan_of(replace(base, tenants={"acme": a_tenant(tier="bare")}), base)
    assert kept(plan) == [("settings.allowed_ips", JsonText.of(IPS), "bare")]


@pytest.mark.parametrize("pins", [Pins(region="aws-us-east-2"), Pins(pg_version=17), Pins(database="neondb")])
def test_a_pin_that_goes(pins: Pins) -> None:
    plan = plan_of(fleet(), fleet(a_tenant(pins=pins)))
    assert plan.empty
    assert [path for path, _, _ in kept(plan)] == [word for word in pins.__struct_fields__ if getattr(pins, word)]


def test_a_name_of_a_project_that_is_pinned_from_now_on() -> None:
    plan = plan_of(fleet(a_tenant(project_id="p-acme")), fleet())
    assert kept(plan) == [("name", "myapp-acme", None)]


class TestListsOfCopies:
    """A list that goes is not managed any more; an entry that goes from a list is wanted no more."""

    BOTH = a_tenant(dev_branches=(DevBranch("dev"),), snapshots=(Snapshot("v1"),))

    def test_a_list_that_goes_is_told_with_its_names(self) -> None:
        assert kept(plan_of(fleet(), fleet(self.BOTH))) == [
            ("dev_branches", JsonText.of(["dev"]), None),
            ("snapshots", JsonText.of(["v1"]), None),
        ]

    def test_an_entry_that_nobody_deletes_is_told(self) -> None:
        """A branch that was made by hand, and any snapshot."""
        now = a_tenant(dev_branches=(), snapshots=())
        plan = plan_of(fleet(now), fleet(self.BOTH))
        assert plan.empty
        assert kept(plan) == [("dev_branches.dev", "present", None), ("snapshots.v1", "present", None)]

    def test_an_entry_whose_branch_is_deleted_is_planned_and_not_told_twice(self) -> None:
        ours = replace(DEV, annotations={**a_branch().annotations, "branch": "dev", "purpose": "dev_branch"})
        plan = plan_of(
            fleet(a_tenant(dev_branches=())),
            fleet(a_tenant(dev_branches=(DevBranch("dev"),))),
            replace(LIVE, branches=(a_branch(), ours)),
        )
        assert [action.kind for action in plan.actions] == ["delete_branch"]
        assert not plan.unmanaged

    def test_what_is_not_there_is_not_kept(self) -> None:
        assert not plan_of(fleet(), fleet(self.BOTH), a_project()).unmanaged

    def test_a_size_that_the_tier_gave_to_branches(self) -> None:
        sized = replace(FREE_TIER, dev_branches=DevBranchPolicy(compute=Compute(max_cu=1)))
        tenant = a_tenant(dev_branches=(DevBranch("dev"),))
        plan = plan_of(fleet(tenant), fleet(tenant, free=sized))
        assert [(path, tier) for path, _, tier in kept(plan)] == [("dev_branches.dev.compute", "free")]

    def test_an_expiry_that_goes_ends_and_is_not_told_as_kept(self) -> None:
        until = NOON + timedelta(days=1)
        plan = plan_of(
            fleet(a_tenant(dev_branches=(DevBranch("dev"),))),
            fleet(a_tenant(dev_branches=(DevBranch("dev", expires_at=until),))),
            replace(LIVE, branches=(a_branch(), replace(DEV, expires_at=until))),
        )
        assert [action.kind for action in plan.actions] == ["patch_branch"]
        assert not plan.unmanaged


class TestHistory:
    """Only what base and fork both stated, and a commit removed."""

    def test_files_that_are_older_than_the_base_remove_nothing(self) -> None:
        assert not plan_of(fleet(), fleet(free=LISTED), fork=fleet()).unmanaged

    def test_what_the_base_did_not_state_is_not_told(self) -> None:
        assert not plan_of(fleet(), fleet(), fork=fleet(free=LISTED)).unmanaged

    def test_without_a_base_nobody_can_tell(self) -> None:
        assert not make_plan(fleet(), a_view(LIVE)).unmanaged

    def test_a_tombstone_leaves_nothing(self) -> None:
        assert not plan_of(fleet(a_tenant(absent=True)), fleet(free=LISTED)).unmanaged

    def test_only_the_concerns_of_the_run(self) -> None:
        history = History(fleet(free=LISTED))
        assert not make_plan(fleet(), a_view(LIVE), history=history, only=("quota",)).unmanaged
        assert make_plan(fleet(), a_view(LIVE), history=history, only=("settings",)).unmanaged
