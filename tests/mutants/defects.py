"""The planted defects, as data: ``defects.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FILE: Final = Path(__file__).with_name("defects.toml")


class GoneError(Exception):
    """The program has changed, and the defect cannot be planted any more."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One change of one file."""

    promise: str
    """What it makes false, in words of the page."""
    page: str
    """The page that makes the promise."""
    file: str
    old: str
    """Occurs once in the file."""
    new: str
    test: str
    """The test that has to fail: its file, or one test of it."""

    def planted(self, text: str) -> str:
        """The text of the file with the defect. Raises GoneError unless ``old`` occurs exactly once."""
        count = text.count(self.old)
        if count != 1:
            raise GoneError(f"{self.file} has {count} times what the defect changes: {self.old.strip()!r}")
        return text.replace(self.old, self.new)


def defects() -> tuple[Defect, ...]:
    """All of them, in the order of the file."""
    return tuple(Defect(**entry) for entry in tomllib.loads(FILE.read_text(encoding="utf-8"))["defect"])
