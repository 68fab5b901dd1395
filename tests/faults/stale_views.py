"""A random trial of a run whose every read may be old and whose every write may be late, in an account at work.

Between its calls others change what is there: names are taken away and given out again, projects, branches and
snapshots are deleted and made anew, windows and sizes are changed, tenants pay for more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.neon.answers import lost
from reconciler.plan.permissions import Permissions
from tests.faults import stale_fleets
from tests.faults.direct_calls import answered, direct_client
from tests.faults.interference import Interference
from tests.faults.ledger import Ledger
from tests.faults.objections import Objections
from tests.harness.runs import now
from tests.harness.trial_account import trial_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.neon.answers import Answer, Exchange
    from reconciler.neon.call import Call

ENOUGH: Final = Permissions(counts=dict.fromkeys(("deletes", "transfers", "disruptive"), 99))
"""Creations are left to what the product allows by itself: of tenants that are new."""
CALM_RUNS: Final = 0.1
"""Of trials in which nothing asks for one."""


@dataclass(frozen=True, slots=True)
class Staleness:
    """How old an answer may be, and how late a write may arrive, in seconds."""

    stale: float
    late: float
    lists_settle: bool = False
    """Whether lists show what was created within the settle time: then no tenant is left with two projects."""

    def drawn(self, random: Random) -> Staleness:
        """That of one trial: each is nothing in half of them, where objections can be raised to more."""
        stale, late = random.choice((0.0, self.stale)), random.choice((0.0, self.late))
        return replace(self, stale=stale, late=late)


BOUNDED: Final = Staleness(4.0, 4.0, lists_settle=True)
"""What was created shows within the settle time of ten seconds."""
UNBOUNDED: Final = Staleness(float("inf"), 60.0)
"""Any earlier moment at all: what names, values and counts tell may be wrong, what an id tells is not."""
NONE: Final = Staleness(0.0, 0.0)
"""Everything is as it is."""
STALENESS: Final[Mapping[str, Staleness]] = {"bounded": BOUNDED, "unbounded": UNBOUNDED}


@dataclass(slots=True)
class Trial:
    """What became of it."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    reads: int = 0
    writes: int = 0
    stale_reads: int = 0
    changes: int = 0
    """By others."""
    tell: Callable[[str], None] | None = field(default=None, compare=False, repr=False)
    """Is told of each call of a run, where anybody wants to know."""


class Adversary:
    """A run's way to the account: reads answer from earlier moments, writes arrive late, or after their loss."""

    def __init__(
        self,
        objections: Objections,
        interference: Interference,
        staleness: Staleness,
        random: Random,
        trial: Trial,
    ) -> None:
        self._objections, self._ledger = objections, objections.ledger
        self._interference, self._staleness = interference, staleness
        self._random, self._trial = random, trial
        self._under_way: list[asyncio.Task[Answer]] = []

    async def carry(self, exchange: Exchange) -> Answer:
        """One attempt, and sometimes somebody's change before it."""
        await self._interference.perhaps()
        await asyncio.sleep(self._random.uniform(0.02, 0.5))
        given = await (self._read(exchange) if exchange.call.reads else self._write(exchange))
        if self._trial.tell is not None:
            self._trial.tell(_told(self._ledger.account.now, exchange.call, given))
        return given

    async def finish_writes(self) -> None:
        """Waits until everything that was sent has arrived."""
        await asyncio.gather(*self._under_way)

    async def _write(self, exchange: Exchange) -> Answer:
        self._trial.writes += 1
        if self._random.random() < 0.05:
            self._under_way.append(asyncio.create_task(self._arrive(exchange)))
            await asyncio.sleep(self._random.uniform(0, 1))
            raise lost(exchange, "no answer in time")
        return await self._arrive(exchange)

    async def _arrive(self, exchange: Exchange) -> Answer:
        if self._random.random() < 0.4:
            await asyncio.sleep(self._random.uniform(0, self._staleness.late))
        self._objections.judge(exchange.call)
        given = answered(self._ledger.account.world, exchange)
        self._ledger.note()
        return given

    async def _read(self, exchange: Exchange) -> Answer:
        self._trial.reads += 1
        earlier = self._ledger.since(self._ledger.account.now - self._staleness.stale)[:-1]
        if not earlier or self._random.random() < 0.5:
            return answered(self._ledger.account.world, exchange)
        self._trial.stale_reads += 1
        return answered(self._ledger.account.at(self._random.choice(earlier).stored), exchange)


