"""Which live project is whose: by pin, registry, name, annotation; two for one tenant is a conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.plan.ownership import FLEET, created_for, owner
from reconciler.plan.plan import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState

MARK: Final = "-duplicate-"
"""What a run that came second puts into the name of its project, before the run's id, before it deletes it."""
SETTLE_BY_HAND: Final = "state the right one as project_id, then rename or delete the other by hand"


@dataclass(frozen=True, slots=True)
class Identities:
    """Every tenant has a project, a conflict, or neither (then it is missing, or its view is)."""

    projects: Mapping[str, LiveProject]
    """By tenant name."""
    conflicts: Mapping[str, Conflict]
    unseen: frozenset[str]
    """Tenants whose pinned or registered project the API would not show."""
    unmatched: tuple[LiveProject, ...]
    """Projects of no tenant."""
    several: Mapping[str, tuple[LiveProject, ...]]
    """By tenant that is a conflict for nothing else: the projects that could each be its own."""

    def missing(self, tenant: Tenant) -> bool:
        """Whether the tenant has no live project at all, and asks for no deleted one: it needs a new one."""
        return tenant.recover is None and self.nowhere(tenant)

    def nowhere(self, tenant: Tenant) -> bool:
        """Whether the tenant has no live project at all."""
        return (
            tenant.name not in self.projects
            and tenant.name not in self.conflicts
            and tenant.name not in self.unseen
        )


def pins(desired: DesiredState) -> dict[str, str]:
    """The tenant whose file names the project as its own, by project id."""
    return {t.project_id: t.name for t in desired.tenants.values() if t.project_id is not None}


def identify(desired: DesiredState, live: LiveState) -> Identities:
    """Match every tenant of the files with the live projects. Needs the whole fleet, whatever is selected."""
    search = _Search(desired, live)
    for tenant in desired.tenants.values():
        search.by_id_or_name(tenant)
    search.contest()
    search.by_annotation(tenant for tenant in desired.tenants.values() if search.is_missing(tenant))
    search.contest()
    return search.result()


