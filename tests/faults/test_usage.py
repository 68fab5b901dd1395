"""Every kind of fault at every call of a reading of the usage: it says the same in the end."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import pytest

from reconciler.fleet import Fleet, Request
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.seed import ProjectSeed
from tests.faults.kinds import KINDS, calls_on, struck
from tests.harness.account import API, world
from tests.harness.builders import DAY, FREE_TIER, GIB, HOUR, MIB, PRO_TIER, a_branch, a_fleet, a_tenant
from tests.harness.runs import now
from tests.harness.simulated import simulated_quota
from tests.harness.wire import Wire

if TYPE_CHECKING:
    from reconciler.usage.usage import Usage
    from tests.faults.kinds import Call
    from tests.harness.account import World

SPENT = {"active_time_seconds": 90 * HOUR, "data_transfer_bytes": GIB}
LITTLE = {"active_time_seconds": HOUR, "data_transfer_bytes": MIB}
USED = {"acme": (SPENT, MIB), "bob": (LITTLE, MIB), "eve": (LITTLE, 500 * MIB), "zoe": (LITTLE, MIB)}
"""One tenant near its active time, one near its size: every kind of call is made."""
DESIRED = a_fleet(*map(a_tenant, USED), tiers=(FREE_TIER, PRO_TIER))
KINDS_OF_READS = [name for name in KINDS if not name.startswith("killed") and not name.endswith("operation")]
STARTS_AT = DEMO_EPOCH_SECONDS + 1200
"""Past a full hour: no delay makes a further hour of the consumption history complete."""


Told: TypeAlias = dict[str, tuple[list[int | None], bool, bool]]


def opened(account: World) -> None:
    created = account.simulator.clock.now() - 100 * DAY
    for name, (usage, storage_bytes) in USED.items():
        account.simulator.add_project(
            "free",
            ProjectSeed(
                f"myapp-{name}",
                quota=simulated_quota(FREE_TIER.quota),
                annotations=a_branch(f"p-{name}").annotations,
                created_at=created,
                usage=usage,
                storage_bytes=storage_bytes,
            ),
        )


def read(kind: str | None, number: int) -> tuple[Told, list[Call]]:
    """The usage, and the calls, where a kind of fault strikes one of the calls."""
    with world(refusals_allowed=True, starts_at=STARTS_AT) as account:
        opened(account)
        wire = Wire(account.via)
        if kind is not None:
            wire = Wire(account.via, struck(account.simulator, KINDS[kind], number))

        async def main() -> Usage:
            connection = Fleet.connect(DESIRED, environ=account.environ, host=API.host, via=wire, now=now)
            async with connection as fleet:
                return await fleet.usage(Request())

        return steady(account.run(main())), calls_on(wire)


def steady(usage: Usage) -> Told:
    """Thresholds, and what is reached: a project that a list leaves out is read by itself, to the last byte."""
    return {
        one.tenant: ([quota.threshold for quota in one.quotas], one.suspended, one.writes_fail)
        for one in usage.tenants
        if all(quota.used is not None for quota in one.quotas if quota.limit is not None)
    }


@cache
def undisturbed() -> tuple[Told, list[Call]]:
    return read(None, 0)


def test_the_reading_makes_every_kind_of_call() -> None:
    assert len(undisturbed()[0]) == len(USED)
    paths = {str(call).split("?")[0] for call in undisturbed()[1]}
    assert {"GET /projects", "GET /consumption_history/v2/projects"} < paths
    assert any(path.endswith("/branches") for path in paths)


@pytest.mark.drawn(6)
@pytest.mark.parametrize("kind", KINDS_OF_READS)
def test_the_reading_gets_over_a_fault_at_any_call(kind: str) -> None:
    usage, calls = undisturbed()
    for number, call in enumerate(calls, start=1):
        if KINDS[kind].strikes(call):
            assert read(kind, number)[0] == usage, f"{kind} at {call}"
