"""How many random trials of the create protocol this run has made, and how many held."""

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
    conflicts: int = 0
    """Of those that held: in how many the last run reported two projects for the tenant."""

    def add(self, other: Trials) -> None:
        """What another worker has counted."""
        self.made += other.made
        self.held += other.held
        self.conflicts += other.conflicts

    def __str__(self) -> str:
        told = f"create protocol: {self.made} trials, {self.held} held"
        return f"{told} ({self.conflicts} of them with a reported conflict)" if self.conflicts else told


SESSION: Final = Trials()


def asked_for() -> int:
    """Trials of each kind."""
    return int(os.environ.get("TRIALS", FEW))
