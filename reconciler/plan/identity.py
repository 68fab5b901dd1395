"""Which live project belongs to which tenant: one owner, or a conflict.

A pin, a registry row, a name or an annotation claims a project; ``contradictions.py`` rejects claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from msgspec import Struct

from reconciler.model.values import replace
from reconciler.plan import contradictions
from reconciler.plan.contradictions import (
    MARK,
    Claim,
    contradiction,
    pinned_project_is_gone,
    registered_project_is_gone,
    was_moved,
)
from reconciler.plan.ownership import created_for, owner

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.registered import Registered
    from reconciler.live.state import LiveState, UnknownProject
    from reconciler.plan.plan import Conflict


class Identities(Struct, frozen=True):
    """The result: every tenant has a project, a conflict, or neither (it is missing, or was not returned)."""

    projects: Mapping[str, LiveProject]
    """By tenant name."""
    conflicts: Mapping[str, Conflict]
    not_returned: frozenset[str]
    """Tenants whose pinned or registered project the API did not return."""
    unmatched: tuple[LiveProject, ...]
    """Projects that match no tenant."""
    several: Mapping[str, tuple[LiveProject, ...]]
    """By tenant with this conflict only: the projects that may be its own."""

    def matched(self, tenants: Iterable[Tenant]) -> Iterator[tuple[Tenant, LiveProject]]:
        """Yield those of the tenants that have a project, each with it."""
        return ((tenant, self.projects[tenant.name]) for tenant in tenants if tenant.name in self.projects)

    def missing(self, tenant: Tenant) -> bool:
        """Return whether the tenant has no live project and asks for no recovery: it needs a new project."""
        return tenant.recover is None and self.nowhere(tenant)

    def nowhere(self, tenant: Tenant) -> bool:
        """Return whether the tenant has no live project."""
        return (
            tenant.name not in self.projects
            and tenant.name not in self.conflicts
            and tenant.name not in self.not_returned
        )


IDENTITIES: Final = "identities"


def identify(desired: DesiredState, live: LiveState) -> Identities:
    """Match every tenant of the files with the live projects. Needs the whole fleet, whatever is selected.

    The result for the last projects is remembered: nothing else of a live state, and no time, changes it.
    """
    seen = _Seen(live.projects, live.registered, live.unknown, dict(live.elsewhere))
    known = desired.remembered.get(IDENTITIES)
    if known is not None and seen.equals(known[0]):
        return cast("Identities", known[1])
    found = None if known is None else _with_details(desired, seen, *cast("tuple[_Seen, Identities]", known))
    found = found or _identify(desired, live)
    desired.remembered[IDENTITIES] = (seen, found)
    return found


class _Seen(NamedTuple):
    """What decides of a live state."""

    projects: Sequence[LiveProject]
    registered: Mapping[str, Registered]
    unknown: Sequence[UnknownProject]
    elsewhere: Mapping[str, str]

    def equals(self, other: object) -> bool:
        """Return whether it is the same: the two that are large are not compared one by one."""
        if not isinstance(other, _Seen):
            return False
        return self.projects is other.projects and self.besides_projects_equals(other)

    def besides_projects_equals(self, other: _Seen) -> bool:
        """Return whether all but the projects is the same."""
        return self.registered is other.registered and self[2:] == other[2:]


def _with_details(desired: DesiredState, seen: _Seen, before: _Seen, known: Identities) -> Identities | None:
    """Return what was known ``before``, with the details of projects that have been read since.

    None if that may not be all: where a tenant is in conflict or not returned, where projects came or went or were
    renamed, and where an annotation says more than the name of the project.
    """
    alone = not (known.conflicts or known.not_returned or known.several)
    if not alone or len(before.projects) != len(seen.projects) or not seen.besides_projects_equals(before):
        return None
    pairs = [pair for pair in zip(before.projects, seen.projects, strict=True) if pair[0] is not pair[1]]
    if not all(old.id == new.id and old.name == new.name for old, new in pairs):
        return None
    read = {new.id: new for _, new in pairs}
    owned = {project.id: name for name, project in known.projects.items() if project.id in read}
    if not all(_changes_no_owner(desired, old, new, owned.get(new.id)) for old, new in pairs):
        return None
    projects = {**known.projects, **{name: read[id_] for id_, name in owned.items()}}
    unmatched = known.unmatched
    if len(owned) < len(read):
        unmatched = tuple(read.get(project.id, project) for project in unmatched)
    return replace(known, projects=projects, unmatched=unmatched)


def _changes_no_owner(desired: DesiredState, old: LiveProject, new: LiveProject, tenant: str | None) -> bool:
    """Return whether what was read of a project, of ``tenant`` or of nobody, leaves it to the same.

    Then its annotation is the one that was known, or its first one names no other tenant and no other fleet.
    """
    whose = created_for(new, desired)
    if old.branches is not None:
        return owner(old) == owner(new) and created_for(old, desired) == whose
    if tenant is None:
        return whose is None
    claim = Claim(desired.tenants[tenant], new, confirmed=False)
    return whose in (None, tenant) and contradiction(claim, desired) is None


def _identify(desired: DesiredState, live: LiveState) -> Identities:
    search = _Search(desired, live)
    search.by_what_names_it()
    search.report_contested()
    search.by_annotation()
    search.report_contested()
    return search.result()


class _Search:
    def __init__(self, desired: DesiredState, live: LiveState) -> None:
        self._desired = desired
        self._live = live
        self._claims = Claims(desired, live)
        self._projects: dict[str, LiveProject] = {}
        self._conflicts: dict[str, Conflict] = {}
        self._not_returned: set[str] = set()
        self._several: dict[str, tuple[LiveProject, ...]] = {}
        self._contested: set[str] = set()
        self._disputed: set[str] = set()
        """Projects that a tenant pins although they seem to be another's."""
        self._renamed_away: dict[str, Conflict] = {}
        """By tenant: that a project created for a tenant of this name has another tenant's name."""

    def by_what_names_it(self) -> None:
        """Match by pin, registry row and name."""
        plain, named = self._claims.plain_matches()
        tenants = self._desired.tenants
        asked = {*(tenants.keys() - plain), *(tenants.keys() & named)}
        for name in filter(asked.__contains__, tenants):
            if name in plain:
                self._projects[name] = named[name]
                continue
            tenant = tenants[name]
            claimed = self._claims.of(tenant)
            if claimed.lost is not None:
                self._conflicts[tenant.name] = claimed.lost
            self._settle(tenant, claimed.projects)
            recovering = tenant.project_id is None and self._claims.unknown(tenant.recover)
            if claimed.not_returned or (recovering and tenant.name not in self._projects):
                self._not_returned.add(tenant.name)

    def by_annotation(self) -> None:
        """Match by annotation: a project renamed in the console keeps it. A second annotated project is a
        conflict.
        """
        annotated = self._claims.by_annotation(self._unmatched())
        if not annotated:
            return
        for tenant in self._desired.tenants.values():
            if self._needs_project(tenant):
                self._settle(tenant, annotated.get(tenant.name, []))
        for name, others in annotated.items():
            own = self._projects.get(name)
            if own is not None and own not in others:
                self._second(self._desired.tenants[name], others)

    def _needs_project(self, tenant: Tenant) -> bool:
        """A tombstone needs none: a renamed project of its tenant is reported as an orphan."""
        found = (
            tenant.name in self._projects or tenant.name in self._conflicts or tenant.name in self._not_returned
        )
        return not (found or tenant.project_id or tenant.absent)

    def _second(self, tenant: Tenant, others: Sequence[LiveProject]) -> None:
        """Further projects created for a tenant are a conflict; those that a run marked as duplicates are not."""
        found = [project for project in others if MARK not in project.name]
        if found and tenant.project_id is None:
            both = [self._projects.pop(tenant.name), *found]
            self._conflicts[tenant.name] = contradictions.several_projects(tenant, both)

    def _settle(self, tenant: Tenant, claimed: Sequence[LiveProject]) -> None:
        if len(claimed) > 1 and (wrong := self._claims.of_a_wrong_row(tenant, claimed)) is not None:
            self._conflicts[tenant.name] = wrong
        elif len(claimed) > 1:
            self._conflicts[tenant.name] = contradictions.several_projects(tenant, claimed)
            self._several[tenant.name] = tuple(claimed)
        for project in claimed if len(claimed) == 1 else ():
            confirmed = self._claims.registered(tenant, project) or tenant.recover is not None or tenant.absent
            against = contradiction(Claim(tenant, project, confirmed=confirmed), self._desired)
            if against is None:
                self._projects[tenant.name] = project
                continue
            self._conflicts[tenant.name] = against.conflict
            self._contested.add(project.id)
            if against.disputed:
                self._disputed.add(project.id)
            if against.created_for_tenant is not None:
                theirs = self._desired.tenants[against.created_for_tenant]
                self._renamed_away[theirs.name] = contradictions.has_the_name_of_another(
                    theirs, project, tenant.name
                )

    def report_contested(self) -> None:
        """Conflicts of projects that two tenants claim, and of tenants whose project was renamed away."""
        for name, conflict in self._renamed_away.items():
            if name not in self._projects:
                self._conflicts.setdefault(name, conflict)
        if not self._disputed and len({project.id for project in self._projects.values()}) == len(self._projects):
            return
        holders: dict[str, list[str]] = {}
        for name, project in self._projects.items():
            holders.setdefault(project.id, []).append(name)
        for project_id, names in holders.items():
            disputed = project_id in self._disputed
            if disputed or len(names) > 1:
                claimants = [*names, *([self._desired.pinned_by[project_id]] if disputed else [])]
                self._contested.add(project_id)
                for name in names:
                    del self._projects[name]
                    tenant = self._desired.tenants[name]
                    self._conflicts[name] = contradictions.claimed_twice(tenant, project_id, claimants)

    def _unmatched(self) -> list[LiveProject]:
        taken = {project.id for project in self._projects.values()}
        if len(taken) == len(self._live.projects):
            return []
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
            not_returned=frozenset(self._not_returned),
            unmatched=tuple(self._unmatched()),
            several=self._several,
        )


