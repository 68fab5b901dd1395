"""What a large fleet costs: ``make bench``, and with few tenants as a check ``make bench CHECK=1``.

Everything is made in a temporary folder, measured in child processes, and printed as tables.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from bench import costs, processes, ratios
from bench.formulas import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES: Final = (1_000, 30_000)
QUICK_SIZES: Final = (1_000,)
CHECKED_SIZES: Final = (500,)
"""Enough for two pages of one organization's projects."""
ROUNDS: Final = 3
WIDTH: Final = 160
NOTE: Final = """\
Ratios: medians of {rounds} runs, each in a process of its own, on {cores} cores. MiB is the peak of ours, with the
simulator where it runs in process. Everything runs on the simulator's clock: no wait counts."""


@click.command()
@click.option("--tenants", multiple=True, type=click.IntRange(200), help=f"Size of a fleet.  [default: {SIZES}]")
@click.option("--quick", is_flag=True, help=f"One round, of {QUICK_SIZES} tenants unless said otherwise.")
@click.option(
    "--check",
    is_flag=True,
    help=f"Calls only decide: exit with 1 if a command makes more than expected. {CHECKED_SIZES} tenants.",
)
def main(tenants: tuple[int, ...], quick: bool, check: bool) -> None:
    """What a large fleet costs on this machine: calls, processor time, memory."""
    sizes = sorted(tenants) or list(CHECKED_SIZES if check else QUICK_SIZES if quick else SIZES)
    rounds = 0 if check else 1 if quick else ROUNDS
    smaller: Sequence[costs.Cost] = ()
    excesses: list[str] = []
    for size in sizes:
        smaller = bench(size, rounds if size == sizes[-1] else 0, smaller)
        excesses += costs.wasteful(smaller)
    print("\n".join(f"{name.replace('_', ' ')}: {meaning}" for name, meaning in QUANTITIES.items()))
    for excess in excesses:
        print(f"too many calls: {excess}")
    sys.exit(1 if excesses else 0)


def bench(tenants: int, rounds: int, smaller: Sequence[costs.Cost]) -> Sequence[costs.Cost]:
    """Measure one fleet, and print the tables: those of commands, and with ``rounds`` that of ratios."""
    progress, console = Console(stderr=True), Console(width=WIDTH)
    with TemporaryDirectory(prefix="reconciler-bench-") as folder:
        with progress.status(f"making {tenants:,} tenants"):
            processes.python("-m", "bench.scene", folder, str(tenants))
        with progress.status(f"measuring commands on {tenants:,} tenants"):
            found = costs.measure_all(Path(folder), tenants)
        console.print(costs.calls_table(found, f"calls, {tenants:,} tenants"))
        console.print(costs.cost_table(found, f"time and memory, {tenants:,} tenants", smaller))
        if rounds:
            results: ratios.Results = {}
            for number in range(1, rounds + 1):
                with progress.status(f"measuring parts, round {number} of {rounds}"):
                    ratios.measure(folder, results)
            console.print(ratios.table(results, f"parts, {tenants:,} tenants"))
            print(NOTE.format(rounds=rounds, cores=os.cpu_count()))
    return found


if __name__ == "__main__":
    main()
