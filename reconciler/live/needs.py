"""Which details of which projects have to be read before a plan can be made (``plan/needs.py`` decides it)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Needs:
    """Ids of projects, in order, by the call that shows what is missing."""

    projects: tuple[str, ...] = ()
    """GET one: the list left a value out, or it matters how much of a quota is used, which no list tells."""
    branches: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    """A search by name: the project was read by its id, which shows none."""

    def __bool__(self) -> bool:
        return any((self.projects, self.branches, self.endpoints, self.snapshots, self.integrations))
