"""How many random trials are asked for; of those of the create protocol, how many were made and held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests import profiles


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
    return profiles.size(9, 48, 5_000)


def stale_views_asked_for() -> int:
    """Trials on stale views, of each kind of staleness: of fewer than 200, too few may read something stale."""
    return profiles.size(100, 1_000, 50_000)
