"""What a plan says that it costs, against what its run takes, for every kind of action."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.policy import Policy, Threshold, Thresholds
from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import AtLimit, SnapshotPolicy
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.gateway import Latency
from reconciler.simulator.seed import ProjectSeed, SnapshotSeed
from tests.harness.account import API, world
from tests.harness.builders import (
    DAY,
    FREE_COMPUTE,
    FREE_QUOTA,
    FREE_TIER,
    HISTORY_MAY_GO,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_tenant,
)
from tests.harness.simulated import simulated_compute, simulated_quota

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Tier
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Budget

NAMES: Final = tuple(f"t{number:03}" for number in range(40))
OFTEN: Final = Threshold(1000, 100)
ANYTHING: Final = Policy(thresholds=Thresholds(OFTEN, OFTEN, OFTEN, OFTEN))
FREELY: Final = replace(FREE_TIER, snapshots=SnapshotPolicy(AtLimit.REPLACE_OLDEST))
RAISED: Final = replace(FREE_TIER, quota=replace(FREE_QUOTA, data_transfer_bytes=6 * 2**30))
SMALL: Final = replace(FREE_TIER, compute=Compute(0.25, 1, 300))


@dataclass(frozen=True)
class Change:
    """Fields of every tenant before and after a commit, and where their projects are, if anywhere."""

    before: dict[str, Any]
    after: dict[str, Any]
    place: str | None = "free"
    tier: Tier = FREE_TIER
    snapshots: tuple[str, ...] = ()


CHANGES: Final = {
    "quota": Change({}, {}, tier=RAISED),
    "compute": Change({}, {}, tier=SMALL),
    "upgrade": Change({}, {"tier": "pro"}),
    "downgrade": Change({"tier": "pro"}, {"accept": HISTORY_MAY_GO}, "paid"),
    "branch": Change({}, {"dev_branches": (DevBranch("a"),)}),
    "snapshot": Change({}, {"snapshots": (Snapshot("a"),)}),
    "replaced snapshot": Change(
        {"snapshots": (Snapshot("a"),)}, {"snapshots": (Snapshot("b"),)}, tier=FREELY, snapshots=("a",)
    ),
    "sign-up": Change({}, {}, None),
    "sign-up with all": Change(
        {}, {"dev_branches": (DevBranch("a"), DevBranch("b")), "snapshots": (Snapshot("s"),)}, None
    ),
    "tombstone": Change({}, {"absent": True}),
}

SIZED_LATER: Final = Behaviour()
SIZED_AT_ONCE: Final = Behaviour(first_compute_takes_defaults=True)


def files(fields: dict[str, Any], tier: Tier) -> DesiredState:
    return a_fleet(*(a_tenant(name, **fields) for name in NAMES), tiers=(tier, PRO_TIER), policy=ANYTHING)


def carried_out(change: Change, folder: Path, behaviour: Behaviour = SIZED_LATER) -> tuple[Budget, Report, float]:
    """What was estimated, what became of it, and the seconds that it took at the usual rate and latency."""
    after = files(change.after, change.tier)
    first = replace(change.tier, quota=FREE_QUOTA, compute=FREE_COMPUTE)
    before = files(change.before, first) if change.place else a_fleet(policy=ANYTHING)
    request = Request(base=before, permissions=Permissions(lowering=True, expect_empty=True))
    with world(latency=Latency(0.05, 0.15), behaviour=behaviour) as neon:
        if change.place is not None:
            for name in NAMES:
                neon.simulator.add_project(change.place, seed(name, change, neon.simulator.clock.now()))

        async def main() -> tuple[Budget, Report, float]:
            shared: dict[str, Any] = {"environ": neon.environ, "host": API.host, "via": neon.via, "share": 0.7}
            async with Fleet.connect(after, **shared) as fleet:
                planned = await fleet.plan(request)
                begun = asyncio.get_running_loop().time()
                report = await fleet.apply(planned, RunOptions(id="r1", journal=folder / "j.jsonl"))
                return planned.plan.budget, report, asyncio.get_running_loop().time() - begun

        return neon.run(main())


def seed(name: str, change: Change, now: float) -> ProjectSeed:
    paid = change.place == "paid"
    return ProjectSeed(
        f"myapp-{name}",
        quota=simulated_quota(PRO_QUOTA if paid else FREE_QUOTA),
        compute=simulated_compute(PRO_COMPUTE if paid else FREE_COMPUTE),
        restore_window_seconds=7 * DAY if paid else DAY,
        annotations=a_branch(f"p-{name}").annotations,
        created_at=now - 100 * DAY,
        snapshots=[SnapshotSeed(snapshot) for snapshot in change.snapshots],
    )


@pytest.mark.drawn(2)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_is_within_15_percent(change: Change, tmp_path: Path) -> None:
    budget, report, seconds = carried_out(change, tmp_path)
    assert {outcome.result for outcome in report.outcomes} == {Result.APPLIED}
    assert len(report.outcomes) == len(NAMES)
    assert budget.writes + budget.reads == pytest.approx(report.calls, rel=0.15)
    assert budget.seconds == pytest.approx(seconds, rel=0.15)


def test_says_how_many_calls_are_left_out_where_neon_sizes_new_computes_as_requested(tmp_path: Path) -> None:
    budget, report, _ = carried_out(CHANGES["sign-up"], tmp_path, SIZED_AT_ONCE)
    assert budget.resizes == len(NAMES)
    assert budget.calls - budget.resizes - budget.polls == pytest.approx(report.calls, rel=0.15)
