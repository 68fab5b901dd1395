"""Which live project is whose: by pinned id, by name, by annotation; two for one tenant is a conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.plan.ownership import FLEET, annotated_tenant, owner
from reconciler.plan.plan import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState


@dataclass(frozen=True, slots=True)
class Identities:
    """Every tenant has a project, a conflict, or neither (then it is missing, or its view is)."""

    projects: Mapping[str, LiveProject]
    """By tenant name."""
    conflicts: Mapping[str, Conflict]
    unseen: frozenset[str]
    """Tenants whose pinned project the API would not show."""
    unmatched: tuple[LiveProject, ...]
    """Projects of no tenant."""

    def missing(self, tenant: Tenant) -> bool:
        """Whether the tenant has no live project at all."""
        return (
            tenant.name not in self.projects
            and tenant.name not in self.conflicts
            and tenant.name not in self.unseen
        )


def identify(desired: DesiredState, live: LiveState) -> Identities:
    """Match every tenant of the files with the live projects. Needs the whole fleet, whatever is selected."""
    search = _Search(desired, live)
    for tenant in desired.tenants.values():
        search.by_pin_or_name(tenant)
    search.by_annotation(tenant for tenant in desired.tenants.values() if search.is_missing(tenant))
    return search.result()


class _Search:
    def __init__(self, desired: DesiredState, live: LiveState) -> None:
        self._desired = desired
        self._live = live
        self._by_id = {project.id: project for project in live.projects}
        self._unknown = {unknown.id for unknown in live.unknown}
        pins = {tenant.project_id for tenant in desired.tenants.values() if tenant.project_id}
        self._by_name: dict[str, list[LiveProject]] = {}
        for project in live.projects:
            if project.id not in pins:
                self._by_name.setdefault(project.name, []).append(project)
        self._projects: dict[str, LiveProject] = {}
        self._conflicts: dict[str, Conflict] = {}
        self._unseen: set[str] = set()

    def is_missing(self, tenant: Tenant) -> bool:
        """A tombstone misses nothing: a renamed project of its is left to a person, as an orphan."""
        found = tenant.name in self._projects or tenant.name in self._conflicts
        return not (found or tenant.project_id or tenant.absent)

    def by_pin_or_name(self, tenant: Tenant) -> None:
        if tenant.project_id is None:
            names = self._desired.naming.names(tenant.name)
            self._settle(tenant, [p for name in names for p in self._by_name.get(name, ())])
        elif project := self._by_id.get(tenant.project_id):
            self._projects[tenant.name] = project
        elif tenant.project_id in self._unknown:
            self._unseen.add(tenant.name)
        elif not tenant.absent:
            self._conflicts[tenant.name] = _pin_is_gone(tenant, tenant.project_id)

    def by_annotation(self, missing: Iterable[Tenant]) -> None:
        """A project renamed in the console still says whose it is."""
        annotated: dict[str, list[LiveProject]] = {}
        for project in self._unmatched():
            if tenant_name := annotated_tenant(project, self._desired.fleet):
                annotated.setdefault(tenant_name, []).append(project)
        for tenant in missing:
            self._settle(tenant, annotated.get(tenant.name, []))

    def _settle(self, tenant: Tenant, candidates: Sequence[LiveProject]) -> None:
        if len(candidates) > 1:
            self._conflicts[tenant.name] = _several(tenant, candidates)
        elif candidates:
            (project,) = candidates
            if foreign := _other_fleet(project, self._desired.fleet):
                self._conflicts[tenant.name] = _belongs_elsewhere(tenant, project, foreign)
            else:
                self._projects[tenant.name] = project

    def _unmatched(self) -> list[LiveProject]:
        taken = {project.id for project in self._projects.values()}
        contested = {n for name in self._conflicts for n in self._desired.naming.names(name)}
        return [p for p in self._live.projects if p.id not in taken and p.name not in contested]

    def result(self) -> Identities:
        return Identities(
            projects=self._projects,
            conflicts=self._conflicts,
            unseen=frozenset(self._unseen),
            unmatched=tuple(self._unmatched()),
        )


def _other_fleet(project: LiveProject, fleet: str) -> str | None:
    annotation = owner(project)
    if annotation is None or annotation.get(FLEET) == fleet:
        return None
    return annotation.get(FLEET, "?")


def _pin_is_gone(tenant: Tenant, project_id: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"the pinned project {project_id} does not exist in any organization of the fleet",
        "correct project_id, or remove it to let a new project be created",
        tenant.location,
    )


def _several(tenant: Tenant, candidates: Sequence[LiveProject]) -> Conflict:
    found = ", ".join(f"{p.id} ({p.name} in {p.organization})" for p in sorted(candidates, key=_age))
    return Conflict(
        tenant.name,
        f"{len(candidates)} live projects could be this tenant's: {found}",
        "state the right one as project_id, then rename or delete the other by hand",
        tenant.location,
    )


def _age(project: LiveProject) -> tuple[float, str]:
    return project.created_at.timestamp(), project.id


def _belongs_elsewhere(tenant: Tenant, project: LiveProject, fleet: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} ({project.name}) carries the annotation of fleet {fleet!r}",
        "give each fleet a naming pattern of its own",
        tenant.location,
    )
