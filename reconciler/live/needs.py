"""Which details of which projects have to be read before a plan can be made (``plan/needs.py`` decides it)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

Details: TypeAlias = "frozenset[str]"
"""Details to read below a project: names of attributes of LiveProject."""

NOTHING_BELOW: Final[Details] = frozenset()
BRANCHES: Final[Details] = frozenset({"branches"})
COMPUTES: Final[Details] = BRANCHES | {"endpoints"}
SNAPSHOTS: Final[Details] = BRANCHES | {"snapshots"}
"""Branch names are reused, so whatever a name leads to is read together with the names."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Ids of projects, in order, by the call that reads what is missing."""

    projects: tuple[str, ...] = ()
    """GET one: the list left out a value, or the usage of a quota is needed, which no list contains."""
    branches: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    """A search by name: a project read by id shows no integrations."""

    def __bool__(self) -> bool:
        return any((self.projects, self.branches, self.endpoints, self.snapshots, self.integrations))
