"""How many random trials are asked for; of those of the create protocol, how many were made and held."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

FEW: Final = 100
"""Trials of each kind, unless ``TRIALS`` asks for more."""


@dataclass(slots=True)
class Trials:
    """A count that adds up over the workers of a parallel run."""

    made: int = 0
    held: int = 0
    reported: int = 0
    """Of those that held: in how many two projects were left, and reported."""

    def add(self, other: Trials) -> None:
        """What another worker has counted."""
        self.made += other.made
        self.held += other.held
        self.reported += other.reported

    def __str__(self) -> str:
        told = f"create protocol: {self.made} trials, {self.held} held"
        return f"{told} (in {self.reported} of them two projects, reported)" if self.reported else told


SESSION: Final = Trials()


def asked_for() -> int:
    """Trials of each kind."""
    return int(os.environ.get("TRIALS", FEW))


STALE_VIEWS: Final = 20_000
"""Trials on stale views that fit into three minutes of two cores, unless ``STALE_TRIALS`` asks for more."""


def stale_views_asked_for() -> int:
    """Trials on stale views of `make faults`, both kinds of staleness together."""
    return int(os.environ.get("STALE_TRIALS", STALE_VIEWS))
