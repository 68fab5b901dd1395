"""A fleet whose files ask for everything at once, and the simulated account that they find."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from reconciler.cli import exit_codes
from reconciler.desired.tenant import Accepted, DevBranch, Overrides, Snapshot
from reconciler.desired.tier import AtLimit, DevBranchPolicy, Occasion, SnapshotPolicy
from reconciler.documents.events import line
from reconciler.documents.reader import parse_saved_plan
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.annotations import Purpose, branch_annotations, creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.approval import PlanOrigin
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Organization
from tests.harness import json_documents
from tests.harness.account import API, AT_ONCE, world
from tests.harness.builders import FREE_TIER, NOON, PRO_TIER, a_fleet, a_tenant
from tests.harness.events import check_folded, read_events
from tests.harness.simulated import simulated_compute, simulated_limits, simulated_quota, simulated_replicas

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

    import httpx

    from reconciler.apply.stop import StopSignal
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.fleet import Planned
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.simulator.gateway import Latency
    from reconciler.simulator.simulator import Simulator
    from tests.harness.account import World

GIVING_WAY: Final = SnapshotPolicy(AtLimit.REPLACE_OLDEST, before=(Occasion.DELETE,))
SMALL: Final = Compute(0.25, 1.0, 300)
WIDE: Final = Compute(0.25, 2.0, 300)
TIERS: Final = tuple(
    replace(tier, snapshots=GIVING_WAY, dev_branches=DevBranchPolicy(max=5, compute=SMALL))
    for tier in (FREE_TIER, PRO_TIER)
)
LONG_AGO: Final = NOON - timedelta(days=30)
SOON: Final = NOON + timedelta(days=9)
BEFORE_LAST_DOWNGRADE: Final = f"before-downgrade-{LONG_AGO:%Y-%m-%d}"
ENOUGH: Final = dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 100)

BEFORE: Final = a_fleet(
    a_tenant("ann", dev_branches=(DevBranch("dev"),), snapshots=(Snapshot("v1"),)),
    a_tenant("ben"),
    a_tenant("cat"),
    a_tenant(
        "dan",
        "pro",
        dev_branches=(DevBranch("dev"), DevBranch("old")),
        snapshots=(Snapshot("v0"), Snapshot("v1")),
    ),
    a_tenant("eve"),
    a_tenant(
        "fay",
        overrides=Overrides(replicas={"old": SMALL, "reports": SMALL}),
        dev_branches=(DevBranch("dev"), DevBranch("old")),
        snapshots=(Snapshot("v1"),),
    ),
    a_tenant("ida", "pro"),
    a_tenant("jan", "pro"),
    a_tenant("kim", "pro", snapshots=(Snapshot(BEFORE_LAST_DOWNGRADE),)),
    tiers=TIERS,
)
HISTORY_LOSS: Final = Accepted(history_loss=True)
AFTER: Final = a_fleet(
    a_tenant(
        "ann",
        "pro",
        dev_branches=(DevBranch("dev"), DevBranch("qa", parent="dev")),
        snapshots=(Snapshot("v2"),),
        overrides=Overrides(replicas={"reports": SMALL}),
    ),
    a_tenant("ben", "pro"),
    a_tenant("cat", "pro", overrides=Overrides(compute=Compute(max_cu=6))),
    a_tenant("dan", dev_branches=(DevBranch("dev", reset=1),), snapshots=(Snapshot("v1"),), accept=HISTORY_LOSS),
    a_tenant("eve", absent=True),
    a_tenant(
        "fay",
        overrides=Overrides(
            quota={"data_transfer_bytes": 7 * 2**30}, compute=Compute(max_cu=1), replicas={"reports": WIDE}
        ),
        dev_branches=(DevBranch("dev", expires_at=SOON), DevBranch("new")),
        snapshots=(Snapshot("v2"),),
    ),
    a_tenant("gus", dev_branches=(DevBranch("dev"),), snapshots=(Snapshot("v1"),)),
    a_tenant("hal"),
    a_tenant("ida", "pro", overrides=Overrides(quota={"active_time_seconds": 900 * 3600})),
    a_tenant("jan", "pro", suspended=True, reason="payment is overdue"),
    a_tenant("kim", accept=HISTORY_LOSS, overrides=Overrides(snapshots_before=(Occasion.DOWNGRADE,))),
    tiers=TIERS,
)

REQUEST: Final = Request(
    base=BEFORE,
    permissions=Permissions(counts=ENOUGH),
    raised=lambda branches: dict.fromkeys(branches, NOON - timedelta(hours=1)),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How an apply ended, as a shell would see it; ``report`` None where it ended before its first write."""

    code: ExitCode
    report: Report | None = None
    planned: Planned | None = None
    error: ReconcilerError | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """The account of ``BEFORE``, and applies of ``AFTER`` to it."""

    world: World
    folder: Path
    ahead: timedelta = timedelta()
    """How far the clock of the machine is ahead of the account's."""
    request: Request = REQUEST
    """What each apply is about."""

    @property
    def simulator(self) -> Simulator:
        """The account."""
        return self.world.simulator

    def apply(self, via: httpx.AsyncBaseTransport | None = None, stop: StopSignal | None = None) -> Ended:
        """One run on its own."""
        return self.world.run(self.applying(via, stop=stop))

    async def applying(
        self,
        via: httpx.AsyncBaseTransport | None = None,
        *,
        stop: StopSignal | None = None,
        saved: Plan | None = None,
        journal: str = "journal.jsonl",
    ) -> Ended:
        """Observe, plan, guard, apply: all that the command does between its flags and its exit code."""
        lines: list[str] = []
        run = RunOptions(journal=self.folder / journal, on_event=lambda told: lines.append(line(told, "run")))
        run = run if stop is None else replace(run, stop=stop)
        try:
            async with self._fleet(via) as fleet:
                planned = await fleet.plan(self.request)
                planned = planned if saved is None else fleet.approved(planned, saved)
                report = await fleet.apply(planned, run)
        except ReconcilerError as error:
            return Ended(error.exit_code, error=error)
        document = json.loads(json_documents.report(report, planned.stale))
        check_folded(read_events("".join(f"{one}\n" for one in lines)), document)
        code = exit_codes.of_apply(planned.plan, report, (), stale=planned.stale)
        return Ended(code, report, planned)

    def saved_plan(self) -> Plan:
        """What is to be done, as ``plan --out`` writes it and ``apply PLANFILE`` reads it."""

        async def main() -> Planned:
            async with self._fleet() as fleet:
                return await fleet.plan(self.request)

        planned = self.world.run(main())
        return parse_saved_plan(
            json_documents.plan(planned.plan, PlanOrigin(planned.at)).encode(), "plan.json"
        ).plan

    def _fleet(self, via: httpx.AsyncBaseTransport | None = None) -> AbstractAsyncContextManager[Fleet]:
        return Fleet.connect(
            AFTER, environ=self.world.environ, host=API.host, via=via or self.world.via, now=self.now
        )

    def now(self) -> datetime:
        """What the machine takes for the time."""
        return datetime.fromtimestamp(self.simulator.clock.now(), UTC) + self.ahead


