"""Every kind of fault at every call of a reading of the cost: it says the same in the end."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.prices import Prices, Rates
from reconciler.fleet import Fleet
from reconciler.model.problem import Location
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.seed import ProjectSeed
from tests.faults.kinds import KINDS, calls_on, struck
from tests.harness.account import API, world
from tests.harness.builders import DAY, GIB, HOUR, a_fleet, a_tenant
from tests.harness.runs import now
from tests.harness.wire import Wire

if TYPE_CHECKING:
    from reconciler.usage.cost import Cost
    from tests.faults.kinds import Call

NAMES = ("acme", "bob", "eve")
RATES = Rates({"compute_hour": Decimal("0.106"), "storage_gb_month": Decimal("0.35")})
DESIRED = a_fleet(
    *(a_tenant(name, tier="pro") for name in NAMES),
    prices=Prices(date(2026, 1, 1), Location("tiers.yaml", 9), rates=RATES),
)
KINDS_OF_READS = [name for name in KINDS if not name.startswith("killed") and not name.endswith("operation")]


def read(kind: str | None, number: int) -> tuple[dict[str, Decimal], list[Call]]:
    """The cost of each tenant, and the calls, where a kind of fault strikes one of the calls."""
    with world(refusals_allowed=True, starts_at=DEMO_EPOCH_SECONDS) as account:
        created = account.simulator.clock.now() - 100 * DAY
        seeds = [
            ProjectSeed(
                f"myapp-{name}", created_at=created, usage={"compute_time_seconds": HOUR}, storage_bytes=GIB
            )
            for name in NAMES
        ]
        account.simulator.add_projects("paid", seeds)
        wire = Wire(account.via)
        if kind is not None:
            wire = Wire(account.via, struck(account.simulator, KINDS[kind], number))

        async def main() -> Cost:
            connection = Fleet.connect(DESIRED, environ=account.environ, host=API.host, via=wire, now=now)
            async with connection as fleet:
                return await fleet.cost()

        cost = account.run(main())
        assert not cost.unread
        return {one.tenant: one.cost for one in cost.tenants}, calls_on(wire)


@cache
def undisturbed() -> tuple[dict[str, Decimal], list[Call]]:
    return read(None, 0)


def test_the_reading_makes_every_kind_of_call() -> None:
    assert list(undisturbed()[0]) == list(NAMES)
    assert {str(call).split("?")[0] for call in undisturbed()[1]} == {
        "GET /projects",
        "GET /consumption_history/v2/projects",
    }


@pytest.mark.parametrize("kind", KINDS_OF_READS)
def test_the_reading_gets_over_a_fault_at_any_call(kind: str) -> None:
    costs, calls = undisturbed()
    for number, call in enumerate(calls, start=1):
        if KINDS[kind].strikes(call):
            assert read(kind, number)[0] == costs, f"{kind} at {call}"
