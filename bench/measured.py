"""What was measured, in a file from which docs/performance.md is written."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What one row has cost. Processor time is a multiple of an empty Python's, started right before and after."""

    row: str
    source: str
    tenants: int
    calls: dict[str, int]
    """By kind, polls of operations included."""
    most: int
    most_formula: str
    least: int
    least_formula: str
    simulated_seconds: float
    rate_limit_seconds: float
    """What the calls take at the rate of a fleet run, without a burst."""
    cpu: float
    """The program's own: the simulator's calls are taken off. The median of the rounds."""
    spread: float
    """The largest of the rounds, divided by the smallest."""
    simulator_cpu: float
    empty_cpu_seconds: float
    peak_mib: float
    day: str = ""
    """Like 2026-11-30; empty of those before the days were kept."""

    @property
    def made(self) -> int:
        """All calls."""
        return sum(self.calls.values())

    @property
    def key(self) -> tuple[str, str, int]:
        """What a newer measurement replaces."""
        return self.row, self.source, self.tenants


class MeasuredPeer(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer has cost for as many tenants."""

    peer: str
    version: str
    tenants: int
    cpu: float
    peak_mib: float

    @property
    def key(self) -> tuple[str, int]:
        """What a newer measurement replaces."""
        return self.peer, self.tenants


class Results(msgspec.Struct, frozen=True):
    """All of it."""

    machine: str = ""
    quantities: dict[str, str] = {}
    """What the names in the formulas mean."""
    measured: tuple[Measured, ...] = ()
    peers: tuple[MeasuredPeer, ...] = ()

    def of(self, row: str, source: str, tenants: int) -> Measured | None:
        """One row at one size; None if it was not measured."""
        return next((one for one in self.measured if one.key == (row, source, tenants)), None)

    def sizes(self, source: str) -> list[int]:
        """Of which fleets of this source something was measured."""
        return sorted({one.tenants for one in self.measured if one.source == source})

    def growth(self, row: str, source: str) -> float | None:
        """The exponent by which processor time grows between the two largest sizes; None for fewer."""
        found = [one for size in self.sizes(source) if (one := self.of(row, source, size))]
        return exponent(*((one.tenants, one.cpu) for one in found[-2:])) if len(found) > 1 else None

    def with_newer(self, newer: Results) -> Results:
        """These, where nothing newer was measured."""
        return Results(
            newer.machine,
            newer.quantities,
            tuple({one.key: one for one in (*self.measured, *newer.measured)}.values()),
            tuple({one.key: one for one in (*self.peers, *newer.peers)}.values()),
        )


def exponent(smaller: tuple[int, float], larger: tuple[int, float]) -> float:
    """Return n of a cost that grows like size to the power of n, from two sizes with their costs."""
    return log(larger[1] / smaller[1]) / log(larger[0] / smaller[0])


def read_results(file: Path) -> Results:
    """Return what the file has; nothing where there is no file."""
    return msgspec.json.decode(file.read_bytes(), type=Results) if file.exists() else Results()


def write_results(file: Path, results: Results) -> None:
    """Write a line for each measurement, so that a diff shows what has changed."""
    parts: Sequence[tuple[str, Sequence[msgspec.Struct]]]
    parts = (("measured", results.measured), ("peers", results.peers))
    lists = (f"{_text(name)}: [\n{_lines(values)}\n]" for name, values in parts)
    head = (f"{_text(name)}: {_text(getattr(results, name))}" for name in ("machine", "quantities"))
    text = ",\n".join((*head, *lists))
    file.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def _lines(values: Sequence[msgspec.Struct]) -> str:
    return ",\n".join(map(_text, values))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
