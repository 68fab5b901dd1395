"""What fleets of 30,000 tenants are to cost at most, beside what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.fleet_files import Source
from bench.rows import FILLS_CACHE, IN_SYNC

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measured import Measured, Results


def _cpu(one: Measured) -> float:
    return one.cpu


def _memory(one: Measured) -> float:
    return one.peak_mib


@dataclass(frozen=True, slots=True)
class Target:
    """One bound."""

    row: str
    of: Callable[[Measured], float]
    most: float
    unit: str = "x empty Python"
    tenants: int = 30_000
    source: Source = Source.YAML

    def cells(self, results: Results) -> tuple[str, ...]:
        """The row with its bound, the largest fleet within ``tenants`` that was measured, and what that cost."""
        sizes = [size for size in results.sizes(self.source) if size <= self.tenants]
        found = [one for size in sizes if (one := results.of(self.row, self.source, size))]
        measured = self._measured(found[-1]) if found else ("–", "–", "not measured")
        what = f"{self.row}, {self.tenants:,} as {self.source.value}"
        return what, f"{self.most:,.0f} {self.unit}", *measured

    def _measured(self, one: Measured) -> tuple[str, str, str]:
        cost = self.of(one)
        if cost > self.most:
            verdict = f"{cost / self.most:.1f} times as much"
        else:
            verdict = "met" if one.tenants == self.tenants else "met so far"
        return f"{cost:,.0f}", f"{one.tenants:,}", verdict


TARGETS: Final = (
    Target(IN_SYNC, _cpu, 60),
    Target(FILLS_CACHE, _cpu, 200),
    Target(FILLS_CACHE, _memory, 250, "MiB"),
    Target("plan --changed-since", _cpu, 20),
    Target("plan --tenant", _cpu, 15),
    Target("converge, in sync", _cpu, 15),
    Target(IN_SYNC, _memory, 700, "MiB", 100_000, Source.NDJSON),
)
