"""A database of a branch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Database:
    """A database with the role that owns it."""

    name: str
    owner: str

    def __str__(self) -> str:
        return f"{self.name} (owner {self.owner})"
