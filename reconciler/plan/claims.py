"""What claims a project for a tenant: a pin, a registry row, a name, an annotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.plan.contradictions import pin_is_gone, row_is_gone, was_moved
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Conflict


@dataclass(frozen=True, slots=True)
class Claimed:
    """The projects that a tenant may claim, or why that is unknown."""

    projects: tuple[LiveProject, ...] = ()
    not_returned: bool = False
    """Whether the API did not return the project that a pin or a row names."""
    lost: Conflict | None = None
    """The conflict about a pinned or registered project that does not exist."""


def pins(desired: DesiredState) -> dict[str, str]:
    """Return the tenant whose file pins a project, by project id."""
    return {t.project_id: t.name for t in desired.tenants.values() if t.project_id is not None}


class Claims:
    """Everything that the files, the registry and the projects say about ownership, indexed."""

    def __init__(self, desired: DesiredState, live: LiveState) -> None:
        self._desired = desired
        self._by_id = {project.id: project for project in live.projects}
        self._unknown = {unknown.id for unknown in live.unknown}
        self._places = live.places
        self._elsewhere = live.elsewhere
        self.pins = pins(desired)
        self._by_name: dict[str, list[LiveProject]] = {}
        for project in live.projects:
            self._by_name.setdefault(project.name, []).append(project)

    def of(self, tenant: Tenant) -> Claimed:
        """Return the claims by pin; without a pin, by registry row and by name."""
        if tenant.project_id is not None:
            return self._named(tenant, tenant.project_id, pin_is_gone)
        named, place = self._by_names(tenant), self._places.get(tenant.name)
        if place is None or self._was_handed_over(place, tenant):
            return Claimed(named)
        stated = self._named(tenant, place, row_is_gone)
        if not stated.projects:
            return stated if stated.not_returned or stated.lost else Claimed(named)
        return Claimed((*stated.projects, *(project for project in named if project.id != place)))

    def by_annotation(self, projects: Iterable[LiveProject]) -> dict[str, list[LiveProject]]:
        """Return annotated projects by the tenant that their annotation names; a renamed project keeps its
        annotation.
        """
        found: dict[str, list[LiveProject]] = {}
        for project in projects:
            if tenant := created_for(project, self._desired):
                found.setdefault(tenant, []).append(project)
        return found

    def registered(self, tenant: Tenant, project: LiveProject) -> bool:
        """Return whether the tenant's registry row names the project."""
        return self._places.get(tenant.name) == project.id

    def unknown(self, project_id: str | None) -> bool:
        """Return whether the API knows the project but did not return it."""
        return project_id in self._unknown

    def _named(self, tenant: Tenant, project_id: str, gone: Callable[[Tenant, str], Conflict]) -> Claimed:
        """Return the claim by id. A tombstone, and a tenant that asks for a deleted project, lack nothing."""
        if project := self._by_id.get(project_id):
            return Claimed((project,))
        if project_id in self._unknown:
            return Claimed(not_returned=True)
        if tenant.absent or tenant.recover is not None:
            return Claimed()
        elsewhere = self._elsewhere.get(project_id)
        lost = gone(tenant, project_id) if elsewhere is None else was_moved(tenant, project_id, elsewhere)
        return Claimed(lost=lost)

    def _by_names(self, tenant: Tenant) -> tuple[LiveProject, ...]:
        """Return projects with the tenant's name; those created for another declared tenant only if there are no
        others.
        """
        names = self._desired.project_names(tenant.name)
        named = [p for name in names for p in self._by_name.get(name, ()) if self._fits(tenant, p)]
        others = self._desired.tenants.keys() - {tenant.name}
        own = [p for p in named if created_for(p, self._desired) not in others]
        return tuple(own or named)

    def _fits(self, tenant: Tenant, project: LiveProject) -> bool:
        """Return whether a project with the tenant's name may be its own: not if another tenant pins it and it was
        not created for this one.
        """
        annotated = created_for(project, self._desired)
        return self.pins.get(project.id) is None or annotated in (None, tenant.name)

    def _was_handed_over(self, project_id: str, tenant: Tenant) -> bool:
        """Return whether another tenant pins the project and gave it its own name: then the row is outdated."""
        project, holder = self._by_id.get(project_id), self.pins.get(project_id)
        if project is None or holder is None or holder == tenant.name:
            return False
        return project.name in self._desired.project_names(holder)
