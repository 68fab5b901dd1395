"""The days of a fleet: files are edited, people meddle, calls fail, runs die, and each evening all is well again.

Real files, the real use cases, real HTTP messages to a simulated account in a file, held against the official
description; only time is virtual.
"""

from __future__ import annotations

import gc
import json
import resource
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Final

from reconciler.apply.stop import StopSignal
from reconciler.cli import exit_codes
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.values import replace
from reconciler.plan.permissions import Permissions
from tests.endurance.files import Files
from tests.endurance.trouble import People, fate, lay_faults
from tests.harness.account import API, world
from tests.harness.stored import Stored
from tests.harness.wire import Killed, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from tests.harness.account import World

DAY_SECONDS: Final = 86_400
RUNS_IN_TROUBLE: Final = 2
"""Applies of a day among faults, before the quiet one of the evening."""
EVENINGS_AT_MOST: Final = 4
"""Quiet applies until nothing is left to do: what failed to start may hold a project for some minutes."""
COUNTS: Final = dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 10**6)
CAREFUL: Final = Permissions(counts=COUNTS)
DECIDED: Final = Permissions(lowering=True, prune=True, counts=COUNTS)
"""What a person permits who has looked at what is refused, and at the orphans."""


@dataclass(slots=True)
class Told:
    """What came of it all."""

    days: int = 0
    runs: int = 0
    faults: int = 0
    deeds: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """How the runs ended."""
    actions: Counter[str] = field(default_factory=Counter)
    """Calls that wrote, by their kind."""
    peaks_mib: list[float] = field(default_factory=list)
    """The most memory that this process has held so far, at the end of each day."""
    complaints: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Soak:
    """A fleet, its account, and what may be done to both."""

    world: World
    folder: Path
    files: Files
    random: Random
    told: Told = field(default_factory=Told)
    applied: DesiredState | None = None
    """The files as they were when an apply last left nothing to do: the base of the causes."""

    def live(self, days: int, on_day: Callable[[Told], None]) -> Told:
        """Lives through the days, and settles everything at the end of the last one."""
        for day in range(1, days + 1):
            self._day(last=day == days)
            self.told.days = day
            self.told.peaks_mib.append(_peak_mib())
            on_day(self.told)
        return self.told

    def _day(self, *, last: bool) -> None:
        people = People(self.world, self.random)
        desired = self.files.read()
        for _ in range(RUNS_IN_TROUBLE):
            self.told.faults += lay_faults(self.world.simulator, self.random)
            stop = StopSignal()
            self._run(desired, CAREFUL, via=Wire(self.world.via, fate(self.random, stop)), stop=stop)
            for _ in range(max(1, self.files.size // 400)):
                self.world.run(people.meddle())
                self.told.deeds += 1
        self.world.simulator.faults.clear()
        if last:
            self.world.run(people.tidy_up())
        self._evening(desired, DECIDED if last or self.random.random() < 0.2 else CAREFUL)
        for what in (*self._wrong(desired), *(self._not_in_sync(desired) if last else ())):
            self._complain(what)
        self._next_morning()

    def _evening(self, desired: DesiredState, permissions: Permissions) -> None:
        """Nothing goes wrong any more: all is as declared then, but for what a person has to decide."""
        for _ in range(EVENINGS_AT_MOST):
            code, plan = self._run(desired, permissions)
            if code not in {ExitCode.DONE, ExitCode.REFUSED}:
                self._complain(f"the evening's apply ends with {code!r}")
            if code is ExitCode.DONE:
                self.applied = desired
            if plan is not None and plan.empty:
                return
        self._complain("there is no end of what is to be done")

    def _complain(self, what: str) -> None:
        self.told.complaints.append(f"day {self.told.days + 1}: {what}")

    def _run(
        self,
        desired: DesiredState,
        permissions: Permissions,
        *,
        via: httpx.AsyncBaseTransport | None = None,
        stop: StopSignal | None = None,
    ) -> tuple[ExitCode | None, Plan | None]:
        """One apply, as a shell would see it; neither code nor plan where it died."""
        first = self.applied is None
        request = Request(base=self.applied, permissions=replace(permissions, expect_empty=first))
        journal = self.folder / "journal.jsonl"
        run = RunOptions(journal=journal, stop=stop or StopSignal())

        async def main() -> tuple[Plan, Report]:
            async with Fleet.connect(
                desired, environ=self.world.environ, host=API.host, via=via or self.world.via, now=self._now
            ) as fleet:
                planned = await fleet.plan(request)
                return planned.plan, await fleet.apply(planned, run)

        self.told.runs += 1
        try:
            plan, report = self.world.run(main())
        except Killed:
            ended, found = None, None
        except ReconcilerError as error:
            ended, found = error.exit_code, None
        else:
            ended, found = exit_codes.of_apply(plan, report, ()), plan
        self.told.ends["died" if ended is None else ended.name.lower()] += 1
        self._read_journal(desired, journal, prune=permissions.prune)
        return ended, found

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.world.simulator.clock.now(), UTC)

    def _read_journal(self, desired: DesiredState, journal: Path, *, prune: bool) -> None:
        """Counts what was written, and complains of what no file allows. Then the journal goes."""
        if not journal.exists():
            return
        lines = map(json.loads, journal.read_text(encoding="utf-8").splitlines())
        for intent in (line for line in lines if line["line"] == "intent"):
            self.told.actions[intent["kind"]] += 1
            for what in _not_allowed(desired, intent, prune=prune):
                self._complain(what)
        journal.unlink()

    def _wrong(self, desired: DesiredState) -> Iterator[str]:
        """Two projects of one name, or a tenant without one."""
        names = self._live_names()
        yield from (f"{count} projects are called {name}" for name, count in names.items() if count > 1)
        named = {desired.naming.project_name(name) for name in self.files.declared_names}
        if missing := sorted(named - set(names)):
            yield f"no project is called {', '.join(missing[:5])}"

    def _not_in_sync(self, desired: DesiredState) -> Iterator[str]:
        """What a last plan finds, and what stands in the account that no file declares."""
        code, plan = self._run(desired, DECIDED)
        if plan is None or not plan.empty or plan.refusals or plan.conflicts or plan.orphans:
            yield f"not in sync at the end: {code!r}, {plan and (plan.refusals, plan.conflicts, plan.orphans)}"
        declared = {desired.naming.project_name(name) for name in self.files.declared_names}
        if set(self._live_names()) != declared:
            yield f"other projects at the end: {sorted(set(self._live_names()) ^ declared)[:5]}"

    def _live_names(self) -> Counter[str]:
        rows = Stored.of(self.world.simulator).rows("projects")
        return Counter(row["name"] for row in rows)

    def _next_morning(self) -> None:
        """A day later, with new files. The simulator's log of requests is of no use any more."""
        now = self.world.simulator.clock.now()
        self.world.simulator.clock.advance(DAY_SECONDS - now % DAY_SECONDS)
        self.world.simulator.requests.clear()
        live_names = self._live_names()
        gone = {name for name in self.files.closed if f"myapp-{name}" not in live_names}
        self.files.pass_a_day(self.world.simulator.clock.now(), gone)
        gc.collect()


def _not_allowed(desired: DesiredState, intent: Any, *, prune: bool) -> Iterator[str]:
    """Deletions of what the files declare."""
    for name in intent["tenants"]:
        tenant = desired.tenants.get(name)
        if intent["kind"] == "delete_project" and not (tenant.absent if tenant else prune):
            yield f"project of {name} deleted: {intent['reason']}"
        if tenant is None:
            continue
        declared = {branch.name for branch in tenant.dev_branches or () if branch.expires_at is None}
        lost = {f"dev_branches.{each}" for each in declared} & {change["path"] for change in intent["changes"]}
        if intent["kind"] == "delete_branch" and lost:
            yield f"branch of {name} deleted: {intent['reason']}"
        kept = {f"snapshots.{snapshot.name}" for snapshot in tenant.snapshots or ()}
        if intent["kind"] == "delete_snapshot" and kept & {change["path"] for change in intent["changes"]}:
            yield f"snapshot of {name} deleted: {intent['reason']}"


def _peak_mib() -> float:
    """Linux tells KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def opened(folder: Path, *, tenants: int, seed: int) -> Iterator[Soak]:
    """A fleet of so many tenants that has no project yet."""
    random = Random(seed)  # noqa: S311
    with world(path=folder / "neon.db") as neon:
        yield Soak(neon, folder, Files(folder, random, tenants), random)
