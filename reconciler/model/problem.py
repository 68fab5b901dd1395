"""A location in the files, and a problem at it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable


class Location(Struct, frozen=True, order=True):
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


class Problem(Struct, frozen=True):
    """One thing wrong with the files: what, where, and what would be right."""

    location: Location
    message: str
    hint: str | None = None
    severity: Severity = Severity.ERROR
    stale: bool = False
    """Whether the entry may be valid under an older tiers.yaml: then the error holds back only its tenant."""

    def __str__(self) -> str:
        place = f"{self.location.file}:{self.location.line}:{self.location.column}"
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that are not only warnings."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def has_error(problems: Iterable[Problem]) -> bool:
    """Return whether one of the problems is not only a warning."""
    return any(problem.severity is Severity.ERROR for problem in problems)
