"""A fleet on a simulated Neon, applied for real: planner, client, journal and executor, on virtual time."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from reconciler.apply.journals.journal import Header, Journal
from reconciler.apply.run.planned import Planned, RunOptions
from reconciler.apply.run.run import Run
from reconciler.apply.stop import StopSignal
from reconciler.apply.waves.execute import execute
from reconciler.desired.selection import Depth, Reach
from reconciler.desired.state import Api
from reconciler.documents.lines import JOURNAL
from reconciler.live.state import LiveState
from reconciler.model.annotations import creation_annotations
from reconciler.model.values import replace
from reconciler.neon.client import Neon, connect
from reconciler.neon.credentials import Access, Key, OrganizationAccess
from reconciler.neon.observe import observe
from reconciler.plan.concerns import NAMES
from reconciler.plan.history import History
from reconciler.plan.late_turn import PlanInputs
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.outcome import Report, Result
from reconciler.plan.permissions import Permissions
from reconciler.plan.tombstones import Tombstones
from reconciler.secret import Secret
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import LoopTime
from reconciler.simulator.gateway import Latency
from reconciler.simulator.seed import ProjectSeed
from tests.harness import loops
from tests.harness.account import ORGANIZATIONS, a_simulator
from tests.harness.builders import make_plan
from tests.harness.judge import JudgedTransport, session_judge
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.stored import Stored
from tests.harness.wire import Act, InProcess, Wire, answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
    from pathlib import Path

    from reconciler.apply.dumps.dumps import Dumps
    from reconciler.apply.run.wave_options import WaveEnd
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.neon.connection import Connection
    from reconciler.plan.plan import Plan
    from reconciler.simulator.exchanges import Exchange
    from reconciler.simulator.simulator import Simulator

T = TypeVar("T")

NEVER_LATE_SECONDS = 1e9
UNHURRIED = Behaviour(rate_limit=None)
COUNTED_AT_ONCE = dataclasses.replace(UNHURRIED, deletion_count_lag_seconds=0.0)
"""For tests of the exact calls: no call is refused because of a deletion that is still counted."""
SIZED_AT_ONCE = dataclasses.replace(UNHURRIED, first_compute_takes_defaults=True)
"""For tests of the exact calls of a creation: the compute of a new project has the requested size, and no call
resizes it."""
MOVED_AT_ONCE = dataclasses.replace(
    COUNTED_AT_ONCE, transfer_lag_seconds=0.0, transfer_checks_settings=False, transfer_keeps_quota=True
)
"""For tests of the exact calls of a transfer: no settings above the destination's limits prevent it, the
destination's key sees a moved project at once, and no patch has to send a quota that the transfer removed."""
INSTANT = Latency()


@dataclass(frozen=True, slots=True)
class Applied:
    """One run: what was planned, what became of it, what its journal says."""

    plan: Plan
    report: Report
    journal: list[dict[str, Any]]
    connections: Mapping[str, Connection]

    def result(self, tenant: str) -> Result:
        """What became of the tenant."""
        return next(outcome.result for outcome in self.report.outcomes if outcome.tenant == tenant)

    def message(self, tenant: str) -> str:
        """Why the tenant's first action that did not go through did not."""
        outcome = next(outcome for outcome in self.report.outcomes if outcome.tenant == tenant)
        return next(action.message for action in outcome.actions if action.result is not Result.APPLIED)

    def results(self) -> dict[str, Result]:
        """What became of each tenant."""
        return {outcome.tenant: outcome.result for outcome in self.report.outcomes}


UNLIMITED: Final = Api(host="https://neon.test/api/v2", requests_per_minute=70_000, burst_per_second=4_000)
"""Calls wait for nothing."""


