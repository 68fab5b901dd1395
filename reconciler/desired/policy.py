"""How careful a run is: what is repaired by itself, and how much of a fleet one run may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import floor
from typing import TYPE_CHECKING

from reconciler.model.units import share

if TYPE_CHECKING:
    from collections.abc import Mapping


class DriftPolicy(Enum):
    """What happens to a difference that no commit asked for."""

    REPAIR = "repair"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Threshold:
    """At most ``count`` actions a run, or ``percent`` of the organization's live projects where that is more."""

    count: int
    percent: float

    def allows(self, live: int | None) -> int:
        """How many actions one run may hold; ``live`` is None where the organization was not counted."""
        return max(self.count, floor(share(self.percent, live or 0)))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Per run and organization."""

    creates: Threshold = Threshold(1000, 10)
    transfers: Threshold = Threshold(400, 5)
    disruptive: Threshold = Threshold(100, 5)
    deletes: Threshold = Threshold(5, 1)


@dataclass(frozen=True, slots=True)
class Policy:
    """The ``guards`` and ``drift_policy`` of tiers.yaml."""

    thresholds: Thresholds = Thresholds()
    prune_min_age_seconds: int = 7 * 86_400
    """``--prune`` spares projects that are younger, or were active within it."""
    drift: Mapping[str, DriftPolicy] = field(default_factory=dict)
    """By concern name. Without an entry: repaired where it takes nothing from the tenant, else reported."""
