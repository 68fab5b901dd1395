"""What a plan does to the cost of a month: a range that its limits allow."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.prices import CHARGES, COMPUTE, DATA_TRANSFER, MONTH_HOURS, Prices, Rates
from reconciler.live.consumption import Metered, Metering
from reconciler.model.compute import NEVER_SUSPEND, Compute
from reconciler.model.problem import Location
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.plan.change import FieldChange
from reconciler.plan.costs import Limits, plan_cost, total
from reconciler.plan.history import History
from reconciler.plan.plan import TenantPlan
from reconciler.plan.plan_cost import CostRange
from reconciler.usage.past_cost import affected, past_cost
from tests.harness.builders import (
    FREE_TIER,
    GIB,
    HOUR,
    NOON,
    PRO_TIER,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    make_plan,
)
from tests.harness.structs import built
from tests.unit.views.builders import patch, patch_compute

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan_cost import PlanCost

LIST: Final = {
    "compute_hour": Decimal("0.10"),
    "storage_gb_month": Decimal("0.35"),
    "data_transfer_gb": Decimal("0.10"),
}
PRICES: Final = Prices(date(2026, 11, 12), Location("tiers.yaml", 9), rates=Rates(LIST))
SPONSORED: Final = replace(PRICES, own={"free": Rates(LIST, sponsored=True)})

sizes = st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0, 16.0, 18.0, 56.0])
quotas = st.builds(Quota, *[st.integers(0, 10**7)] * 2, *[st.integers(0, 10**13)] * 3)
computes = st.builds(
    lambda one, other, timeout: Compute(min(one, other), max(one, other), timeout),
    *(sizes, sizes),
    st.sampled_from([300, NEVER_SUSPEND]),
)
limits = st.builds(Limits, st.sampled_from(["free", "paid"]), quotas, computes)
money = st.decimals(0, 10, places=4)
prices = st.builds(
    lambda rates, own: replace(PRICES, rates=rates, own={"free": own}),
    *[built(Rates, st.dictionaries(st.sampled_from([c.key for c in CHARGES]), money), sponsored=st.booleans())]
    * 2,
)


@given(limits, prices)
def test_the_low_end_is_never_above_the_high_end(one: Limits, charged: Prices) -> None:
    found = one.range(charged)
    assert 0 <= found.low <= found.high


@given(limits, prices, st.sampled_from(["active_time_seconds", "data_transfer_bytes", "logical_size_bytes"]))
def test_a_larger_quota_never_costs_less(one: Limits, charged: Prices, quota: str) -> None:
    small = replace(one, quota=replace(one.quota, **{quota: max(1, getattr(one.quota, quota))}))
    large = replace(small, quota=replace(small.quota, **{quota: 2 * getattr(small.quota, quota)}))
    few, many = small.range(charged), large.range(charged)
    assert few.high <= many.high
    assert few.low <= many.low


@given(limits, prices, st.integers(0, 10**9), st.integers(0, 10**14))
def test_use_that_limits_permit_costs_no_more_than_their_high_end(
    one: Limits, charged: Prices, seconds: int, sent: int
) -> None:
    """Compute without a quota may be that of several branches; transfer without one has no end."""
    bounded = replace(
        one,
        quota=replace(
            one.quota,
            active_time_seconds=min(one.quota.active_time_seconds or HOUR, MONTH_HOURS * HOUR),
            data_transfer_bytes=one.quota.data_transfer_bytes or GIB,
        ),
    )
    rates = charged.of(one.organization)
    used = {COMPUTE: seconds, DATA_TRANSFER: sent}
    costs = [rates.cost(charge, bounded.permitted(charge, amount)) for charge, amount in used.items()]
    assert sum(cost or 0 for cost in costs) <= bounded.range(charged).high


@given(st.lists(limits, max_size=5), prices)
def test_a_sum_of_ranges_is_the_range_of_the_sum(many: list[Limits], charged: Prices) -> None:
    ranges = [one.range(charged) for one in many]
    whole = total(ranges)
    assert whole.low == sum((one.low for one in ranges), Decimal(0)) <= whole.high
    assert set(whole.unlimited) == {name for one in ranges for name in one.unlimited}


@pytest.mark.parametrize(
    ("quota", "compute", "low", "high", "unlimited"),
    [
        (Quota(10 * HOUR, 0, 0, 10**9, 10**9), Compute(0.25, 2, 300), "0", "2.45", ()),
        (Quota(0, 0, 0, 10**9, 10**9), Compute(0.25, 2, 300), "0", "149.25", ()),
        (Quota(0, 0, 0, 10**9, 10**9), Compute(1, 2, NEVER_SUSPEND), "74.4", "149.25", ()),
        (Quota(0, 5 * HOUR, 0, 10**9, 10**9), Compute(1, 2, NEVER_SUSPEND), "0.5", "0.95", ()),
        (Quota(10 * HOUR), Compute(0.25, 2, 300), "0", "2", ("storage", "data_transfer")),
        (Quota(0, 0, 0, 10**9, 10**9), Compute(18, 18, 300), "1339.2", "1339.65", ()),
    ],
    ids=["hours", "a whole month", "always on", "compute time", "no quota", "too large to suspend"],
)
def test_limits_come_to_money(
    quota: Quota, compute: Compute, low: str, high: str, unlimited: tuple[str, ...]
) -> None:
    found = Limits("paid", quota, compute).range(PRICES)
    assert (found.low, found.high, found.unlimited) == (Decimal(low), Decimal(high), unlimited)


def planned(desired: DesiredState, *projects: LiveProject, **options: Any) -> tuple[TenantPlan, ...]:
    return make_plan(desired, a_view(*projects), **options).tenants


def cost(*tenants: TenantPlan, charged: Prices = SPONSORED) -> PlanCost | None:
    return plan_cost(tenants, charged)


def as_the_tier(name: str, tier: Any = FREE_TIER, **fields: Any) -> LiveProject:
    return a_project(name, organization=tier.organization, quota=tier.quota, compute=tier.compute, **fields)


def test_an_upgrade_goes_from_nothing_to_what_the_new_tier_allows() -> None:
    found = cost(*planned(a_fleet(a_tenant("acme", tier="pro")), as_the_tier("acme")))
    assert found is not None
    assert found.before == CostRange(Decimal(0), Decimal(0))
    assert PRO_TIER.quota is not None
    assert PRO_TIER.compute is not None
    assert found.after == Limits("paid", PRO_TIER.quota, PRO_TIER.compute).range(SPONSORED)
    assert found.after.high > 0


def test_a_new_tenant_costs_what_its_tier_allows_and_had_no_cost_before() -> None:
    (one,) = (cost(*planned(a_fleet(a_tenant("acme", tier="pro")))) or pytest.fail("no cost")).tenants
    assert one.before is None
    assert one.after == Limits("paid", PRO_TIER.quota or Quota(), PRO_TIER.compute or Compute()).range(PRICES)


def test_a_deletion_ends_the_cost() -> None:
    gone = a_fleet(a_tenant("acme", tier="pro", absent=True))
    before = a_fleet(a_tenant("acme", tier="pro"))
    found = cost(*planned(gone, as_the_tier("acme", PRO_TIER), history=History(before)))
    assert found is not None
    assert found.tenants[0].after is None
    assert found.after.high == 0 < found.before.high


def test_a_plan_that_changes_no_limit_has_no_cost() -> None:
    shorter = as_the_tier("acme", PRO_TIER, restore_window_seconds=60)
    tenants = planned(a_fleet(a_tenant("acme", tier="pro")), shorter)
    assert tenants
    assert cost(*tenants) is None


def test_a_new_tenant_of_a_sponsored_organization_has_no_cost() -> None:
    assert cost(*planned(a_fleet(a_tenant("acme")))) is None
    assert cost(*planned(a_fleet(a_tenant("acme"))), charged=PRICES) is not None


def test_the_size_of_the_default_branchs_compute_counts() -> None:
    assert PRO_TIER.compute is not None
    larger = replace(PRO_TIER, compute=replace(PRO_TIER.compute, max_cu=8))
    found = cost(*planned(a_fleet(a_tenant("acme", tier="pro"), tiers=(larger,)), as_the_tier("acme", PRO_TIER)))
    assert found is not None
    compute = found.after.high - found.before.high
    assert larger.quota is not None
    hours = min(Decimal(larger.quota.active_time_seconds or MONTH_HOURS * HOUR) / HOUR, Decimal(MONTH_HOURS))
    size = Decimal(PRO_TIER.compute.max_cu or 0)
    assert compute == hours * (8 - size) * Decimal("0.10")


def test_of_computes_only_that_of_the_default_branch_counts() -> None:
    def changed(action: Action, **fields: Any) -> PlanCost | None:
        return cost(TenantPlan("acme", as_the_tier("acme", PRO_TIER, **fields), (action,)))

    larger = FieldChange("compute.max_cu", 2, 8)
    assert changed(patch_compute("acme", "", larger)) is not None
    assert changed(patch_compute("acme", "", larger, branch="staging")) is None
    assert changed(patch("acme", "", larger)) is None, (
        "a project's default reaches computes that are created later"
    )
    unread = {"branches": None, "endpoints": None}
    assert changed(patch("acme", "", larger), **unread) is not None


def test_the_same_use_costs_what_the_new_home_charges_and_its_quotas_permit() -> None:
    tenants = planned(a_fleet(a_tenant("acme", tier="pro")), as_the_tier("acme"))
    (one,) = affected(tenants, SPONSORED)
    use = {one.project.id: Metered(compute_unit_seconds=10 * HOUR, root_branch_byte_hours=744 * 10**9)}
    found = past_cost("2026-10", [one], SPONSORED, Metering(use, ()), 1)
    assert (found.before, found.after) == (Decimal(0), Decimal("1.35"))
    small = replace(PRO_TIER, quota=replace(PRO_TIER.quota or Quota(), compute_time_seconds=HOUR))
    (less,) = affected(
        planned(a_fleet(a_tenant("acme", tier="pro"), tiers=(small,)), as_the_tier("acme")), SPONSORED
    )
    assert past_cost("2026-10", [less], SPONSORED, Metering(use, ()), 1).after < found.after


def test_without_a_history_a_tenant_is_named_instead() -> None:
    tenants = planned(a_fleet(a_tenant("acme", tier="pro")), as_the_tier("acme"))
    found = past_cost("2026-10", list(affected(tenants, SPONSORED)), SPONSORED, Metering({}, ("free",)), 1)
    assert (found.unread, found.tenants) == (("acme",), ())


def test_nothing_is_read_of_tenants_that_stay_sponsored() -> None:
    raised = replace(FREE_TIER, quota=replace(FREE_TIER.quota or Quota(), active_time_seconds=200 * HOUR))
    tenants = planned(a_fleet(a_tenant("acme"), tiers=(raised, PRO_TIER)), as_the_tier("acme"))
    assert tenants
    assert list(affected(tenants, SPONSORED)) == []
    assert len(list(affected(tenants, PRICES))) == 1


def test_the_time_of_planning_changes_no_cost() -> None:
    desired, live = a_fleet(a_tenant("acme", tier="pro")), as_the_tier("acme")
    later = cost(*planned(desired, live, now=NOON + timedelta(days=40)))
    assert cost(*planned(desired, live, now=NOON)) == later