async def attempt(
    folder: Path, seed: int, staleness: Staleness, tell: Callable[[str], None] | None = None
) -> Trial:
    """One run on views as stale as that, sometimes one on fresh views after it, and what is left."""
    random, trial, account = Random(seed), Trial(seed, tell=tell), trial_account()  # noqa: S311
    staleness = staleness.drawn(random)
    files = stale_fleets.files(random)
    stale_fleets.seed(account, files.before)
    await asyncio.sleep(stale_fleets.AGE_SECONDS)
    ledger = Ledger(account, files.after.fleet)
    ledger.begin()
    objections = Objections(ledger, files.before, files.after, staleness.stale, staleness.late)
    interference = Interference(ledger, files.before, random, folder, tuple(files.after.tenants), tell)
    await _stale_run(objections, interference, staleness, random, trial, folder)
    told: list[str] = []
    if random.random() < CALM_RUNS or objections.made_room or _twice(ledger):
        told = await _calm_run(objections, interference, random, trial, folder)
        objections.found += objections.unfinished()
    trial.changes = interference.count
    untold = _twice(ledger) if staleness.lists_settle else _untold(ledger, told)
    trial.wrong = [*objections.found, *(f"{name} is there twice" for name in untold)]
    return trial


async def _stale_run(
    objections: Objections,
    interference: Interference,
    staleness: Staleness,
    random: Random,
    trial: Trial,
    folder: Path,
) -> None:
    adversary = Adversary(objections, interference, staleness, random, trial)
    async with direct_client(objections.ledger.account.ids, adversary.carry, random) as neon:
        fleet = Fleet(objections.after, neon, now=now)
        with suppress(ReconcilerError):
            interference.probability = random.choice((0, 0.1))
            planned = await fleet.plan(Request(base=objections.before, permissions=ENOUGH))
            objections.permit(planned.plan)
            objections.planned_at = objections.ledger.account.now
            interference.probability = 1.0
            for _ in range(random.randrange(4)):
                await interference.perhaps()
            interference.probability = random.choice((0, 0.1, 0.3))
            await asyncio.sleep(random.choice((0.0, random.uniform(0, 20), random.uniform(60, 120))))
            await fleet.apply(planned, RunOptions(id="run", journal=folder / "run.jsonl"))
    interference.probability = 0.0
    await adversary.finish_writes()


async def _calm_run(
    objections: Objections, interference: Interference, random: Random, trial: Trial, folder: Path
) -> list[str]:
    """An ordinary run when nobody else is at work any more, and whatever it leaves to a person."""
    await asyncio.sleep(120)
    objections.stale_seconds, objections.late_seconds, objections.planned_at = 0.0, 0.0, float("inf")
    objections.ledger.note()
    adversary = Adversary(objections, interference, NONE, random, trial)
    async with direct_client(objections.ledger.account.ids, adversary.carry, random) as neon:
        fleet = Fleet(objections.after, neon, now=now)
        request = Request(base=objections.before, permissions=ENOUGH)
        planned = await fleet.plan(request)
        objections.permit(planned.plan)
        report = await fleet.apply(planned, RunOptions(id="calm", journal=folder / "calm.jsonl"))
        plan = (await fleet.plan(request)).plan if _twice(objections.ledger) else planned.plan
    await adversary.finish_writes()
    objections.ledger.note()
    failures = [one.message for outcome in report.outcomes for one in outcome.actions]
    return [*(c.message for c in plan.conflicts), *(n.message for n in plan.notes), *filter(None, failures)]


def _twice(ledger: Ledger) -> list[str]:
    """The names of tenants' projects of which there are two of ours."""
    counts = Counter(name.partition("-duplicate-")[0] for _, name in _ours(ledger))
    return [name for name, count in counts.items() if count > 1]


def _untold(ledger: Ledger, told: list[str]) -> list[str]:
    """Those of them that no person is told of."""
    ids = {name: [id_ for id_, n in _ours(ledger) if n == name] for name in _twice(ledger)}
    return [name for name, of_name in ids.items() if not any(id_ in words for id_ in of_name for words in told)]


def _ours(ledger: Ledger) -> list[tuple[str, str]]:
    live = ledger.moments[-1].projects
    return [(id_, name) for id_, (name, _) in live.items() if id_ not in ledger.strangers]


def _told(now: float, call: Call, given: Answer) -> str:
    """A call of the run with its answer in short, after the seconds since the run began."""
    seconds = now - stale_fleets.BEGIN.timestamp()
    sent = {**call.query} if call.body is None else call.body
    return f"{seconds:8.2f} {call.method} {call.path} {sent} -> {given.status} {given.body.decode()[:200]}"
