"""Reads live state with few calls: first the lists, then the details that the plan needs."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import product
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from reconciler.errors import IncompleteViewError, WrongOrganizationError
from reconciler.live.project import LiveProject, Needs
from reconciler.live.state import AnnotationSearch, LiveState, UnknownProject
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.neon.lists import Progress, no_progress, read_lists, with_estimate
from reconciler.neon.pace import each
from reconciler.neon.project_reader import UNREADABLE, ProjectReader, ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import DeletedProject
    from reconciler.live.registered import Registered
    from reconciler.neon.client import Neon
    from reconciler.neon.lists import ListedProjects, ListsAhead
    from reconciler.neon.project_reader import LiveStatus

TOO_MANY_MISSING: Final = 50
"""With this many declared tenants, an organization without live projects counts as the wrong one."""

NO_REGISTRY: Final[Mapping[str, Registered]] = MappingProxyType({})


class Requirements(Protocol):
    """The live state that a plan needs. Pure functions, called again after each round of reads."""

    @property
    def max_unowned_reads(self) -> int | None:
        """The maximum number of projects without a tenant whose annotations are read. None for all of them."""

    def details(self, desired: DesiredState, live: LiveState) -> Needs:
        """The details that are still to be read. Empty if nothing is missing."""

    def deleted(self, desired: DesiredState, live: LiveState, *, mention: bool = True) -> bool:
        """Whether to list the deleted projects. ``mention``: also if only messages would name them."""

    def not_found(self, desired: DesiredState, live: LiveState, tenants: Iterable[str]) -> list[str]:
        """Those of the tenants that should have a project and whose project was not found."""

    def tenant_of(self, desired: DesiredState, project: LiveProject) -> str | None:
        """The tenant that the annotation of a project names."""


async def observe(
    neon: Neon,
    desired: DesiredState,
    requirements: Requirements,
    *,
    expect_empty: bool = False,
    registered: Mapping[str, Registered] = NO_REGISTRY,
    ahead: ListsAhead | None = None,
    on_progress: Progress = no_progress,
) -> LiveState:
    """The whole fleet: lists every organization, then reads the details that the plan requires.

    ``ahead``: lists that are read already.
    Reads a project by its id if a file or a row of the registry names it and no list contains it: a list may be
    stale, and the project may have been moved. Raises WrongOrganizationError if many tenants of an organization
    are declared and none has a project, unless ``expect_empty``. Raises IncompleteViewError if too many projects
    cannot be read.
    """
    reader = ProjectReader(neon, tuple(desired.organizations))
    lists = await _lists(reader, ahead, with_estimate(_expected(desired, registered), on_progress))
    named = [*lists.unread, *_places(registered), *_pinned(desired)]
    live = await reader.merge(with_quotas(lists.projects), named)
    listed = _counts(live, reader.organizations)
    live = replace(live, listed=listed, list_cursors=lists.cursors, registered=registered)
    if not expect_empty:
        _check_not_empty(desired, live)
    reading = _Reading(on_progress)
    live = await reader.with_details(
        live, partial(requirements.details, desired), reading.on_done, on_round=reading.on_round
    )
    live = replace(live, elsewhere=reader.elsewhere)
    return await _with_deleted(neon, desired, live, needed=requirements.deleted(desired, live))


async def read_more(
    neon: Neon,
    desired: DesiredState,
    live: LiveState,
    requirements: Requirements,
    *,
    on_progress: Progress = no_progress,
) -> LiveState:
    """The same state with the details that the plan of other files requires. Lists nothing again."""
    reader = ProjectReader(neon, tuple(desired.organizations))
    reading = _Reading(on_progress)
    return await reader.with_details(
        live, partial(requirements.details, desired), reading.on_done, on_round=reading.on_round
    )


async def look_up(
    neon: Neon,
    desired: DesiredState,
    tenants: Iterable[str],
    requirements: Requirements,
    *,
    mention_deleted: bool = False,
    registered: Mapping[str, Registered] = NO_REGISTRY,
    known: Collection[str] = (),
    on_progress: Progress = no_progress,
) -> LiveState:
    """The live state of a few tenants: finds their projects by pin or registry, otherwise by exact name.

    Lists the live projects only if one of the ``known`` tenants, which had a project before, is not found by name,
    to search for its annotation. Then it also lists the deleted projects, as it does if a file asks for a
    recovery. ``mention_deleted`` also lists them if a tenant is to be created. It costs one call per organization.
    """
    chosen = desired.selecting(tenants)
    reader = ProjectReader(neon, tuple(desired.organizations))
    found = await each(tuple(chosen.tenants.values()), partial(_find, reader, chosen, registered))
    seen = [project for of_one_tenant in found for project in of_one_tenant]
    unknown = tuple(project for project in seen if isinstance(project, UnknownProject))
    live = await reader.merge((project for project in seen if isinstance(project, LiveProject)), ())
    live = replace(live, unknown=(*live.unknown, *unknown), registered=registered)
    lost = requirements.not_found(chosen, live, known) if known else []
    if lost:
        live = await _find_annotated(reader, desired, live, lost, requirements)
    reading = _Reading(on_progress)
    live = await reader.with_details(
        live, partial(requirements.details, chosen), reading.on_done, on_round=reading.on_round
    )
    live = replace(live, elsewhere=reader.elsewhere)
    needed = requirements.deleted(chosen, live, mention=mention_deleted or bool(lost))
    return await _with_deleted(neon, desired, live, needed=needed)


async def _find_annotated(
    reader: ProjectReader,
    desired: DesiredState,
    live: LiveState,
    tenants: Collection[str],
    requirements: Requirements,
) -> LiveState:
    """The same state with the projects whose annotation names one of the tenants, and with what was searched.

    Neon searches projects by name only, and annotations belong to branches. So this lists every organization,
    leaves out projects with the name of another tenant, and reads the branches of the others. Costs the pages of
    every organization, and one call for each project whose branches are read.
    """
    lists = await read_lists(reader.neon, reader.organizations, no_progress)
    everybody = await reader.merge(lists.projects, lists.unread)
    seen = {project.id for project in live.projects}
    others = [project for project in everybody.projects if project.id not in seen]
    limit = requirements.max_unowned_reads
    asked = others if limit is None else _possibly_renamed(others, desired, limit)
    read = await _with_branches(reader, replace(everybody, projects=tuple(asked)))
    named = [(project, requirements.tenant_of(desired, project)) for project in read.projects]
    found = [project for project, tenant in named if tenant in tenants]
    all_found = len({tenant for _, tenant in named if tenant in tenants}) == len(tenants)
    unknown = {} if all_found else {project.id: project for project in read.unknown}
    return replace(
        live,
        projects=ordered((*live.projects, *found)),
        unknown=tuple({**unknown, **{project.id: project for project in live.unknown}}.values()),
        annotation_search=AnnotationSearch(frozenset(tenants), len(everybody.projects), len(asked)),
    )


def _possibly_renamed(projects: Sequence[LiveProject], desired: DesiredState, limit: int) -> Sequence[LiveProject]:
    """The projects that may have been renamed: those without the name of a declared tenant, or of any tenant."""
    named = [desired.tenant_by_project_name(project.name) for project in projects]
    unmatched = [p for p, name in zip(projects, named, strict=True) if name not in desired.tenants]
    odd = [p for p, name in zip(projects, named, strict=True) if name is None]
    return next((some for some in (unmatched, odd) if len(some) <= limit), ())


async def _with_branches(reader: ProjectReader, live: LiveState) -> LiveState:
    def needed(so_far: LiveState) -> Needs:
        return Needs(branches=tuple(project.id for project in so_far.projects if project.branches is None))

    return await reader.with_details(live, needed, lambda _done, _total: None)


async def find_named(
    neon: Neon,
    organizations: Sequence[str],
    names: Sequence[str],
    *,
    listed: Mapping[str, int] | None = None,
    known: Container[str] = (),
    ended: Callable[[], bool] = lambda: False,
) -> tuple[LiveProject, ...]:
    """Every live project with one of these names. Searches or lists, whichever takes fewer calls.

    ``listed`` is the number of projects per organization; organizations that it lacks are searched. Projects whose
    ids are ``known`` are left out. Raises
    IncompleteViewError for a project that cannot be read. Once ``ended`` returns True, no further read starts, and
    the result lacks the projects that were not read.
    """

    async def find(organization: str) -> list[LiveProject]:
        async def named(name: str) -> tuple[LiveProject, ...]:
            return () if ended() else tuple(await neon.named(organization, name))

        if ended():
            return []
        count = (listed or {}).get(organization)
        if count is not None and ceil(count / PROJECTS_PER_PAGE) + 1 < len(names):
            return await _list_by_name(neon, organization, frozenset(names), known)
        found = await each(names, named)
        return [project for of_one_name in found for project in of_one_name]

    found = await each(organizations, find)
    return ordered({p.id: p for of_one in found for p in of_one if p.id not in known}.values())


async def _with_deleted(neon: Neon, desired: DesiredState, live: LiveState, *, needed: bool) -> LiveState:
    """The same state with the deleted projects. Leaves out an organization that does not return all of them."""
    if not needed:
        return live
    organizations = tuple(desired.organizations)

    async def deleted(organization: str) -> tuple[DeletedProject, ...] | None:
        try:
            return await neon.deleted_projects(organization)
        except (*UNREADABLE, IncompleteViewError):
            return None

    found = zip(organizations, await each(organizations, deleted), strict=True)
    return replace(live, deleted={name: seen for name, seen in found if seen is not None})


async def _list_by_name(
    neon: Neon, organization: str, names: frozenset[str], known: Container[str]
) -> list[LiveProject]:
    listing = await neon.projects(organization, named=names, known=known)
    reads = await each(listing.unavailable, ProjectReader(neon, (organization,)).read)
    if unread := [seen.id for seen in reads if isinstance(seen, UnknownProject)]:
        message = f"the API did not return projects of organization {organization}: {', '.join(unread[:5])}"
        raise IncompleteViewError(message, hint="run again later")
    seen = [*listing.projects, *(seen for seen in reads if isinstance(seen, LiveProject))]
    return [project for project in seen if project.name in names]


async def _lists(reader: ProjectReader, ahead: ListsAhead | None, on_progress: Progress) -> ListedProjects:
    """The lists that are read already, if there are any."""
    taken = None if ahead is None else await ahead.take(on_progress)
    return taken or await read_lists(reader.neon, reader.organizations, on_progress)


def _expected(desired: DesiredState, registered: Mapping[str, Registered]) -> int:
    """About how many projects the lists have: as many as the registry knows, or as tenants are declared."""
    known = sum(row.project_id is not None for row in registered.values())
    return known or sum(not tenant.absent for tenant in desired.tenants.values())


def with_quotas(projects: Sequence[LiveProject]) -> Sequence[LiveProject]:
    """If a list contains the quota of any project, a project without a quota is unlimited.

    If it contains no quota, quotas count as not observed, and are read if the plan needs them.
    """
    if all(project.quota is None for project in projects):
        return projects
    unlimited = Quota()
    return [
        replace(project, quota=unlimited) if project.quota is None and project.settings is not None else project
        for project in projects
    ]


async def _find(
    reader: ProjectReader, desired: DesiredState, registered: Mapping[str, Registered], tenant: Tenant
) -> Sequence[LiveStatus]:
    home = desired.organization_of(tenant)
    if tenant.project_id is not None:
        return [await reader.read_moving(tenant.project_id, first=home)]
    if (row := registered.get(tenant.name)) is not None and row.project_id is not None:
        of_row = await reader.read_moving(row.project_id, first=row.organization or home)
        if not isinstance(of_row, LiveProject) or of_row.name in desired.project_names(tenant.name):
            return [of_row]
        others = await _search(reader, desired, tenant)  # it was renamed, or the row is wrong
        return [of_row, *(project for project in others if project.id != of_row.id)]
    named: list[LiveStatus] = [*await _search(reader, desired, tenant)]
    if tenant.recover is not None and not named:
        named.append(await reader.read(tenant.recover, first=home))
    return named


async def _search(reader: ProjectReader, desired: DesiredState, tenant: Tenant) -> list[LiveProject]:
    """The projects with one of the tenant's names, in every organization."""
    places = list(product(reader.organizations, desired.project_searches(tenant.name)))
    found = await each(places, lambda place: reader.neon.searched(*place))
    return [project for of_one_place in found for project in of_one_place]


