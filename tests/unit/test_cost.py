"""The cost of a fleet over HTTP, against the official description: what it says, and what it costs in calls."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.prices import Prices, Rates
from reconciler.desired.selection import Selection
from reconciler.errors import InvalidInputError
from reconciler.fleet import Fleet, Request
from reconciler.live.consumption import Span
from reconciler.model.problem import Location
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.usage.period import period_of
from tests.harness.account import API, world
from tests.harness.builders import DAY, HOUR, a_fleet, a_tenant
from tests.harness.runs import now

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.usage.cost import Cost
    from tests.harness.account import World

EVERYBODY: Final = Request()
HISTORY: Final = "GET /consumption_history/v2/projects"
GB: Final = 10**9
RATES: Final = Rates(
    {
        "compute_hour": Decimal("0.106"),
        "storage_gb_month": Decimal("0.35"),
        "snapshot_gb_month": Decimal("0.09"),
        "data_transfer_gb": Decimal("0.10"),
        "branch_month": Decimal("1.50"),
    },
    branches_included=2,
)
SPONSORED: Final = Rates(RATES.prices, sponsored=True)


def priced(*tenants: str, **own: Rates) -> DesiredState:
    prices = Prices(date(2026, 1, 1), Location("tiers.yaml", 9), rates=RATES, own=own)
    return a_fleet(*(a_tenant(name, tier="pro") for name in tenants), prices=prices)


def add(account: World, *names: str, organization: str = "paid", **fields: Any) -> list[str]:
    created = account.simulator.clock.now() - 100 * DAY
    seeds = [ProjectSeed(f"myapp-{name}", **{"created_at": created, **fields}) for name in names]
    return [one.project_id for one in account.simulator.add_projects(organization, seeds)]


def read(account: World, desired: DesiredState, request: Request = EVERYBODY, **options: Any) -> Cost:
    async def main() -> Cost:
        connection = Fleet.connect(desired, environ=account.environ, host=API.host, via=account.via, now=now)
        async with connection as fleet:
            return await fleet.cost(request, **options)

    return account.run(main())


def by_charge(cost: Cost, tenant: str = "acme") -> dict[str, Decimal | None]:
    found = next(one for one in cost.tenants if one.tenant == tenant)
    return {part.charge: part.cost for part in found.charges}


def test_a_tenant_costs_what_it_used_of_everything() -> None:
    with world() as account:
        snapshots = [SnapshotSeed("v1", created_at=account.simulator.clock.now() - 90 * DAY)]
        add(
            account,
            "acme",
            usage={"compute_time_seconds": 100 * HOUR, "data_transfer_bytes": 3 * GB},
            storage_bytes=2 * GB,
            snapshots=snapshots,
        )
        cost = read(account, priced("acme"))
        found = by_charge(cost)
        assert list(found) == ["compute", "storage", "snapshots", "data_transfer"]
        hours = (cost.until - cost.period_start).total_seconds() / HOUR
        stored = Decimal("0.35") * 2 * int(hours) / 744
        assert abs((found["storage"] or 0) - stored) < Decimal("0.001")
        assert (found["compute"] or 0) <= Decimal("10.6")
        assert cost.cost == cost.organizations[1].cost == sum(map(Decimal, (one or 0 for one in found.values())))


def test_of_branches_only_those_beyond_the_included_ones_cost() -> None:
    with world() as account:
        created = account.simulator.clock.now() - 100 * DAY
        branches = [BranchSeed(f"b{number}", created_at=created) for number in range(3)]
        add(account, "acme", branches=branches)
        cost = read(account, priced("acme"))
        (extra,) = [part for part in cost.tenants[0].charges if part.charge == "branches"]
        hours = Decimal((cost.until - cost.period_start).total_seconds()) / HOUR
        assert abs(extra.quantity - 2 * hours / 744) < Decimal("0.00001")


def test_ten_branches_of_one_day_are_not_spread_over_the_month() -> None:
    """Neon: what is included counts in each hour or day by itself."""
    with world() as account:
        midnight = account.simulator.clock.now() // DAY * DAY
        start, end = midnight - 2 * DAY, midnight - DAY
        branches = [BranchSeed(f"b{number}", created_at=start, expires_at=end) for number in range(10)]
        (project,) = add(account, "acme", branches=branches)
        month = period_of(now()).start
        span = Span(month, now().replace(hour=0, minute=0, second=0, microsecond=0), "daily")

        def extra(free: int) -> int:
            found = account.using(lambda neon: neon.consumption("paid", [project], span, free_child_branches=free))
            return found[project].extra_branch_hours

        assert [extra(free) for free in (0, 9, 10)] == [240, 24, 0]


def test_many_projects_take_a_call_for_each_hundred_and_no_more() -> None:
    names = [f"t{number:03}" for number in range(250)]
    with world() as account:
        add(account, *names)
        cost = read(account, priced(*names))
        assert Counter(account.calls()) == {"GET /projects": 2 + 1, HISTORY: 3}
        assert (cost.calls, cost.least_calls) == (6, 6)


def test_a_sponsored_organization_takes_no_call_and_costs_nothing_until_it_is_named() -> None:
    desired = priced("acme", "bob", free=SPONSORED)
    with world() as account:
        add(account, "acme", organization="free", usage={"compute_time_seconds": HOUR})
        cost = read(account, desired)
        assert HISTORY not in account.calls()
        assert [one.cost for one in cost.tenants] == [0]
        named = read(account, desired, organizations=("free",))
        assert account.calls().count(HISTORY) == 1
        (whole,) = named.organizations
        assert whole.read
        assert whole.cost == 0
        assert next(part.quantity for part in whole.charges if part.charge == "compute") > 0


def test_the_projects_of_no_tenant_are_part_of_their_organization() -> None:
    with world() as account:
        add(account, "acme", "stranger", usage={"compute_time_seconds": 50 * HOUR})
        paid = read(account, priced("acme")).organizations[1]
        assert (paid.projects, paid.tenants) == (2, 1)
        assert paid.other_projects > 0
        assert paid.cost == 2 * paid.other_projects


def test_a_few_tenants_are_looked_up_without_a_list() -> None:
    with world() as account:
        add(account, "acme", "bob", usage={"compute_time_seconds": HOUR})
        cost = read(account, priced("acme", "bob"), Request(selection=Selection(tenants=("acme",))))
        assert [one.tenant for one in cost.tenants] == ["acme"]
        assert not cost.organizations[0].whole
        assert (cost.calls, cost.left_out) == (cost.least_calls, 1)


def test_an_earlier_month_is_read_as_a_whole() -> None:
    with world() as account:
        add(account, "acme", storage_bytes=GB)
        last = period_of(period_of(now()).start.replace(day=1)).start
        month = date(last.year - (last.month == 1), last.month - 1 or 12, 1)
        cost = read(account, priced("acme"), month=month)
        assert cost.month == f"{month:%Y-%m}"
        assert cost.until == last
        hours = int((cost.until - cost.period_start).total_seconds() / HOUR)
        stored = next(part for part in cost.tenants[0].charges if part.charge == "storage")
        assert abs(stored.quantity - Decimal(hours) / 744) < Decimal("0.00001")


def test_a_tenant_without_a_history_or_a_project_is_named() -> None:
    with world(behaviour=Behaviour(consumption_refused_to=("paid",)), refusals_allowed=True) as account:
        add(account, "acme")
        add(account, "bob", organization="free", usage={"compute_time_seconds": HOUR})
        cost = read(account, priced("acme", "bob", "eve"))
        assert (cost.unread, cost.without_project) == (("acme",), ("eve",))
        assert [one.tenant for one in cost.tenants] == ["bob"]
        assert "organization paid has no consumption history on its plan (403)" in cost.notes[0].message


def test_without_prices_nothing_is_read() -> None:
    with world() as account:
        with pytest.raises(InvalidInputError, match=r"tiers\.yaml has no prices") as raised:
            read(account, a_fleet(a_tenant("acme")))
        assert "prices: {as_of:" in (raised.value.hint or "")
        assert account.calls() == []


def test_an_organization_that_no_file_names_is_refused() -> None:
    with world() as account, pytest.raises(InvalidInputError, match="organization 'piad' does not exist"):
        read(account, priced("acme"), organizations=("piad",))
