"""The usage of a fleet over HTTP, against the official description: what it says, and what it costs in calls."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.selection import Depth, Selection
from reconciler.fleet import Fleet, Request
from reconciler.model.values import replace
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.seed import ProjectSeed
from tests import profiles
from tests.harness.account import API, world
from tests.harness.builders import DAY, FREE_QUOTA, GIB, HOUR, MIB, a_fleet, a_tenant
from tests.harness.runs import now
from tests.harness.simulated import simulated_quota

if TYPE_CHECKING:
    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.usage.usage import Usage
    from tests.harness.account import World

EVERYBODY = Request()


def seed(name: str, **fields: Any) -> ProjectSeed:
    quota = fields.pop("quota", FREE_QUOTA)
    return ProjectSeed(f"myapp-{name}", quota=simulated_quota(quota), **fields)


def add(account: World, name: str, **fields: Any) -> str:
    """A project of tier free; its id."""
    created = account.simulator.clock.now() - 100 * DAY
    return account.simulator.add_project("free", seed(name, **{"created_at": created, **fields})).project_id


def read(
    account: World,
    desired: DesiredState,
    request: Request = EVERYBODY,
    *,
    via: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> Usage:
    async def main() -> Usage:
        environ, way = account.environ, via or account.via
        async with Fleet.connect(desired, environ=environ, host=API.host, via=way, now=now) as fleet:
            return await fleet.usage(request, **options)

    return account.run(main())


def used(usage: Usage, tenant: str = "acme") -> dict[str, int | None]:
    found = next(one for one in usage.tenants if one.tenant == tenant)
    return {quota.quota.removeprefix("quota."): quota.used for quota in found.quotas}


def crossing(usage: Usage) -> dict[str, int | None]:
    return {one.tenant: one.threshold for one in usage.tenants if one.threshold is not None}


SPENT = {
    "active_time_seconds": 90 * HOUR,
    "compute_time_seconds": 30 * HOUR,
    "written_data_bytes": MIB,
    "data_transfer_bytes": GIB,
}


def test_a_tenant_above_a_threshold_is_told_by_the_counters_that_neon_enforces() -> None:
    with world() as account:
        add(account, "acme", usage=SPENT)
        add(account, "bob", usage={"active_time_seconds": HOUR})
        usage = read(account, a_fleet(a_tenant("acme"), a_tenant("bob")))
        assert used(usage) == {**SPENT, "logical_size_bytes": 0}
        assert crossing(usage) == {"acme": 80}
        assert (usage.calls, usage.least_calls) == (5, 5)


LITTLE = {"active_time_seconds": HOUR, "data_transfer_bytes": MIB}
HISTORY = "GET /consumption_history/v2/projects"


def test_many_tenants_are_read_through_the_history() -> None:
    names = [f"t{number:03}" for number in range(250)]
    with world() as account:
        created = account.simulator.clock.now() - 100 * DAY
        account.simulator.add_projects("free", [seed(n, usage=LITTLE, created_at=created) for n in names])
        usage = read(account, a_fleet(*map(a_tenant, names)))
        asked = Counter(account.calls())
        assert asked == {"GET /projects": 2 + 1, HISTORY: 3 * 2}
        assert (usage.calls, usage.least_calls) == (9, 9)
        transferred = {used(usage, name)["data_transfer_bytes"] for name in names}
        assert all(amount is not None and MIB * 0.99 <= amount <= MIB for amount in transferred)


TENANTS: Final = profiles.size(800, 10_000, 10_000)
FULL_PAGES: Final = TENANTS // 400


def a_large_fleet(account: World) -> DesiredState:
    """So many tenants, one of 20 at work, some near a limit, as ``simulator seed`` makes them."""
    account.simulator.seed_fleet("free", TENANTS, name="myapp-t{number}")
    return a_fleet(*(a_tenant(f"t{number}") for number in range(1, TENANTS + 1)))


def test_many_tenants_take_no_more_calls_than_needed() -> None:
    with world() as account:
        usage = read(account, a_large_fleet(account))
        asked = Counter(account.calls())
        assert usage.looked_at == TENANTS
        assert asked["GET /projects"] == FULL_PAGES + 2 + 1, "after a full page, two empty ones confirm the end"
        assert usage.calls == usage.least_calls == sum(asked.values())
        assert asked[HISTORY] > 0


def test_the_history_is_read_within_its_own_rate_limit() -> None:
    names = [f"t{number:04}" for number in range(1600)]
    with world() as account:
        created = account.simulator.clock.now() - 100 * DAY
        account.simulator.add_projects("free", [seed(n, usage=LITTLE, created_at=created) for n in names])
        usage = read(account, a_fleet(*map(a_tenant, names)))
        assert usage.calls == usage.least_calls
        statuses = Counter(exchange.status for exchange in account.simulator.requests)
        assert statuses == {200: usage.calls}


def test_an_organization_without_a_history_is_said_and_its_projects_can_be_read_one_by_one() -> None:
    behaviour = Behaviour(consumption_refused_to=("free",))
    desired = a_fleet(*map(a_tenant, ("acme", "bob", "eve")))
    with world(behaviour=behaviour, refusals_allowed=True) as account:
        for name in desired.tenants:
            add(account, name, usage=LITTLE)
        usage = read(account, desired)
        assert used(usage)["data_transfer_bytes"] is None
        assert "organization free has no consumption history" in usage.notes[0].message
        deep = read(account, desired, Request(depth=Depth.DEEP))
        assert (used(deep)["data_transfer_bytes"], deep.notes) == (MIB, ())


def test_depth_list_reads_lists_only() -> None:
    desired = a_fleet(*map(a_tenant, ("acme", "bob", "eve")))
    with world() as account:
        for name in desired.tenants:
            add(account, name, usage=LITTLE)
        usage = read(account, desired, Request(depth=Depth.LIST))
        assert Counter(account.calls()) == {"GET /projects": 3}
        assert "quota.data_transfer_bytes" in usage.notes[0].message


def test_a_few_tenants_are_looked_up_without_a_list() -> None:
    desired = a_fleet(*map(a_tenant, ("acme", "bob")))
    with world() as account:
        for name in desired.tenants:
            add(account, name, usage=SPENT)
        usage = read(account, desired, Request(selection=Selection(tenants=("acme",))))
        assert [one.tenant for one in usage.tenants] == ["acme"]
        assert (usage.calls, usage.least_calls, usage.left_out) == (3, 3, 1)
        assert used(usage)["data_transfer_bytes"] == GIB


def test_only_tenants_above_the_named_share_are_told() -> None:
    desired = a_fleet(*map(a_tenant, ("acme", "bob")))
    with world() as account:
        add(account, "acme", usage={"active_time_seconds": 60 * HOUR})
        add(account, "bob", usage={"active_time_seconds": 50 * HOUR})
        usage = read(account, desired, above=60)
        assert (crossing(usage), usage.looked_at, len(usage.tenants)) == ({"acme": 60}, 2, 1)


def test_a_tenant_at_its_limit_is_suspended_and_a_full_branch_takes_no_writes() -> None:
    desired = a_fleet(*map(a_tenant, ("acme", "bob")))
    with world() as account:
        add(account, "acme", usage={"active_time_seconds": 100 * HOUR})
        add(account, "bob", storage_bytes=512 * MIB)
        usage = read(account, desired)
        found = {one.tenant: (one.suspended, one.writes_fail) for one in usage.tenants}
        assert found == {"acme": (True, False), "bob": (False, True)}


def test_a_tenant_without_a_project_and_one_that_cannot_be_read_are_named() -> None:
    desired = a_fleet(*map(a_tenant, ("acme", "bob")))
    pinned = a_tenant("eve", project_id="cool-river-12345678")
    desired = replace(desired, tenants={**desired.tenants, "eve": pinned})
    with world(refusals_allowed=True) as account:
        add(account, "acme")
        usage = read(account, desired)
        assert usage.without_project == ("bob",)
        assert usage.unread == ("eve",)
