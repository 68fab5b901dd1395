"""What a large fleet costs: ``make bench``, and as a check of calls alone ``make bench CHECK=1``.

Everything is made in temporary folders, measured in child processes, and printed as tables. With ``--write`` the
tables and plots go into docs/performance.md.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.markdown import Markdown

from bench import costs, page, ratios
from bench.fleet_files import Source
from bench.formulas import QUANTITIES
from bench.measured import Results, read_results, write_results
from bench.peers import PEERS
from bench.rows import FILLS_CACHE, ROWS
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZES: Final = (1_000, 3_000, 10_000, 30_000)
LARGE: Final = 100_000
CHECKED: Final = 500
"""Enough for three pages of the lists, and for two shared transfers."""
PART_ROUNDS: Final = 3
WIDTH: Final = 160
SHOWN: Final = ("calls", "quantities", "time", "memory", "waiting", "peers")
PROGRESS: Final = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured."""

    fleets: Sequence[tuple[int, Source]]
    pattern: str
    """Of rows and peers."""
    rounds: int
    peers: bool
    empty_runs: int

    def measure(self) -> Iterator[Results]:
        """Yield each measurement as soon as it is there."""
        for tenants, source in self.fleets:
            yield from self._rows(tenants, source)
            for peer in PEERS if self.peers and source is Source.YAML else ():
                found = peer.measure(tenants) if fnmatchcase(peer.name, self.pattern) else None
                yield Results(peers=(found,) if found else ())

    def _rows(self, tenants: int, source: Source) -> Iterator[Results]:
        rows = [row for row in ROWS if (source is Source.YAML or row.main) and tenants <= row.largest]
        rows = [row for row in rows if row.what == FILLS_CACHE or fnmatchcase(row.what, self.pattern)]
        with TemporaryDirectory(prefix="reconciler-bench-") as folder:
            fleet = costs.Fleet(Path(folder), tenants, source, self.empty_runs)
            with PROGRESS.status(f"making {tenants:,} tenants, {source.value}"):
                fleet.make()
            for row in rows:
                with PROGRESS.status(f"measuring {tenants:,} tenants, {source.value}: {row.what}"):
                    yield Results(measured=(fleet.measure(row, self.rounds),))


@click.command()
@click.option("--tenants", multiple=True, type=click.IntRange(200), help=f"Size of a fleet.  [default: {SIZES}]")
@click.option("--large", is_flag=True, help=f"Measure {LARGE:,} tenants as NDJSON, too.")
@click.option(
    "--source", "name", type=click.Choice([source.name.lower() for source in Source]), help="Only this one."
)
@click.option("--row", "pattern", default="*", help=f"Only such rows and peers; {FILLS_CACHE!r} always runs.")
@click.option("--rounds", default=1, type=click.IntRange(1), help="Run each row so many times; the median counts.")
@click.option("--results", type=click.Path(path_type=Path), help="Add what is measured to this file.")
@click.option(
    "--write", is_flag=True, help="Add it to bench/measured.json, and write docs/performance.md from it."
)
@click.option("--page", "only_page", is_flag=True, help="Measure nothing; write docs/performance.md again.")
@click.option("--parts", is_flag=True, help="Measure parts of the program and of the simulator instead.")
@click.option("--check", is_flag=True, help=f"Only calls, of {CHECKED:,} tenants: exit with 1 for too many.")
def main(
    tenants: tuple[int, ...],
    large: bool,
    name: str | None,
    pattern: str,
    rounds: int,
    results: Path | None,
    write: bool,
    only_page: bool,
    parts: bool,
    check: bool,
) -> None:
    """What a large fleet costs on this machine: calls, processor time, memory."""
    sizes = sorted(tenants) or ([CHECKED] if check else list(SIZES))
    if parts or only_page:
        measure_parts(sizes) if parts else page.write()
        return
    sources = [Source.YAML] if check else [source for source in Source if name in {None, source.name.lower()}]
    fleets = [(size, source) for source in sources for size in sizes] + [(LARGE, Source.NDJSON)] * large
    asked = Asked(fleets, pattern, rounds, peers=not check, empty_runs=1 if check else costs.EMPTY_RUNS)
    found = collect(asked, page.MEASURED if write else results)
    if write:
        page.write()
    show(found)
    excesses = costs.wasteful(found.measured)
    print("".join(f"too many calls: {excess}\n" for excess in excesses), end="")
    sys.exit(1 if excesses else 0)


def collect(asked: Asked, file: Path | None) -> Results:
    """Measure, and add each measurement to the file at once."""
    found = Results(machine(), QUANTITIES)
    for one in asked.measure():
        found = found.with_newer(replace(one, machine=found.machine, quantities=QUANTITIES))
        if file is not None:
            write_results(file, read_results(file).with_newer(found))
    return found


def machine() -> str:
    """When, and on what."""
    version, cores = platform.python_version(), os.cpu_count()
    return f"Measured on {costs.today()}: Python {version}, {cores} cores, {platform.machine()}."


def show(found: Results) -> None:
    """Print what was measured as the page has it."""
    texts, console = page.parts(found, Results()), Console(width=WIDTH)
    for name in SHOWN:
        console.print(Markdown(f"# {name}\n\n{texts[name]}"))


def measure_parts(sizes: Sequence[int]) -> None:
    """Print parts of the program against a peer or the least possible, for each size."""
    for size in sizes:
        with TemporaryDirectory(prefix="reconciler-bench-") as folder:
            fleet = costs.Fleet(Path(folder), size, Source.YAML)
            fleet.make()
            found: ratios.Results = {}
            for number in range(1, PART_ROUNDS + 1):
                with PROGRESS.status(f"measuring parts of {size:,}, round {number} of {PART_ROUNDS}"):
                    ratios.measure(str(fleet.repository), found)
            Console(width=WIDTH).print(
                ratios.table(found, f"parts, {size:,} tenants: medians of {PART_ROUNDS} rounds")
            )


if __name__ == "__main__":
    main()
