"""A random trial of two runs that create the same tenants at once, one of which dies at any of its calls.

Hours later somebody runs again: with the journals of both runs at hand, or on a machine that has none of them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.annotations import RUN, TENANT
from reconciler.model.values import replace
from reconciler.plan.actions.project import DeleteDuplicate
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.gateway import Latency
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, journal_lines, now
from tests.harness.stored import Stored
from tests.harness.wire import Killed, at, killed

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.fleet import Planned
    from reconciler.plan.outcome import Report

TENANTS: Final = ("amber", "birch")
FLEET: Final = a_fleet(*map(a_tenant, TENANTS))
LAST_CALL: Final = 18
"""A run that dies does so at one of its first calls: it makes about so many."""
START_WITHIN_SECONDS: Final = 2.0
"""Both runs. Each searches for a tenant's project right before it creates one: of runs that start further apart,
the second mostly finds what the first has made."""
HOURS_LATER: Final = 3 * 3600
COMMAND: Final = re.compile(r"--run-is-dead (\w+)")
ENOUGH: Final = Permissions(counts={"deletes": 99}, expect_empty=True)


@dataclass(slots=True)
class Trial:
    """What was found, and what was left."""

    seed: int
    pairs: int = 0
    """Tenants that had two projects, marked ones included, once the dust had settled."""
    provable: int = 0
    """Of their second projects: those of which no connection string can be out, as far as anybody can know."""
    deleted: int = 0
    """Second projects that were deleted by a later run."""
    commands: int = 0
    """Runs that had to be called dead by a person."""
    alone: bool = False
    """Whether a run took itself for the only one (--single-writer), which was wrong: it hands out at once."""
    converging: set[str] = field(default_factory=set)
    """Runs that may give away connection strings."""
    in_hand: set[str] = field(default_factory=set)
    """Projects that a run called a tenant's, or whose connection string it gave away."""
    live: dict[str, str] = field(default_factory=dict)
    """The name of each live project, by its id."""
    undecided: list[str] = field(default_factory=list)
    """What a person still has to decide, in words."""

    @property
    def wrong(self) -> str:
        """What should not be; empty where all is well."""
        if lost := self.in_hand - self.live.keys():
            return f"in somebody's hands, and deleted: {lost}"
        twice = Counter(name.partition("-duplicate-")[0] for name in self.live.values())
        if any(count > 1 for count in twice.values()) and not self.undecided:
            return f"two projects, and nobody was told: {self.live}"
        out = ("may have returned", *(["reported"] if self.alone else []))
        if unknown := [words for words in self.undecided if not any(said in words for said in out)]:
            return f"left to a person although no string may be out: {unknown}"
        return "" if len(twice) == len(TENANTS) else f"a tenant is missing: {self.live}"


async def attempt(folder: Path, seed: int) -> Trial:
    """Two runs at once, and those that come hours later until nothing more is done."""
    random, trial = Random(seed), Trial(seed)  # noqa: S311
    lag = random.choice([0.0, random.uniform(0, 9)])
    # a new compute has its size at once: a run that meets another run's project finds nothing to change
    behaviour = Behaviour(rate_limit=None, first_compute_takes_defaults=True, list_lag_seconds=lag)
    world = World.open(folder, behaviour, Latency(0.02, 0.8))
    doomed = random.randrange(2)
    await asyncio.gather(*(_racer(world, trial, random, number, dies=number == doomed) for number in range(2)))
    await asyncio.sleep(HOURS_LATER)
    known = random.random() < 0.5
    seconds = _seconds(world)
    trial.pairs = len(seconds)
    trial.provable = sum(_provable(world, trial, *second, known=known) for second in seconds.items())
    request = Request(permissions=ENOUGH, journals=(folder,) if known else ())
    planned = await _later(world, trial, request, "run2")
    if not known and (runs := frozenset(COMMAND.findall(_words(planned)))):
        trial.commands += len(runs)
        planned = await _later(world, trial, replace(request, dead_runs=runs), "run3")
    await asyncio.sleep(HOURS_LATER)
    planned = await _later(world, trial, request, "run4")
    trial.undecided = [c.message for c in planned.plan.conflicts]
    trial.undecided += [note.message for note in planned.plan.notes if "duplicate" in note.message]
    trial.live = _live(world)
    world.simulator.close()
    return trial


async def _racer(world: World, trial: Trial, random: Random, number: int, *, dies: bool) -> None:
    start, last = random.uniform(0, START_WITHIN_SECONDS), random.randint(1, LAST_CALL)
    carried_out = random.random() < 0.5
    converges, single = random.random() < 0.3, random.random() < 0.3
    act = at(last if dies else 0, killed(carried_out=carried_out))
    alone = converges and single
    if converges:
        trial.converging.add(f"run{number}")
    trial.alone |= alone
    await asyncio.sleep(start)
    run = RunOptions(id=f"run{number}", journal=world.folder / f"run{number}.jsonl", single_writer=alone)
    async with world.client(act, seed=number + 1) as neon:
        fleet = Fleet(FLEET, neon, now=now)
        with suppress(Killed, ReconcilerError):
            if converges:
                _note(trial, (await fleet.converge(*TENANTS, run=run)).report)
            else:
                _note(trial, await fleet.apply(await fleet.plan(Request(permissions=ENOUGH)), run))


async def _later(world: World, trial: Trial, request: Request, run: str) -> Planned:
    """One more ordinary run, and what is planned after it."""
    async with world.client() as neon:
        fleet = Fleet(FLEET, neon, now=now)
        planned = await fleet.plan(request)
        trial.deleted += sum(isinstance(action, DeleteDuplicate) for action in planned.plan.actions)
        _note(trial, await fleet.apply(planned, RunOptions(id=run, journal=world.folder / f"{run}.jsonl")))
        return await fleet.plan(request)


def _note(trial: Trial, report: Report) -> None:
    used = (o.project_id for o in report.outcomes if o.result in {Result.APPLIED, Result.UNCHANGED})
    trial.in_hand.update(id_ for id_ in used if id_ is not None)


def _words(planned: Planned) -> str:
    remedies = [conflict.remedy for conflict in planned.plan.conflicts]
    return "\n".join((*remedies, *(note.message for note in planned.plan.notes)))


def _seconds(world: World) -> dict[str, str]:
    """The live projects that another of their tenant's came before, each with the run that made it."""
    stored = Stored.of(world.simulator)
    notes = {row["project_id"]: row["annotations"] for row in stored.rows("branches") if row["annotations"]}
    rows = sorted(stored.rows("projects"), key=lambda row: (int(row["created_at"]), row["id"]))
    made = [(row["id"], json.loads(notes[row["id"]])["value"]) for row in rows if row["id"] in notes]
    first: dict[str, str] = {}
    for id_, note in made:
        first.setdefault(note[TENANT], id_)
    return {id_: note[RUN] for id_, note in made if first[note[TENANT]] != id_}


def _provable(world: World, trial: Trial, project_id: str, run: str, *, known: bool) -> bool:
    """Whether nobody can have been told of the project: what its run tells is known, or it tells nothing."""
    if not known:
        return run not in trial.converging
    told = journal_lines(world.folder / f"{run}.jsonl")
    return not any(line["line"] == "kept" and line["project_id"] == project_id for line in told)


def _live(world: World) -> dict[str, str]:
    return {row["id"]: row["name"] for row in Stored.of(world.simulator).rows("projects")}
