"""What fleets of 30,000 tenants are to cost at most, beside what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.fleet_files import Source
from bench.rows import FILLS_CACHE, IN_SYNC, OWN_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measured import Measured, Results


def _cpu(one: Measured) -> float:
    return one.cpu


def _memory(one: Measured) -> float:
    return one.peak_mib


def _waiting(one: Measured) -> float:
    return one.simulated_seconds / one.rate_limit_seconds


THE_PLANS: Final = "x the memory of its plan"
AT_THE_RATE: Final = "x its seconds at the rate limit"
"""97 % of the share of the limit is used."""


@dataclass(frozen=True, slots=True)
class Target:
    """One bound."""

    row: str
    of: Callable[[Measured], float]
    most: float
    unit: str = "x empty Python"
    tenants: int = 30_000
    source: Source = Source.YAML
    against: str = ""
    """The row whose cost at the same size the bound is a multiple of."""
    digits: int = 0

    def cells(self, results: Results) -> tuple[str, ...]:
        """The row with its bound, the largest fleet within ``tenants`` that was measured, and what that cost."""
        sizes = [size for size in results.sizes(self.source) if size <= self.tenants]
        found = [(size, cost) for size in sizes if (cost := self._cost(results, size)) is not None]
        measured = self._measured(*found[-1]) if found else ("–", "–", "not measured")
        what = f"{self.row}, {self.tenants:,} as {self.source.value}"
        return what, f"{self._worded(self.most)} {self.unit}", *measured

    def _cost(self, results: Results, size: int) -> float | None:
        one, other = (results.of(row, self.source, size) for row in (self.row, self.against))
        if one is None or (self.against and other is None):
            return None
        return self.of(one) / (self.of(other) if other else 1)

    def _measured(self, tenants: int, cost: float) -> tuple[str, str, str]:
        if cost > self.most:
            verdict = f"{cost / self.most:.1f} times as much"
        else:
            verdict = "met" if tenants == self.tenants else "met so far"
        return self._worded(cost), f"{tenants:,}", verdict

    def _worded(self, cost: float) -> str:
        return f"{cost:,.{self.digits}f}"


TARGETS: Final = (
    Target(IN_SYNC, _cpu, 60),
    Target(FILLS_CACHE, _cpu, 200),
    Target(FILLS_CACHE, _memory, 250, "MiB"),
    Target(OWN_LABELS, _cpu, 200),
    Target("plan, 1 % changed", _cpu, 1.25, "x the time of a plan in sync", against=IN_SYNC, digits=2),
    Target("plan --changed-since", _cpu, 20),
    Target("plan --tenant", _cpu, 15),
    Target("converge, in sync", _cpu, 15),
    Target(IN_SYNC, _memory, 700, "MiB", 100_000, Source.NDJSON),
    Target("apply, as many created", _memory, 1.2, THE_PLANS, 10_000, against="plan, as many new", digits=2),
    Target("apply, all moved", _memory, 1.2, THE_PLANS, 10_000, against="plan, all moved", digits=2),
    Target("apply, all quotas changed", _memory, 1.2, THE_PLANS, against="plan, all changed", digits=2),
    Target("apply, all quotas changed", _waiting, 1 / 0.97, AT_THE_RATE, digits=2),
    Target("apply, as many created", _waiting, 1 / 0.97, AT_THE_RATE, 10_000, digits=2),
    Target("drift --depth deep", _waiting, 1 / 0.97, AT_THE_RATE, digits=2),
)
