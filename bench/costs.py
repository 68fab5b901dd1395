"""Running the rows on one fleet, and what calls exceed what a row may make."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import click
import msgspec

from bench import processes, simulator_process
from bench.command import Result
from bench.formulas import quantities
from bench.measured import Measured
from bench.rows import FILLS_CACHE, RUN, Row
from bench.scene import ACCOUNT, BASE, commit, git
from reconciler.desired.state import Api
from reconciler.files.disk_marks import SETTLED_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.fleet_files import Source

RESULT: Final = "result.json"
EMPTY_RUNS: Final = 5
"""Of an empty Python, before and after each command, where times count; their median counts."""
CACHE: Final = "RECONCILER_CACHE"
"""The variable that names the folder of the cache of parsed tenants."""


@dataclass(frozen=True, slots=True)
class Once:
    """One run of one command. Processor time is a multiple of an empty Python's."""

    result: Result
    cpu: float
    simulator_cpu: float
    empty_cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet of so many tenants in a folder, with its repository and its cache."""

    folder: Path
    tenants: int
    source: Source
    empty_runs: int = EMPTY_RUNS

    @property
    def repository(self) -> Path:
        """The tenant files under git, with the account."""
        return self.folder / "repository"

    @property
    def cache(self) -> Path:
        """The folder of the cache that a command finds."""
        return self.folder / "cache"

    def make(self) -> None:
        """Write the files and the account."""
        self.repository.mkdir()
        processes.python("-m", "compileall", "-q", str(Path(__file__).parents[1] / "reconciler"))
        processes.python("-m", "bench.scene", str(self.repository), str(self.tenants), self.source.value)
        time.sleep(SETTLED_NS / 10**9)  # from then on, a file that was read is known by its marks

    def measure(self, row: Row, rounds: int) -> Measured:
        """Run one row so many times. The files are as before afterwards.

        Raises ClickException if the command fails.
        """
        runs = [self._once(row) for _ in range(rounds)]
        return _measured(row, self, runs)

    def _once(self, row: Row) -> Once:
        shutil.copyfile(self.repository / ACCOUNT, self.repository / RUN)
        self.source.write(self.repository, row.change(self.tenants))
        row.prepare(self.repository, self.tenants)
        commit(self.repository)
        self._prepare_cache(row)
        empty = self._empty_pythons()
        with simulator_process.started(self.repository / RUN) as simulator:
            run, result = self._run(row, simulator.address)
        empty_seconds = median(empty + self._empty_pythons())
        git(self.repository, "reset", "--quiet", "--hard", BASE)
        git(self.repository, "clean", "--quiet", "--force", "-d")
        self._keep_cache(row)
        own = run.cpu_seconds - result.simulator_cpu_seconds
        simulated = (result.simulator_cpu_seconds + simulator.cpu_seconds) / empty_seconds
        return Once(result, own / empty_seconds, simulated, empty_seconds, run.peak_mib)

    def _run(self, row: Row, simulator: Path) -> tuple[processes.Measured, Result]:
        file, environ = self.repository / RESULT, {CACHE: str(self.cache)}
        through = (
            ("reconciler",) if row.plain else ("bench.command", str(file), str(self.repository), str(simulator))
        )
        run = processes.python("-m", *through, *row.arguments, environ=environ, code=row.code if row.plain else 0)
        result = Result(row.code, {}, 0.0) if row.plain else msgspec.json.decode(file.read_bytes(), type=Result)
        if result.code != row.code:
            raise click.ClickException(f"{row.what}: the command ended with {result.code}:\n{run.printed}")
        return run, result

    def _prepare_cache(self, row: Row) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)
        if self._filled.exists() and not row.empty_cache:
            shutil.copytree(self._filled, self.cache)

    def _keep_cache(self, row: Row) -> None:
        if row.what == FILLS_CACHE and self.cache.exists():
            shutil.rmtree(self._filled, ignore_errors=True)
            self.cache.rename(self._filled)

    @property
    def _filled(self) -> Path:
        return self.folder / "filled-cache"

    def _empty_pythons(self) -> list[float]:
        return [processes.empty_python().cpu_seconds for _ in range(self.empty_runs)]


def _measured(row: Row, fleet: Fleet, runs: Sequence[Once]) -> Measured:
    of, multiples = quantities(fleet.tenants), [run.cpu for run in runs]
    worst = max((run.result for run in runs), key=lambda result: result.number_of_calls)
    return Measured(
        row=row.what,
        source=fleet.source,
        tenants=fleet.tenants,
        calls=worst.calls,
        most=row.today.value(of),
        most_formula=str(row.today),
        least=row.least.value(of),
        least_formula=str(row.least),
        simulated_seconds=round(worst.simulated_seconds, 2),
        rate_limit_seconds=round(at_the_rate_limit(worst.number_of_calls), 2),
        cpu=round(median(multiples), 2),
        spread=round(max(multiples) / min(multiples), 3),
        simulator_cpu=round(median(run.simulator_cpu for run in runs), 2),
        empty_cpu_seconds=round(median(run.empty_cpu_seconds for run in runs), 4),
        peak_mib=round(max(run.peak_mib for run in runs), 1),
        day=today(),
    )


def today() -> str:
    """Today's date."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def at_the_rate_limit(calls: int) -> float:
    """Seconds that so many calls take at the rate of a fleet run, without a burst."""
    api = Api()
    return calls * 60 / (api.requests_per_minute * api.batch_share)


def wasteful(measured: Sequence[Measured]) -> list[str]:
    """A sentence for each row that made more calls than its formula allows."""
    return [
        f"{one.row}, {one.tenants:,} tenants: {one.made:,} calls, at most {one.most:,} expected "
        f"({one.most_formula}); by kind: {_kinds(one)}"
        for one in measured
        if one.made > one.most
    ]


def _kinds(one: Measured) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(one.calls.items()))
