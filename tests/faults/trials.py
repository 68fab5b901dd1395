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