@dataclass(slots=True)
class World:
    """A simulated account with the organizations free and paid, and a folder for journals."""

    simulator: Simulator
    folder: Path
    runs: int = field(default=0)

    @classmethod
    def open(cls, folder: Path, behaviour: Behaviour = UNHURRIED, latency: Latency = INSTANT) -> World:
        """An empty account."""
        return cls(a_simulator(*ORGANIZATIONS, behaviour=behaviour, latency=latency), folder)

    def seed(self, desired: DesiredState) -> None:
        """A project for each tenant, as an earlier run of this fleet has left it."""
        for tenant in desired.tenants.values():
            settings = desired.settings(tenant)
            assert settings.restore_window_seconds is not None
            project = ProjectSeed(
                desired.naming.project_name(tenant.name),
                quota=simulated_quota(settings.quota),
                compute=simulated_compute(settings.compute),
                restore_window_seconds=settings.restore_window_seconds,
                annotations=creation_annotations(fleet=desired.fleet, tenant=tenant.name, run="run0"),
            )
            self.simulator.add_project(settings.organization, project)

    @asynccontextmanager
    async def client(self, act: Act = answered, seed: int = 1, api: Api = UNLIMITED) -> AsyncIterator[Neon]:
        """A client whose exchanges are judged; ``act`` decides what becomes of each."""
        ids, keys = self.simulator.organization_ids, self.simulator.organization_keys
        access = Access(
            organizations={
                name: OrganizationAccess(name, ids[name], Key(name.upper(), Secret(keys[name]))) for name in ids
            },
            personal=Key("PERSONAL", Secret(self.simulator.personal_key)),
        )
        wire = JudgedTransport(Wire(InProcess(self.simulator.app), act), session_judge())
        random = Random(seed)  # noqa: S311
        async with connect(access, api, via=wire, random=random) as neon:
            yield neon

    async def observe(self, desired: DesiredState) -> LiveState:
        """What is live."""
        async with self.client() as neon:
            return await observe(neon, desired, PlanRequirements(), expect_empty=True)

    async def plan(self, desired: DesiredState, only: Iterable[str] = NAMES) -> Plan:
        """What differs, in the concerns named."""
        return make_plan(desired, await self.observe(desired), now=now(), only=only)

    async def apply(
        self,
        desired: DesiredState,
        *,
        run: str | None = None,
        act: Act = answered,
        stop: StopSignal | None = None,
        just_observed: bool = False,
        single_writer: bool = False,
        plan: Plan | None = None,
        waves: Sequence[WaveEnd] = (),
        dumps: Dumps | None = None,
    ) -> Applied:
        """Observe, plan (unless a plan is given), execute. ``act`` sees all requests of the run.

        A given plan is carried out as it is, however late.
        """
        self.runs += 1
        run = run or f"run{self.runs}"
        options = RunOptions(
            id=run, stop=stop or StopSignal(), single_writer=single_writer, waves=tuple(waves), dumps=dumps
        )
        connections: dict[str, Connection] = {}
        async with self.client(act, seed=self.runs) as neon:
            live = LiveState()
            if plan is None:
                live = await observe(neon, desired, PlanRequirements(), expect_empty=True)
                plan = make_plan(desired, live, now=now())
            path = self.folder / f"{run}.jsonl"
            header = Header(run=run, fleet=plan.fleet, actor="a test", commit=None, version="0", started_at=now())
            with Journal.open(path, header, now) as journal:
                applying = Run(
                    planned=planned(desired, plan, live),
                    options=options,
                    neon=neon,
                    journal=journal,
                    now=now,
                    just_observed=just_observed,
                    on_connection=connections.__setitem__,
                )
                report = await execute(applying)
        return Applied(plan, report, journal_lines(path), connections)

    async def converged(self, desired: DesiredState) -> set[str]:
        """The names of all live projects. Fails where anything is left to do, or to be decided by a person."""
        live = await self.observe(desired)
        plan = make_plan(desired, live, now=now())
        assert (plan.tenants, plan.conflicts, plan.orphans) == ((), (), ())
        return {project.name for project in live.projects}

    async def live(self, desired: DesiredState) -> dict[str, LiveProject]:
        """The live projects by name. Fails where two have the same."""
        projects = (await self.observe(desired)).projects
        assert len({project.name for project in projects}) == len(projects)
        return {project.name: project for project in projects}

    def block(self, project_id: str) -> None:
        """Connects the project to GitHub, which keeps it from moving (Neon: transfer, 422)."""
        Stored.of(self.simulator).change("projects", project_id, integrations='["github"]')

    def writes(self) -> list[Exchange]:
        """The calls that wrote or tried to, since the log was last cleared."""
        return [exchange for exchange in self.simulator.requests if exchange.method != "GET"]

    def forget(self) -> None:
        """Clears the log of requests."""
        self.simulator.requests.clear()


def planned(desired: DesiredState, plan: Plan, live: LiveState) -> Planned:
    """The plan as the start of a run in which no turn is late."""
    api = replace(desired.api, look_again_after_seconds=NEVER_LATE_SECONDS)
    plan_inputs = PlanInputs(
        desired=replace(desired, api=api),
        history=History(),
        permissions=Permissions(),
        only=NAMES,
        tombstones=Tombstones(),
        depth=Depth.DECLARED,
        reach=Reach(),
    )
    return Planned(plan, live, now(), asyncio.get_running_loop().time(), plan_inputs)


def now() -> datetime:
    """The time of the loop, as a date."""
    return datetime.fromtimestamp(LoopTime()(), UTC)


def journal_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal. Raises ValidationError for one that its schema does not know."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    msgspec.convert(lines, list[JOURNAL])
    return lines


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """Runs it on virtual time."""
    return loops.virtually(main)
