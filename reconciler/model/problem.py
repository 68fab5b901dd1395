"""Where something stands in the files, and what is wrong there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file, 1-based; ``file`` is relative to where the command runs."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Severity(Enum):
    """An error holds something back; a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the files: what, where, and what would be right."""

    location: Location
    message: str
    hint: str | None = None
    severity: Severity = Severity.ERROR
    stale: bool = False
    """An entry that tiers.yaml may have left behind: an error that holds back its tenant and nobody else."""

    def __str__(self) -> str:
        place = f"{self.location.file}:{self.location.line}:{self.location.column}"
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")