class ClaimedProjects(Struct, frozen=True):
    """The projects that a tenant may claim, or why that is unknown."""

    projects: tuple[LiveProject, ...] = ()
    not_returned: bool = False
    """Whether the API did not return the project that a pin or a row names."""
    lost: Conflict | None = None
    """The conflict about a pinned or registered project that does not exist."""


def _by_name(projects: Sequence[LiveProject]) -> Mapping[str, Sequence[LiveProject]]:
    """Return the projects by name, in their order."""
    found: dict[str, tuple[LiveProject, ...]] = {project.name: (project,) for project in projects}
    if len(found) == len(projects):
        return found
    found.clear()
    for project in projects:
        name = project.name
        found[name] = (*found[name], project) if name in found else (project,)
    return found


class Claims:
    """Everything that the files, the registry and the projects say about ownership, indexed."""

    def __init__(self, desired: DesiredState, live: LiveState) -> None:
        self._desired = desired
        self._by_id = {project.id: project for project in live.projects}
        self._unknown = {unknown.id for unknown in live.unknown}
        self._places = live.registered_ids
        self._elsewhere = live.elsewhere
        self._by_name = _by_name(live.projects)
        frames = desired.frames
        self._frame = frames[0] if len(frames) == 1 and not desired.pins_held_back else None
        """What is around the names of plain tenants in the names of their projects, if nothing else can be."""

    def plain_matches(self) -> tuple[Collection[str], Mapping[str, LiveProject]]:
        """Return the plain tenants of whom their name decides, and by tenant the one project that has the name of
        its project: a quick answer.

        Without the tenants of which that does not decide: there are several, a pin, a row, or an annotation that
        was read.
        """
        if self._frame is None:
            return (), {}
        pinned, tenant_of = self._desired.pinned_by, self._frame.tenant
        clear: dict[str, LiveProject] = {}
        unclear: set[str] = set()
        for name, named in self._by_name.items():
            one, tenant = named[0], tenant_of(name)
            if tenant is None:
                continue
            if len(named) > 1 or one.branches or one.id in pinned:
                unclear.add(tenant)
            else:
                clear[tenant] = one
        return self._desired.plain.difference(self._places, unclear), clear

    def of(self, tenant: Tenant) -> ClaimedProjects:
        """Return the claims by pin; without a pin, by registry row and by name."""
        if tenant.project_id is not None:
            return self._named(tenant, tenant.project_id, pinned_project_is_gone)
        named, place = self._by_names(tenant), self._places.get(tenant.name)
        if place is None or self._was_handed_over(place, tenant):
            return ClaimedProjects(named)
        stated = self._named(tenant, place, registered_project_is_gone)
        if not stated.projects:
            return stated if stated.not_returned or stated.lost else ClaimedProjects(named)
        return ClaimedProjects((*stated.projects, *(project for project in named if project.id != place)))

    def by_annotation(self, projects: Iterable[LiveProject]) -> dict[str, list[LiveProject]]:
        """Annotated projects by the tenant that their annotation names; a renamed project keeps its annotation."""
        found: dict[str, list[LiveProject]] = {}
        for project in projects:
            if tenant := created_for(project, self._desired):
                found.setdefault(tenant, []).append(project)
        return found

    def registered(self, tenant: Tenant, project: LiveProject) -> bool:
        """Return whether the tenant's registry row names the project."""
        return self._places.get(tenant.name) == project.id

    def of_a_wrong_row(self, tenant: Tenant, claimed: Sequence[LiveProject]) -> Conflict | None:
        """Return the conflict about the tenant's row, if it names a project that seems to be another tenant's."""
        for project in claimed:
            whose = contradictions.other_owner(tenant, project, self._desired)
            if self.registered(tenant, project) and whose is not None:
                return contradictions.row_of_another(tenant, project, repr(whose))
        return None

    def unknown(self, project_id: str | None) -> bool:
        """Return whether the API knows the project but did not return it."""
        return project_id in self._unknown

    def _named(self, tenant: Tenant, project_id: str, gone: Callable[[Tenant, str], Conflict]) -> ClaimedProjects:
        """Return the claim by id. A tombstone, and a tenant that asks for a deleted project, lack nothing."""
        if project := self._by_id.get(project_id):
            return ClaimedProjects((project,))
        if project_id in self._unknown:
            return ClaimedProjects(not_returned=True)
        if tenant.absent or tenant.recover is not None:
            return ClaimedProjects()
        elsewhere = self._elsewhere.get(project_id)
        lost = gone(tenant, project_id) if elsewhere is None else was_moved(tenant, project_id, elsewhere)
        return ClaimedProjects(lost=lost)

    def _by_names(self, tenant: Tenant) -> tuple[LiveProject, ...]:
        """Projects with the tenant's name; those created for another declared tenant if there are no others."""
        names = self._desired.project_names(tenant.name)
        named = [p for name in names for p in self._by_name.get(name, ()) if self._fits(tenant, p)]
        own = [p for p in named if not self._is_anothers(tenant, p)]
        return tuple(own or named)

    def _is_anothers(self, tenant: Tenant, project: LiveProject) -> bool:
        """Return whether the project was created for another declared tenant."""
        annotated = created_for(project, self._desired)
        return annotated is not None and annotated != tenant.name and annotated in self._desired.tenants

    def _fits(self, tenant: Tenant, project: LiveProject) -> bool:
        """Whether it may be the tenant's: not if another tenant pins it, unless it was created for one of both."""
        annotated, holder = created_for(project, self._desired), self._desired.pinned_by.get(project.id)
        return holder is None or annotated in (None, tenant.name, holder)

    def _was_handed_over(self, project_id: str, tenant: Tenant) -> bool:
        """Return whether another tenant pins the project and gave it its own name: then the row is outdated."""
        project, holder = self._by_id.get(project_id), self._desired.pinned_by.get(project_id)
        if project is None or holder is None or holder == tenant.name:
            return False
        return project.name in self._desired.project_names(holder)
