"""What was measured, as tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.fleet_files import Source
from bench.peers import PEERS
from bench.rows import FILLS_CACHE, IN_SYNC
from bench.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.measured import Measured, Results
    from bench.peers import Peer

ABSENT: Final = "–"
"""Not measured."""
MOST, LEAST = "may make", "least possible"
TEXTS: Final = frozenset({"command", "peer", "verdict", MOST, LEAST})
"""Columns that are not numbers."""


def calls(results: Results) -> str:
    """The calls of each row, with both formulas."""

    def formulas(row: str) -> tuple[str, str]:
        newest = next(one for one in reversed(results.measured) if one.row == row)
        return newest.most_formula, newest.least_formula

    return _by_size(results, Source.YAML, _calls, formulas, (MOST, LEAST))


def quantities(results: Results) -> str:
    """What the names in formulas mean."""
    return "\n".join(f"- *{name.replace('_', ' ')}*: {meaning}" for name, meaning in results.quantities.items())


def processor_time(results: Results) -> str:
    """Processor time as a multiple of an empty Python's, for both sources."""

    def growth(source: Source) -> Callable[[str], tuple[str]]:
        return lambda row: (_exponent(results, row, source),)

    tables = (_titled(results, source, _cpu, growth(source)) for source in Source)
    return "\n\n".join(table for table in tables if table)


def memory(results: Results) -> str:
    """Peak memory in MiB, for both sources."""
    return "\n\n".join(table for source in Source if (table := _titled(results, source, _memory)))


def waiting(results: Results) -> str:
    """Virtual time against what the rate limit makes it."""
    return _by_size(results, Source.YAML, _waited, only=lambda one: one.made > 0)


def peers(results: Results) -> str:
    """Each peer against a plan of ours of as many tenants, and what it does not do."""
    lines = [line for peer in PEERS for line in _peer(results, peer)]
    titles = ("peer", "tenants", "x empty Python", "x our plan", "x our plan, empty cache", "MiB", "times our MiB")
    unlike = "\n".join(f"- {peer.name}: {peer.unlike}" for peer in PEERS)
    return f"{_table(titles, lines)}\n\n{unlike}"


def _peer(results: Results, peer: Peer) -> Iterator[tuple[str, ...]]:
    measured = [one for one in results.peers if one.peer == peer.name]
    if not measured:
        yield (f"{peer.name}: not installed", *(ABSENT for _ in range(6)))
    for one in measured:
        plans = [results.of(row, Source.YAML, one.tenants) for row in (IN_SYNC, FILLS_CACHE)]
        ratios = (f"{one.cpu / plan.cpu:.1f}" if plan else ABSENT for plan in plans)
        memory = f"{one.peak_mib / plans[0].peak_mib:.1f}" if plans[0] else ABSENT
        sizes = (f"{one.tenants:,}", f"{one.cpu:,.0f}")
        yield (f"{one.peer} {one.version}", *sizes, *ratios, f"{one.peak_mib:,.0f}", memory)


def targets(results: Results) -> str:
    """Each target beside the largest fleet that was measured."""
    titles = ("command", "at most", "measured", "tenants", "verdict")
    return _table(titles, (target.cells(results) for target in TARGETS))


def before_and_after(before: Results, after: Results) -> str:
    """The rows that were measured at the same size by the earlier program."""
    pairs = [(old, new) for old in before.measured if (new := after.of(*old.key))]
    lines = [
        (
            old.row,
            f"{old.tenants:,}",
            f"{old.made:,} -> {new.made:,}",
            f"{old.cpu:,.0f} -> {new.cpu:,.0f}",
            f"{old.peak_mib:,.0f} -> {new.peak_mib:,.0f}",
        )
        for old, new in pairs
    ]
    return _table(("command", "tenants", "calls", "x empty Python", "MiB"), lines)


def _titled(
    results: Results,
    source: Source,
    cell: Callable[[Measured], str],
    more: Callable[[str], Sequence[str]] | None = None,
) -> str:
    if not results.sizes(source):
        return ""
    grows = ("grows as n^",) if more else ()
    return f"**{source.value}**\n\n{_by_size(results, source, cell, more, grows)}"


def _by_size(
    results: Results,
    source: Source,
    cell: Callable[[Measured], str],
    more: Callable[[str], Sequence[str]] | None = None,
    titles: Sequence[str] = (),
    only: Callable[[Measured], bool] = lambda _: True,
) -> str:
    sizes = results.sizes(source)
    rows = dict.fromkeys(one.row for one in results.measured if one.source == source and only(one))
    lines = []
    for row in rows:
        found = (results.of(row, source, size) for size in sizes)
        lines.append((row, *(cell(one) if one else ABSENT for one in found), *(more(row) if more else ())))
    return _table(("command", *(f"{size:,}" for size in sizes), *titles), lines)


def _calls(one: Measured) -> str:
    return f"{one.made:,}" if one.made == one.least else f"{one.made:,} / {one.least:,}"


def _cpu(one: Measured) -> str:
    return f"{one.cpu:,.1f}" if one.cpu < 10 else f"{one.cpu:,.0f}"


def _memory(one: Measured) -> str:
    return f"{one.peak_mib:,.0f}"


def _waited(one: Measured) -> str:
    return f"{one.simulated_seconds:,.1f} / {one.rate_limit_seconds:,.1f}"


def _exponent(results: Results, row: str, source: Source) -> str:
    found = results.growth(row, source)
    return ABSENT if found is None else f"{found:.2f}"


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ("---" if title in TEXTS else "---:" for title in titles)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rule, *lines))
