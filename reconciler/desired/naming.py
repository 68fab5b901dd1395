"""How a tenant's project is called, and which tenant a project's name belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PLACEHOLDER: Final = "{tenant}"


@dataclass(frozen=True, slots=True)
class Naming:
    """``project`` holds exactly one ``{tenant}``; ``previous`` are older patterns that still match."""

    project: str
    previous: tuple[str, ...] = ()

    def project_name(self, tenant: str) -> str:
        """The name that the tenant's project is to have."""
        return self.project.replace(PLACEHOLDER, tenant)

    def names(self, tenant: str) -> tuple[str, ...]:
        """Every name by which the tenant's project is recognised, the current one first."""
        return tuple(pattern.replace(PLACEHOLDER, tenant) for pattern in (self.project, *self.previous))

    def tenant(self, project_name: str) -> str | None:
        """The tenant that a project's whole name stands for, by the current pattern or a previous one."""
        for pattern in (self.project, *self.previous):
            start, _, end = pattern.partition(PLACEHOLDER)
            long_enough = len(project_name) > len(start) + len(end)
            if long_enough and project_name.startswith(start) and project_name.endswith(end):
                return project_name[len(start) : len(project_name) - len(end)]
        return None
