"""What is known about runs that created projects: whether each is dead, and which projects it kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Life(Enum):
    """Whether a run is still in progress."""

    AT_WORK = "at work"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """What is known about one run."""

    life: Life = Life.UNKNOWN
    evidence: str = ""
    """How that is known, as a sentence; empty if unknown."""
    kept: frozenset[str] | None = None
    """Ids of the projects that it kept for a tenant: it may have reported them, or returned their connection
    strings. None without its journal."""


NOTHING_KNOWN = Fate()
