"""What a run repairs automatically, and how much of a fleet it may change."""

from __future__ import annotations

from enum import Enum
from math import floor
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.units import share

if TYPE_CHECKING:
    from collections.abc import Mapping


class DriftPolicy(Enum):
    """What happens to a difference without a commit as its cause."""

    REPAIR = "repair"
    REPORT = "report"


class Threshold(Struct, frozen=True):
    """The maximum of actions per run: ``count``, or ``percent`` of the organization's live projects if more."""

    count: int
    percent: float

    def allows(self, live: int | None) -> int:
        """Return the maximum; ``live`` is None if the organization was not listed."""
        return max(self.count, floor(share(self.percent, live or 0)))


class Thresholds(Struct, frozen=True):
    """Per run and organization."""

    creates: Threshold = Threshold(1000, 10)
    transfers: Threshold = Threshold(400, 5)
    disruptive: Threshold = Threshold(100, 5)
    deletes: Threshold = Threshold(5, 1)


class Policy(Struct, frozen=True):
    """The ``guards`` and ``drift_policy`` of tiers.yaml."""

    thresholds: Thresholds = Thresholds()
    prune_min_age_seconds: int = 7 * 86_400
    """``--prune`` keeps projects that are younger, or were active within this time."""
    drift: Mapping[str, DriftPolicy] = {}
    """By concern name. Default: repair what is no reduction, report the others."""
    idle_seconds: int | None = None
    """How long a project may be unused before ``usage`` lists it; None if it lists none."""
