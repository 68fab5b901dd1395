"""Running the rows, and the two tables of what they cost: calls, and time with memory."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from math import log
from statistics import median
from typing import TYPE_CHECKING, Final

import click
import msgspec
from rich import box
from rich.table import Table

from bench import processes
from bench.command import Result
from bench.formulas import quantities
from bench.rows import ROWS, RUN, Row
from bench.scene import ACCOUNT, BASE, commit, git
from reconciler.desired.state import Api

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RESULT: Final = "result.json"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one row has cost, for a fleet of so many tenants."""

    row: Row
    tenants: int
    result: Result
    cpu_seconds: float
    empty_cpu_seconds: float
    """An empty Python's, right before."""
    peak_mib: float

    @property
    def most(self) -> int:
        """The calls that it may make."""
        return self.row.today.value(quantities(self.tenants))

    @property
    def least(self) -> int:
        """The calls that nobody can do without."""
        return self.row.least.value(quantities(self.tenants))


def measure(row: Row, folder: Path, tenants: int) -> Cost:
    """Run one row on a copy of the account. The files are as before afterwards.

    Raises ClickException if the command fails.
    """
    shutil.copyfile(folder / ACCOUNT, folder / RUN)
    row.change(folder, tenants)
    commit(folder)
    empty = processes.empty_python()
    arguments = ("-m", "bench.command", str(folder / RESULT), str(folder), *row.arguments)
    run = processes.python(*arguments)
    git(folder, "reset", "--quiet", "--hard", BASE)
    result = msgspec.json.decode((folder / RESULT).read_bytes(), type=Result)
    if result.code:
        raise click.ClickException(f"{row.what}: the command ended with {result.code}:\n{run.printed}")
    return Cost(row, tenants, result, run.cpu_seconds, empty.cpu_seconds, run.peak_mib)


def measure_all(folder: Path, tenants: int) -> list[Cost]:
    """Every row once, one after the other."""
    return [measure(row, folder, tenants) for row in ROWS]


def wasteful(costs: Sequence[Cost]) -> list[str]:
    """A sentence for each row that made more calls than its formula allows."""
    return [
        f"{cost.row.what}: {cost.result.number_of_calls:,} calls, at most {cost.most:,} expected "
        f"({cost.row.today}); by kind: {_kinds(cost.result)}"
        for cost in costs
        if cost.result.number_of_calls > cost.most
    ]


def _kinds(result: Result) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(result.calls.items()))


def calls_table(costs: Sequence[Cost], title: str) -> Table:
    """The calls of each row against what it may make, and against the least."""
    found = _table(title, "command", "calls", "at most", "formula", "least", "formula", "above the least")
    for cost in costs:
        made = cost.result.number_of_calls
        found.add_row(
            cost.row.what,
            f"{made:,}",
            f"{cost.most:,}",
            str(cost.row.today),
            f"{cost.least:,}",
            str(cost.row.least),
            f"{made - cost.least:,}",
        )
    return found


def cost_table(costs: Sequence[Cost], title: str, smaller: Sequence[Cost] = ()) -> Table:
    """Time and memory of each row. ``smaller``: the same rows for a smaller fleet, from which growth follows."""
    found = _table(
        title, "command", "CPU s", "x empty Python", "MiB", "simulated s", "at the rate limit s", "CPU grows as n^"
    )
    empty = median(cost.empty_cpu_seconds for cost in costs)
    before = {cost.row.what: cost for cost in smaller}
    for cost in costs:
        found.add_row(
            cost.row.what,
            f"{cost.cpu_seconds:.2f}",
            f"{cost.cpu_seconds / empty:.0f}",
            f"{cost.peak_mib:.0f}",
            f"{cost.result.simulated_seconds:.0f}",
            f"{at_the_rate_limit(cost):.0f}",
            _exponent(before[cost.row.what], cost) if cost.row.what in before else "",
        )
    return found


def at_the_rate_limit(cost: Cost) -> float:
    """Seconds that its calls take at the rate of a fleet run, without a burst."""
    api = Api()
    return cost.result.number_of_calls * 60 / (api.requests_per_minute * api.batch_share)


def _exponent(smaller: Cost, larger: Cost) -> str:
    times = log(larger.cpu_seconds / smaller.cpu_seconds)
    return f"{times / log(larger.tenants / smaller.tenants):.2f}"


def _table(title: str, *columns: str) -> Table:
    found = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        found.add_column(column, justify="left" if column in {"command", "formula"} else "right")
    return found
