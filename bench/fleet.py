"""How long a large fleet takes, as ratios to a peer or to the least possible: ``make bench``.

Everything is made in a temporary folder, measured in child processes, and printed as one table.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Final, TypeAlias

import click
from rich import box
from rich.console import Console
from rich.table import Table

TENANTS: Final = 30_000
QUICK_TENANTS: Final = 1_000
ROUNDS: Final = 3
KIB_PER_MIB: Final = 1024
STDOUT: Final = 1
WIDTH: Final = 110
NOTE: Final = """\
Medians of {rounds} runs, each in a process of its own, on {cores} cores. MiB is the peak of ours, with the
simulator where it runs in process. Everything runs on the simulator's clock: no wait counts."""
HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to be measured: a case of cases.py, or a whole process."""

    arguments: tuple[str, ...]
    """Of Python; ``{folder}`` stands for the fleet's."""
    whole: bool = False
    """Whether the time of the whole process counts, its start included; a case says its own."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, or the medians of several."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; what is compared with several parts is compared with their sum."""

    what: str
    ours: Probe
    against: str
    theirs: tuple[Probe, ...]


Results: TypeAlias = dict[Probe, list[Measured]]


def case(name: str, file: str = "cases.py") -> Probe:
    """One of cases.py, or of another file."""
    return Probe((str(HERE / file), name, "{folder}"))


def simulator_case(name: str) -> Probe:
    """One of simulator_cases.py."""
    return case(name, "simulator_cases.py")


LOADING, OBSERVING = case("load_files"), case("observe")
BYTES, DECODING, COMPARING = case("read_bytes"), case("decode_pages"), case("compare_dictionaries")
PLANNING = Probe(("-m", "reconciler", "plan", "-C", "{folder}", "--simulator", "{folder}/account.db"), whole=True)
ROWS, FLOOR = simulator_case("copy_rows"), simulator_case("read_regions")
LINES: Final = (
    Line("load and check the files", LOADING, "PyYAML's C loader, no checks", (case("parse_with_pyyaml"),)),
    Line("", LOADING, "reading their bytes", (BYTES,)),
    Line("observe through HTTP in process", OBSERVING, "msgspec decoding the same pages", (DECODING,)),
    Line("plan and guard, in sync", case("plan_in_sync"), "comparing as many dictionaries", (COMPARING,)),
    Line("plan and guard, 1 % changed", case("plan_changed"), "comparing as many dictionaries", (COMPARING,)),
    Line("reconciler plan, whole process", PLANNING, "bytes + decoding + comparing", (BYTES, DECODING, COMPARING)),
    Line("simulator: seed the account", simulator_case("seed_account"), "SQLite writing the rows", (ROWS,)),
    Line("simulator: read 500 projects", simulator_case("read_projects"), "500 requests for nothing", (FLOOR,)),
    Line("simulator: find 500 by name", simulator_case("search_projects"), "500 requests for nothing", (FLOOR,)),
    Line("simulator: patch 500 projects", simulator_case("patch_projects"), "500 requests for nothing", (FLOOR,)),
    Line(
        "reconciler --help",
        Probe(("-m", "reconciler", "--help"), whole=True),
        "an empty Python",
        (Probe(("-c", ""), whole=True),),
    ),
)


@click.command()
@click.option("--tenants", type=click.IntRange(100), help=f"Size of the fleet.  [default: {TENANTS:,}]")
@click.option("--quick", is_flag=True, help=f"One round, of {QUICK_TENANTS:,} tenants unless said otherwise.")
def main(tenants: int | None, quick: bool) -> None:
    """How long a large fleet takes on this machine."""
    tenants = tenants or (QUICK_TENANTS if quick else TENANTS)
    rounds = 1 if quick else ROUNDS
    progress = Console(stderr=True)
    results: Results = {}
    with TemporaryDirectory(prefix="reconciler-bench-") as folder:
        with progress.status(f"making {tenants:,} tenants"):
            run(Probe((str(HERE / "scene.py"), "{folder}", str(tenants)), whole=True), folder)
        for number in range(1, rounds + 1):
            with progress.status(f"measuring, round {number} of {rounds}"):
                measure(folder, results)
    Console(width=WIDTH).print(table(results, f"{tenants:,} tenants"))
    print(NOTE.format(rounds=rounds, cores=os.cpu_count()))


def measure(folder: str, results: Results) -> None:
    """One round: everything once, one after the other, so that all meet the same noise."""
    probes = dict.fromkeys(probe for line in LINES for probe in (line.ours, *line.theirs))
    for probe in probes:
        results.setdefault(probe, []).append(run(probe, folder))


def run(probe: Probe, folder: str) -> Measured:
    """One run in a child process. Raises ClickException where it fails."""
    arguments = [argument.replace("{folder}", folder) for argument in probe.arguments]
    start = time.perf_counter()
    with TemporaryFile() as output:
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, *arguments],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), STDOUT)],
        )
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - start
        output.seek(0)
        printed = output.read().decode()
    if status:
        raise click.ClickException(
            f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}: {printed}"
        )
    return Measured(seconds if probe.whole else float(printed), usage.ru_maxrss / KIB_PER_MIB)


def table(results: Results, title: str) -> Table:
    """The lines, as ratios."""
    found = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    found.add_column("what")
    found.add_column("seconds", justify="right")
    found.add_column("MiB", justify="right")
    found.add_column("against")
    found.add_column("seconds", justify="right")
    found.add_column("ratio", justify="right")
    for line in LINES:
        seconds = median_of(results[line.ours], "seconds")
        least = sum(median_of(results[probe], "seconds") for probe in line.theirs)
        peak = median_of(results[line.ours], "peak_mib")
        found.add_row(
            line.what, f"{seconds:.3f}", f"{peak:.0f}", line.against, f"{least:.3f}", f"{seconds / least:.1f}"
        )
    return found


def median_of(runs: list[Measured], measure: str) -> float:
    """The median of one measure."""
    return float(median(getattr(measured, measure) for measured in runs))


if __name__ == "__main__":
    main()