class _Search:
    def __init__(self, desired: DesiredState, live: LiveState) -> None:
        self._desired = desired
        self._live = live
        self._by_id = {project.id: project for project in live.projects}
        self._unknown = {unknown.id for unknown in live.unknown}
        self._places = live.places
        self._pins = pins(desired)
        self._by_name: dict[str, list[LiveProject]] = {}
        for project in live.projects:
            self._by_name.setdefault(project.name, []).append(project)
        self._projects: dict[str, LiveProject] = {}
        self._conflicts: dict[str, Conflict] = {}
        self._unseen: set[str] = set()
        self._several: dict[str, tuple[LiveProject, ...]] = {}
        self._contested: set[str] = set()
        self._disputed: set[str] = set()
        """Projects that a tenant pins although they seem to be another's."""
        self._astray: dict[str, LiveProject] = {}
        """By tenant: the project that was created for it and now has another tenant's name."""

    def is_missing(self, tenant: Tenant) -> bool:
        """A tombstone misses nothing: a renamed project of its is left to a person, as an orphan."""
        found = tenant.name in self._projects or tenant.name in self._conflicts or tenant.name in self._unseen
        return not (found or tenant.project_id or tenant.absent)

    def by_id_or_name(self, tenant: Tenant) -> None:
        if tenant.project_id is not None:
            self._by_pin(tenant, tenant.project_id)
            return
        names = self._desired.project_names(tenant.name)
        candidates = [p for name in names for p in self._by_name.get(name, ()) if self._fits(tenant, p)]
        candidates = self._own(tenant, candidates)
        place = self._places.get(tenant.name)
        if place is None or self._was_handed_over(place, tenant):
            self._settle(tenant, candidates)
        elif project := self._by_id.get(place):
            self._settle(tenant, [project, *(p for p in candidates if p.id != place)])
        elif place in self._unknown:
            self._unseen.add(tenant.name)
        elif not tenant.absent and tenant.recover is None:
            self._conflicts[tenant.name] = _row_is_gone(tenant, place)
        else:
            self._settle(tenant, candidates)
        if tenant.recover in self._unknown and tenant.name not in self._projects:
            self._unseen.add(tenant.name)

    def _fits(self, tenant: Tenant, project: LiveProject) -> bool:
        """Whether a project of the tenant's name may be its own: one that another tenant pins, and that was not
        created for this one, only has the name.
        """
        annotated = created_for(project, self._desired)
        return self._pins.get(project.id) is None or annotated in (None, tenant.name)

    def _own(self, tenant: Tenant, candidates: list[LiveProject]) -> list[LiveProject]:
        """Less those that were created for another declared tenant, where others are left: that one has them."""
        whose = [created_for(project, self._desired) for project in candidates]
        others = self._desired.tenants.keys() - {tenant.name}
        return [p for p, name in zip(candidates, whose, strict=True) if name not in others] or candidates

    def _was_handed_over(self, project_id: str, tenant: Tenant) -> bool:
        """Whether another tenant pins the project and has given it its own name: the row is an old one."""
        project, holder = self._by_id.get(project_id), self._pins.get(project_id)
        if project is None or holder is None or holder == tenant.name:
            return False
        return project.name in self._desired.project_names(holder)

    def _by_pin(self, tenant: Tenant, project_id: str) -> None:
        if project := self._by_id.get(project_id):
            self._settle(tenant, [project])
        elif project_id in self._unknown:
            self._unseen.add(tenant.name)
        elif not tenant.absent and tenant.recover is None:
            self._conflicts[tenant.name] = _pin_is_gone(tenant, project_id)

    def by_annotation(self, missing: Iterable[Tenant]) -> None:
        """A project renamed in the console still says whose it is."""
        annotated: dict[str, list[LiveProject]] = {}
        for project in self._unmatched():
            if tenant_name := created_for(project, self._desired):
                annotated.setdefault(tenant_name, []).append(project)
        for tenant in missing:
            self._settle(tenant, annotated.get(tenant.name, []))
        for name, others in annotated.items():
            own = self._projects.get(name)
            if own is not None and own not in others:
                self._second(self._desired.tenants[name], others)

    def _second(self, tenant: Tenant, others: Sequence[LiveProject]) -> None:
        """Others that were created for a tenant; those that a run marked as duplicates are another matter."""
        found = [project for project in others if MARK not in project.name]
        if found and tenant.project_id is None:
            self._conflicts[tenant.name] = _several(tenant, [self._projects.pop(tenant.name), *found])

    def _settle(self, tenant: Tenant, candidates: Sequence[LiveProject]) -> None:
        if len(candidates) > 1:
            self._conflicts[tenant.name] = _several(tenant, candidates)
            self._several[tenant.name] = tuple(candidates)
        elif candidates:
            (project,) = candidates
            if conflict := self._contradiction(tenant, project):
                self._conflicts[tenant.name] = conflict
                self._contested.add(project.id)
            else:
                self._projects[tenant.name] = project

    def _contradiction(self, tenant: Tenant, project: LiveProject) -> Conflict | None:
        """What the project's own annotation says against the match."""
        if foreign := _other_fleet(project, self._desired.fleet):
            return _belongs_elsewhere(tenant, project, foreign)
        if project.id in self._desired.pins_held_back:
            return _is_pinned_by_a_broken_file(tenant, project)
        annotated = created_for(project, self._desired)
        if tenant.project_id is not None:
            return self._foreign_pin(tenant, project, annotated)
        if annotated is None or annotated == tenant.name:
            return None
        if annotated in self._desired.tenants:
            self._astray[annotated] = project
        elif annotated not in self._desired.held_back:
            return (
                None if self._is_confirmed(tenant, project) else _was_another_tenants(tenant, project, annotated)
            )
        return _is_another_tenants(tenant, project, annotated)

    def _is_confirmed(self, tenant: Tenant, project: LiveProject) -> bool:
        """Whether more than the name says so: the registry. Of recoveries and tombstones their own rules judge."""
        return self._places.get(tenant.name) == project.id or tenant.recover is not None or tenant.absent

    def _foreign_pin(self, tenant: Tenant, project: LiveProject, annotated: str | None) -> Conflict | None:
        """What speaks against a pin: whoever writes a tenant's file must not reach another tenant's project.

        It may only be taken from a tenant that is gone from the files, or whose own file pins another one; a
        project that has the tenant's own name is its own, whoever it was created for. Where it is in doubt,
        neither of the two gets it: the other one may be new under a name that was somebody else's before.
        """
        whose = annotated or self._desired.tenant_by_project_name(project.name)
        if whose is None or whose == tenant.name or project.name in self._desired.project_names(tenant.name):
            return None
        declared = self._desired.tenants.get(whose)
        if whose not in self._desired.held_back and (declared is None or declared.project_id is not None):
            return None
        self._disputed.add(project.id)
        return _is_not_its_to_pin(tenant, project, whose)

    def contest(self) -> None:
        """A project that two tenants would call their own is neither's; nor does one that strayed leave a gap."""
        for name, project in self._astray.items():
            if name not in self._projects and name not in self._conflicts:
                self._conflicts[name] = _has_gone_astray(self._desired.tenants[name], project)
        claims: dict[str, list[str]] = {}
        for name, project in self._projects.items():
            claims.setdefault(project.id, []).append(name)
        for project_id, names in claims.items():
            claimants = [*names, *([self._pins[project_id]] if project_id in self._disputed else [])]
            if len(claimants) > 1:
                self._contested.add(project_id)
                for name in names:
                    del self._projects[name]
                    self._conflicts[name] = _claimed_twice(self._desired.tenants[name], project_id, claimants)

    def _unmatched(self) -> list[LiveProject]:
        taken = {project.id for project in self._projects.values()}
        contested = {n for name in self._conflicts for n in self._desired.project_names(name)}
        return [
            project
            for project in self._live.projects
            if project.id not in taken and project.id not in self._contested and project.name not in contested
        ]

    def result(self) -> Identities:
        return Identities(
            projects=self._projects,
            conflicts=self._conflicts,
            unseen=frozenset(self._unseen),
            unmatched=tuple(self._unmatched()),
            several=self._several,
        )


