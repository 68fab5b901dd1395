"""The small fleets of the trials on stale views: what the files said before, what they say now, what is live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import AtLimit, SnapshotPolicy, Tier
from reconciler.model.annotations import Purpose, branch_annotations, creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from tests.harness.builders import (
    DAY,
    FREE_TIER,
    GIB,
    HERE,
    HISTORY_MAY_GO,
    HOUR,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_tenant,
)
from tests.harness.simulated import simulated_compute, simulated_quota

if TYPE_CHECKING:
    from random import Random

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from tests.harness.trial_account import TrialAccount

NAMES: Final = ("amber", "birch", "cedar")
SIZES: Final = (1, 1, 1, 1, 2, 2, 3)
"""Tenants of a fleet: what goes wrong between two goes wrong between few."""
AGE_SECONDS: Final = 20 * DAY
"""How old everything is when a run begins."""
BEGIN: Final = datetime.fromtimestamp(DEMO_EPOCH_SECONDS + AGE_SECONDS, UTC)
SCALE_QUOTA: Final = replace(PRO_QUOTA, data_transfer_bytes=500 * GIB, logical_size_bytes=100 * GIB)
SCALE: Final = Tier("scale", "paid", HERE, quota=SCALE_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=7 * DAY)
CHEAPER: Final = replace(
    PRO_TIER,
    quota=replace(PRO_QUOTA, active_time_seconds=700 * HOUR, data_transfer_bytes=40 * GIB),
    compute=Compute(0.5, 2, 300),
    restore_window_seconds=3 * DAY,
)


@dataclass(frozen=True, slots=True)
class Files:
    """What the files said before, and what they say in the commit that is applied."""

    before: DesiredState
    after: DesiredState


def files(random: Random) -> Files:
    """At random. Equal ones are the same object."""
    names = NAMES[: random.choice(SIZES)]
    changes = tuple((name, random.randrange(len(_changes(name)))) for name in names)
    return _files(changes, random.choice(tuple(AtLimit)), cheaper=random.random() < 0.5)


@cache
def _files(changes: tuple[tuple[str, int], ...], at_limit: AtLimit, *, cheaper: bool) -> Files:
    pairs = [_changes(name)[number] for name, number in changes]
    free = replace(FREE_TIER, snapshots=SnapshotPolicy(at_limit))
    before = a_fleet(*(was for was, _ in pairs if was is not None), tiers=(free, PRO_TIER, SCALE))
    pro = CHEAPER if cheaper else PRO_TIER
    return Files(before, a_fleet(*(wanted for _, wanted in pairs), tiers=(free, pro, SCALE)))


@cache
def _changes(name: str) -> list[tuple[Tenant | None, Tenant]]:
    """What a commit may do to a tenant."""
    branches = (DevBranch("feature"), DevBranch("old"))
    paid, free = a_tenant(name, "pro", dev_branches=branches), a_tenant(name, "free", dev_branches=branches[:1])
    kept = replace(free, snapshots=(Snapshot("v1"),))
    two = replace(paid, snapshots=(Snapshot("v1"), Snapshot("v2")))
    return [
        (paid, replace(paid, dev_branches=())),
        (paid, replace(paid, dev_branches=(*branches[:1], DevBranch("new")))),
        (free, replace(free, tier="pro")),
        (paid, replace(paid, tier="free", accept=HISTORY_MAY_GO)),
        (paid, replace(paid, absent=True, dev_branches=None)),
        (paid, paid),
        (paid, replace(paid, accept=HISTORY_MAY_GO)),
        (None, a_tenant(name)),
        (None, a_tenant(name)),
        (kept, replace(kept, snapshots=(Snapshot("v2"),))),
        (kept, replace(kept, snapshots=(Snapshot("v2", at=BEGIN - timedelta(hours=20)),))),
        (kept, replace(kept, snapshots=(Snapshot("v2", at=BEGIN - timedelta(hours=23, minutes=45)),))),
        (kept, replace(kept, snapshots=())),
        (two, replace(two, tier="free", snapshots=(Snapshot("v2"),), accept=HISTORY_MAY_GO)),
    ]


def seed(account: TrialAccount, fleet: DesiredState) -> None:
    """Puts into an empty account what an earlier run of the fleet has left."""
    account.restart(_seeded(account, fleet))


_SEEDED: Final[dict[int, bytes]] = {}


def _seeded(account: TrialAccount, fleet: DesiredState) -> bytes:
    """Stored for the fleets of ``files``, which are kept for good."""
    if (known := _SEEDED.get(id(fleet))) is not None:
        return known
    account.restart()
    for tenant in fleet.tenants.values():
        settings = fleet.settings(tenant)
        project = ProjectSeed(
            fleet.project_name(tenant),
            quota=simulated_quota(settings.quota),
            compute=simulated_compute(settings.compute),
            restore_window_seconds=settings.restore_window_seconds or DAY,
            annotations=creation_annotations(fleet=fleet.fleet, tenant=tenant.name, run="run0"),
            branches=[_branch(fleet.fleet, tenant.name, branch.name) for branch in tenant.dev_branches or ()],
            snapshots=[SnapshotSeed(snapshot.name) for snapshot in tenant.snapshots or ()],
        )
        account.simulator.add_project(settings.organization, project)
    return _SEEDED.setdefault(id(fleet), account.stored())


def _branch(fleet: str, tenant: str, name: str) -> BranchSeed:
    purpose = Purpose.DEV_BRANCH
    return BranchSeed(
        name, branch_annotations(fleet=fleet, tenant=tenant, run="run0", branch=name, purpose=purpose)
    )
