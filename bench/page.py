"""docs/performance.md: what stands between its markers is written from what was measured, the rest by hand."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench import tables
from bench.fleet_files import Source
from bench.measured import read_results
from bench.plot import plot
from bench.rows import FILLS_CACHE, IN_SYNC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.measured import Measured, Results

HERE: Final = Path(__file__).parent
MEASURED: Final = HERE / "measured.json"
BEFORE: Final = HERE / "before.json"
"""The same, of the program before the work on its speed."""
DOCS: Final = HERE.parent / "docs"
PAGE: Final = DOCS / "performance.md"
PART: Final = re.compile(r"(<!-- measured: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
PLOTTED: Final = (
    "apply, all quotas changed",
    "plan, all changed",
    FILLS_CACHE,
    IN_SYNC,
    "validate",
    "plan --changed-since",
    "plan --tenant",
)


def written(page: str, parts: Mapping[str, str]) -> str:
    """Return the page with these texts between the markers of their names. Raises KeyError for an unknown name."""
    return PART.sub(lambda found: f"{found[1]}\n{parts[found['name']]}\n\n{found[3]}", page)


def parts(results: Results, before: Results) -> dict[str, str]:
    """The text of each part, by its name."""
    return {
        "machine": results.machine,
        "noise": "\n\n".join(filter(None, (_noise(results), _days(results)))),
        "calls": tables.calls(results),
        "quantities": tables.quantities(results),
        "time": tables.processor_time(results),
        "memory": tables.memory(results),
        "waiting": tables.waiting(results),
        "targets": tables.targets(results),
        "peers": tables.peers(results),
        "before": tables.before_and_after(before, results),
    }


def plots(results: Results) -> dict[str, str]:
    """The text of each picture, by the name of its file."""
    return {
        "performance-time.svg": plot(
            "Processor time, times an empty Python", _lines(results, lambda one: one.cpu)
        ),
        "performance-memory.svg": plot("Peak memory, MiB", _lines(results, lambda one: one.peak_mib)),
    }


def write() -> None:
    """Write the page and its pictures from the files of what was measured."""
    results, before = read_results(MEASURED), read_results(BEFORE)
    page = written(PAGE.read_text(encoding="utf-8"), parts(results, before))
    PAGE.write_text(page, encoding="utf-8")
    for name, text in plots(results).items():
        (DOCS / name).write_text(text, encoding="utf-8")


def _noise(results: Results) -> str:
    spreads = [one.spread for one in results.measured if one.spread > 1]
    if not spreads:
        return "Each row ran once."
    return (
        f"{len(spreads)} of {len(results.measured)} measurements are medians of several runs, which differ by "
        f"up to {max(spreads) - 1:.0%}, at the median by {median(spreads) - 1:.0%}."
    )


def _days(results: Results) -> str:
    """Which measurements are of which day, where they are of several: the most are all others."""
    of_each: dict[str, dict[tuple[str, str], list[str]]] = {}
    for one in results.measured:
        rows = of_each.setdefault(one.day, {})
        rows.setdefault((one.row, one.source), []).append(f"{one.tenants:,}")
    if len(of_each) < 2:
        return ""
    most = max(of_each, key=lambda day: sum(map(len, of_each[day].values())))
    named = (f"{_of(day)}: {_rows(of_each[day])}." for day in sorted(of_each) if day != most)
    return "\n\n".join((*named, f"{_of(most)}: all others."))


def _rows(rows: Mapping[tuple[str, str], Sequence[str]]) -> str:
    return ", ".join(f"*{row}* ({', '.join(sizes)}; {source})" for (row, source), sizes in rows.items())


def _of(day: str) -> str:
    return f"Of {day}" if day else "Measured before, with the simulator in the process of the command"


def _lines(results: Results, cost: Callable[[Measured], float]) -> dict[str, tuple[tuple[float, float], ...]]:
    lines = {row: _line(results, row, Source.YAML, cost) for row in PLOTTED}
    lines[f"{IN_SYNC}, {Source.NDJSON.value}"] = _line(results, IN_SYNC, Source.NDJSON, cost)
    return lines


def _line(
    results: Results, row: str, source: Source, cost: Callable[[Measured], float]
) -> tuple[tuple[float, float], ...]:
    sizes = results.sizes(source)
    return tuple((size, cost(one)) for size in sizes if (one := results.of(row, source, size)))