AS_USUAL: Final = Behaviour()


@contextmanager
def opened(
    latency: Latency = AT_ONCE, request: Request = REQUEST, behaviour: Behaviour = AS_USUAL
) -> Iterator[Scene]:
    """An account of its own, on virtual time. Leaving the block asks the judge about every exchange."""
    organizations = [
        Organization(each.name, simulated_limits(each.limits)) for each in BEFORE.organizations.values()
    ]
    neon_world = world(*organizations, latency=latency, behaviour=behaviour, starts_at=NOON.timestamp())
    with neon_world as neon, TemporaryDirectory() as folder:
        for tenant in BEFORE.tenants.values():
            _seed(neon.simulator, BEFORE, tenant)
        yield Scene(neon, Path(folder), request=request)


def _seed(simulator: Simulator, desired: DesiredState, tenant: Tenant) -> None:
    settings = desired.settings(tenant)
    assert settings.restore_window_seconds is not None
    seed = ProjectSeed(
        desired.naming.project_name(tenant.name),
        quota=simulated_quota(settings.quota),
        compute=simulated_compute(settings.compute),
        restore_window_seconds=settings.restore_window_seconds,
        replicas=simulated_replicas(settings.replicas),
        annotations=creation_annotations(fleet=desired.fleet, tenant=tenant.name, run="run0"),
        branches=[
            BranchSeed(
                branch.name,
                annotations=branch_annotations(
                    fleet=desired.fleet,
                    tenant=tenant.name,
                    run="run0",
                    branch=branch.name,
                    purpose=Purpose.DEV_BRANCH,
                ),
                compute=simulated_compute(SMALL),
            )
            for branch in tenant.dev_branches or ()
        ],
        snapshots=[SnapshotSeed(snapshot.name) for snapshot in tenant.snapshots or ()],
        created_at=LONG_AGO.timestamp(),
        active=AFTER.tenants[tenant.name].suspended,
    )
    simulator.add_project(settings.organization, seed)
