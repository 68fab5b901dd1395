"""A database of a branch."""

from __future__ import annotations

from msgspec import Struct


class Database(Struct, frozen=True):
    """A database with the role that owns it."""

    name: str
    owner: str

    def __str__(self) -> str:
        return f"{self.name} (owner {self.owner})"