def _other_fleet(project: LiveProject, fleet: str) -> str | None:
    annotation = owner(project)
    if annotation is None or annotation.get(FLEET) == fleet:
        return None
    return annotation.get(FLEET, "?")


def _row_is_gone(tenant: Tenant, project_id: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"the registry names project {project_id}, which does not exist in any organization of the fleet",
        "recover the project, or run `reconciler registry rebuild` to let a new one be created",
        tenant.location,
    )


def _pin_is_gone(tenant: Tenant, project_id: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"the pinned project {project_id} does not exist in any organization of the fleet",
        "correct project_id, or remove it to let a new project be created",
        tenant.location,
    )


def _several(tenant: Tenant, candidates: Sequence[LiveProject]) -> Conflict:
    found = ", ".join(f"{p.id} ({p.name} in {p.organization})" for p in sorted(candidates, key=age))
    message = f"{len(candidates)} live projects could be this tenant's: {found}"
    return Conflict(tenant.name, message, SETTLE_BY_HAND, tenant.location)


def age(project: LiveProject) -> tuple[datetime, str]:
    """What puts the projects of one tenant in order: the first of them stays."""
    return project.created_at, project.id


def _belongs_elsewhere(tenant: Tenant, project: LiveProject, fleet: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} ({project.name}) carries the annotation of fleet {fleet!r}",
        "give each fleet a naming pattern of its own",
        tenant.location,
    )


def _is_another_tenants(tenant: Tenant, project: LiveProject, annotated: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} has this tenant's name ({project.name}), but was created for tenant {annotated!r}",
        "give the project its own name back, or state it as project_id in the file of whom it belongs to",
        tenant.location,
    )


def _was_another_tenants(tenant: Tenant, project: LiveProject, annotated: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} has this tenant's name ({project.name}), but was created for tenant {annotated!r}, "
        "whom no file declares: its data may be somebody else's",
        f"if it is this tenant's, state project_id: {project.id} in its file; if not, delete or rename it",
        tenant.location,
    )


def _is_pinned_by_a_broken_file(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} ({project.name}) is pinned in a file that cannot be used: nobody knows whose it is",
        "repair the broken files first: `reconciler validate` lists them",
        tenant.location,
    )


def _is_not_its_to_pin(tenant: Tenant, project: LiveProject, whose: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"the pinned project {project.id} ({project.name}) is that of tenant {whose!r}",
        f"correct project_id; to hand the project over, take tenant {whose!r} out of the files, or give the "
        "project this tenant's name in the console",
        tenant.location,
    )


def _claimed_twice(tenant: Tenant, project_id: str, names: Sequence[str]) -> Conflict:
    others = ", ".join(repr(name) for name in names if name != tenant.name)
    return Conflict(
        tenant.name,
        f"project {project_id} would be this tenant's and also that of {others}",
        "give the project the name of whose it is, or state a project_id in each of the files",
        tenant.location,
    )


def _has_gone_astray(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id}, created for this tenant, now has another tenant's name ({project.name})",
        "give it its name back, or state it as project_id in this tenant's file",
        tenant.location,
    )
