"""What is known of the runs that made projects: whether each is dead, and what it has called a tenant's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Life(Enum):
    """Whether a run still works."""

    AT_WORK = "at work"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """What is known of one run."""

    life: Life = Life.UNKNOWN
    evidence: str = ""
    """How that is known, in words; empty where it is not."""
    kept: frozenset[str] | None = None
    """Ids of the projects that it called a tenant's own: it may have reported them, or handed out their
    connection strings. None where its own journal is not there to tell."""


NOTHING_KNOWN = Fate()