def _places(registered: Mapping[str, Registered]) -> list[UnknownProject]:
    return [
        UnknownProject(row.project_id, row.organization or "")
        for row in registered.values()
        if row.project_id is not None
    ]


def _pinned(desired: DesiredState) -> list[UnknownProject]:
    return [
        UnknownProject(tenant.project_id, desired.organization_of(tenant) or "")
        for tenant in desired.tenants.values()
        if tenant.project_id is not None and not tenant.absent
    ]


def _counts(live: LiveState, organizations: Iterable[str]) -> dict[str, int]:
    counts = Counter(project.organization for project in live.projects)
    counts.update(project.organization for project in live.unknown)
    return {organization: counts[organization] for organization in organizations}


def _check_not_empty(desired: DesiredState, live: LiveState) -> None:
    """Raises WrongOrganizationError for an organization without projects to which many declared tenants belong."""
    if all(live.listed.values()):
        return
    known = {project.id for project in live.projects} | {project.name for project in live.projects}
    missing = Counter(
        desired.tiers[tenant.tier].organization
        for tenant in desired.tenants.values()
        if not tenant.absent and known.isdisjoint((tenant.project_id, *desired.project_names(tenant.name)))
    )
    for organization, count in live.listed.items():
        if count == 0 and missing[organization] >= TOO_MANY_MISSING:
            raise WrongOrganizationError(
                f"the API returned no projects of organization {organization}, and {missing[organization]} of its "
                "tenants have no project",
                hint="check its id and its key; on a first run, pass --expect-empty",
            )


REASONS_SHOWN: Final = 3
EXPLAINED_FROM: Final = 100
"""From so many projects on, the progress says why they are read: this takes a while."""


class _Reading(Struct):
    """Tells how far the reading of details is, with what is read and why."""

    on_progress: Progress
    what: str = "projects read"

    def on_round(self, needs: Needs) -> None:
        """What follows reads this."""
        reasons = [*needs.reasons[:REASONS_SHOWN], *(["more"] if len(needs.reasons) > REASONS_SHOWN else [])]
        self.what = f"reading {', '.join(reasons)}" if reasons else "projects read"

    def on_done(self, done: int, total: int) -> None:
        """So many projects of the round are done."""
        self.on_progress(done, total, self.what if total >= EXPLAINED_FROM else "projects read")
