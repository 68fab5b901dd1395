"""A random trial of the create protocol: several runs create one tenant, and everything goes wrong that can.

Answers get lost, POSTs are carried out late, lists lag, clocks differ, runs die at any of their calls. The
client, the planner, the executor and the simulator are the real ones; only time is not.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import ReconcilerError
from reconciler.fleet import Fleet, RunOptions
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import AnswerAfter, CommitLater, Delay, DropAfter, DropBefore, Truncate
from reconciler.simulator.gateway import Latency
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, now
from tests.harness.stored import Stored
from tests.harness.wire import Killed, at, killed

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reconciler.registry.store import Registry
    from reconciler.simulator.faults import AnyEffect

TENANT: Final = "acme"
ONE_TENANT: Final = a_fleet(a_tenant(TENANT))
SETTLE_SECONDS: Final = ONE_TENANT.api.settle_seconds
DEAD_CALLS: Final = 12
"""A run that dies does so at one of its first calls."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad it may get, in seconds."""

    longest_lag: float
    """How long after its creation a project shows up in lists."""
    latest_commit: float
    """How long after its connection broke a POST is carried out, list lag not included."""
    within_settle: bool
    """Whether both together keep to the settle time, as the promise supposes."""
    clocks_apart: float
    dust: float
    """How long after the last run everything is over."""


@dataclass(slots=True)
class Trial:
    """One trial: what its runs have seen, and what is left once the dust has settled."""

    seed: int
    weather: Weather
    died: int = 0
    handed_out: set[str] = field(default_factory=set)
    """Projects that a run called the tenant's, or whose connection string it gave away."""
    live: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)
    """Every project that there was, the deleted ones too."""
    reported: bool = False
    """Whether the last run reports a second project, as a conflict or as an orphan that is marked a duplicate."""
    quiet: bool = False
    """Whether the last run leaves nothing to do."""

    @property
    def deleted_in_use(self) -> set[str]:
        """Projects that somebody's connection string leads to, and that are gone."""
        return self.handed_out - self.live


async def attempt(folder: Path, seed: int, weather: Weather, registry: Registry | None) -> Trial:
    """Two to four runs at once, then one more."""
    random = Random(seed)  # noqa: S311
    trial = Trial(seed, weather)
    lag = random.choice([0.0, random.uniform(0, weather.longest_lag), weather.longest_lag])
    # a new compute has its size at once: a run that meets another run's project finds nothing to change
    behaviour = Behaviour(rate_limit=None, first_compute_takes_defaults=True, list_lag_seconds=lag)
    world = World.open(folder, behaviour, Latency(0.02, 0.8))
    room = SETTLE_SECONDS - lag if weather.within_settle else weather.latest_commit
    _break_posts(world, random, min(weather.latest_commit, room))
    runs = random.randint(2, 4)
    await asyncio.gather(*(_Racer(world, trial, registry, Random(random.random()), n).run() for n in range(runs)))  # noqa: S311
    await asyncio.sleep(weather.dust)
    world.simulator.faults.clear()
    await _Racer(world, trial, registry, random, runs).converge(dies=False)
    await _look(world, trial, registry)
    world.simulator.close()
    return trial


def _break_posts(world: World, random: Random, latest_commit: float) -> None:
    """What becomes of each of the first POSTs."""
    for nth in range(1, 6):
        if random.random() < 0.5:
            continue
        late = CommitLater(random.uniform(0, latest_commit))
        slow = Delay(random.uniform(0, 5))
        effects: list[AnyEffect] = [DropBefore(), DropAfter(), AnswerAfter(504), Truncate(), slow, late, late]
        effect = random.choice(effects)
        world.simulator.faults.add(effect, "POST", "/projects", first=nth)


@dataclass(slots=True)
class _Racer:
    """One run."""

    world: World
    trial: Trial
    registry: Registry | None
    random: Random
    number: int

    async def run(self) -> None:
        await asyncio.sleep(self.random.uniform(0, SETTLE_SECONDS + 3))
        try:
            await self.converge(dies=self.random.random() < 0.25)
        except Killed:
            self.trial.died += 1

    async def converge(self, *, dies: bool) -> None:
        apart = timedelta(seconds=self.random.uniform(-0.5, 0.5) * self.trial.weather.clocks_apart)
        last = self.random.randint(1, DEAD_CALLS) if dies else 0
        act = at(last, killed(carried_out=self.random.random() < 0.5))

        def clock() -> datetime:
            return now() + apart

        run = RunOptions(id=f"run{self.number}", journal=self.world.folder / "journal.jsonl")
        async with self.world.client(act, seed=self.number + 1) as neon:
            fleet = Fleet(ONE_TENANT, neon, now=clock, registry=self.registry)
            with suppress(ReconcilerError):
                if self.random.random() < 0.5:
                    self._note(await fleet.apply(await fleet.plan(), run))
                else:
                    converged = await fleet.converge(TENANT, run=run)
                    self._note(converged.report)

    def _note(self, report: Any) -> None:
        used = (o.project_id for o in report.outcomes if o.result in {Result.APPLIED, Result.UNCHANGED})
        self.trial.handed_out.update(id_ for id_ in used if id_ is not None)


async def _look(world: World, trial: Trial, registry: Registry | None) -> None:
    async with world.client() as neon:
        planned = await Fleet(ONE_TENANT, neon, now=now, registry=registry).plan()
    trial.reported = bool(planned.plan.conflicts or planned.plan.orphans)
    trial.quiet = planned.plan.empty and not trial.reported
    rows = Stored.of(world.simulator).rows("projects", deleted=True)
    trial.ever = {row["id"] for row in rows}
    trial.live = {row["id"] for row in rows if row["deleted_at"] is None}
