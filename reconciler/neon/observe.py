"""Live state by as few calls as will do: list first, then details only where the plan needs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.errors import IncompleteViewError, WrongOrganizationError
from reconciler.live.project import LiveProject
from reconciler.live.state import LiveState, UnknownProject
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.model.quota import Quota
from reconciler.neon.annotated import find_annotated
from reconciler.neon.parallel import each
from reconciler.neon.view import UNREADABLE, View, ordered
from reconciler.plan.identity import identify
from reconciler.plan.needs import needs, needs_deleted
from reconciler.plan.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import DeletedProject
    from reconciler.live.registered import Registered
    from reconciler.neon.client import Listing, Neon
    from reconciler.neon.view import Seen

Progress: TypeAlias = Callable[[int, int | None, str], None]
"""How many are done, of how many (None where that is not known yet), and of what."""

TOO_MANY_MISSING: Final = 50
"""So many declared tenants and not one live project: a wrong key or organization is the likelier reason."""

NO_REGISTRY: Final[Mapping[str, Registered]] = MappingProxyType({})


def quietly(_done: int, _total: int | None, _what: str) -> None:
    """Progress that nobody watches."""


async def observe(
    neon: Neon,
    desired: DesiredState,
    *,
    selection: Selection = Selection(),
    depth: Depth = Depth.DECLARED,
    reach: Reach = Reach(),
    permissions: Permissions = Permissions(),
    registered: Mapping[str, Registered] = NO_REGISTRY,
    new: Collection[str] = (),
    half_done: Collection[str] = (),
    on_progress: Progress = quietly,
) -> LiveState:
    """The whole fleet: every organization listed, then the details that a plan for ``selection`` needs.

    A project that a file or a row of the registry names and no list shows is read by itself: a list may lag, and
    somebody may have moved it. ``new`` are tenants that the files did not know before: whose project their name
    finds is always asked. ``half_done`` are tenants for whom a commit was tried: those are read deep.
    Raises WrongOrganizationError where nothing is live although much is declared, unless that is permitted,
    and IncompleteViewError where very many projects cannot be read.
    """
    view = View(neon, tuple(desired.organizations))
    listings = await _list(neon, view.organizations, on_progress)
    unread = [UnknownProject(id_, name) for name, listing in listings.items() for id_ in listing.unavailable]
    live = await view.merge(
        with_quotas([project for listing in listings.values() for project in listing.projects]),
        [*unread, *_places(registered), *_pinned(desired)],
    )
    live = replace(live, listed=_counts(live, view.organizations), registered=registered)
    if not permissions.expect_empty:
        _check_not_empty(desired, live)
    wanted = partial(
        needs,
        desired,
        depth=depth,
        reach=reach,
        selection=selection,
        prune=permissions.prune,
        new=new,
        half_done=half_done,
    )
    live = await view.closer(live, wanted, partial(_tell_read, on_progress))
    live = replace(live, elsewhere=view.elsewhere)
    return await _with_deleted(neon, desired, live, needed=needs_deleted(desired, live, selection=selection))


async def look_up(
    neon: Neon,
    desired: DesiredState,
    tenants: Iterable[str],
    *,
    selection: Selection = Selection(),
    depth: Depth = Depth.DECLARED,
    reach: Reach = Reach(),
    mention_deleted: bool = False,
    registered: Mapping[str, Registered] = NO_REGISTRY,
    known: Collection[str] = (),
    new: Collection[str] = (),
    on_progress: Progress = quietly,
) -> LiveState:
    """Only what concerns a few tenants of ``desired``: found by pin or registry, else by exact name.

    What is live is listed only where one of the ``known`` tenants, which had a project before, is not found by
    name: then for its annotation. What was deleted is listed there, and where a file asks for a recovery. Where a
    new tenant is to be created, mentioning an older project costs a call for each organization:
    ``mention_deleted``. ``new`` as in ``observe``.
    """
    chosen = desired.selecting(tenants)
    view = View(neon, tuple(desired.organizations))
    found = await each(tuple(chosen.tenants.values()), partial(_find, view, chosen, registered))
    seen = [project for of_one_tenant in found for project in of_one_tenant]
    unknown = tuple(project for project in seen if isinstance(project, UnknownProject))
    live = await view.merge((project for project in seen if isinstance(project, LiveProject)), ())
    live = replace(live, unknown=(*live.unknown, *unknown), registered=registered)
    lost = [tenant for tenant in known if tenant in chosen.tenants and _is_lost(chosen, live, tenant)]
    if lost:
        live = await find_annotated(view, desired, live, lost, depth=depth, reach=reach)
    wanted = partial(needs, chosen, depth=depth, reach=reach, selection=selection, new=new)
    live = replace(await view.closer(live, wanted, partial(_tell_read, on_progress)), elsewhere=view.elsewhere)
    needed = needs_deleted(chosen, live, selection=selection, mention=mention_deleted or bool(lost))
    return await _with_deleted(neon, desired, live, needed=needed)


def _is_lost(chosen: DesiredState, live: LiveState, tenant: str) -> bool:
    """Whether a project of the tenant should be there and was not found."""
    declared = chosen.tenants[tenant]
    return identify(chosen, live).missing(declared) and not declared.absent


async def find_named(
    neon: Neon,
    organizations: Sequence[str],
    names: Sequence[str],
    *,
    listed: Mapping[str, int] | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> tuple[LiveProject, ...]:
    """Every live project that has one of these names, by whichever costs fewer calls: searching or listing.

    ``listed`` is the known number of projects per organization; one that is not in it is searched. Raises
    rather than leave out a project that cannot be read. Once ``ended`` says so no further read begins, and what
    was not read by then is left out.
    """

    async def find(organization: str) -> list[LiveProject]:
        async def named(name: str) -> tuple[LiveProject, ...]:
            return () if ended() else tuple(await neon.named(organization, name))

        if ended():
            return []
        count = (listed or {}).get(organization)
        if count is not None and ceil(count / PROJECTS_PER_PAGE) + 1 < len(names):
            return await _list_by_name(neon, organization, frozenset(names))
        found = await each(names, named)
        return [project for of_one_name in found for project in of_one_name]

    found = await each(organizations, find)
    return ordered({project.id: project for of_one in found for project in of_one}.values())


async def _with_deleted(neon: Neon, desired: DesiredState, live: LiveState, *, needed: bool) -> LiveState:
    """The same view with what can be recovered; an organization that would not show all of it is left out."""
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


async def _list_by_name(neon: Neon, organization: str, names: frozenset[str]) -> list[LiveProject]:
    listing = await neon.projects(organization)
    reads = await each(listing.unavailable, View(neon, (organization,)).read)
    if unread := [seen.id for seen in reads if isinstance(seen, UnknownProject)]:
        message = f"the API would not show projects of organization {organization}: {', '.join(unread[:5])}"
        raise IncompleteViewError(message, hint="run again later")
    seen = [*listing.projects, *(seen for seen in reads if isinstance(seen, LiveProject))]
    return [project for project in seen if project.name in names]


async def _list(neon: Neon, organizations: Sequence[str], on_progress: Progress) -> dict[str, Listing]:
    counts: Counter[str] = Counter()

    async def list_one(organization: str) -> Listing:
        def on_page(count: int) -> None:
            counts[organization] = count
            on_progress(counts.total(), None, "projects listed")

        return await neon.projects(organization, on_page=on_page)

    return dict(zip(organizations, await each(organizations, list_one), strict=True))


def with_quotas(projects: Sequence[LiveProject]) -> Sequence[LiveProject]:
    """Lists that show the quota of any project show them all: one that is left out is unlimited.

    Where they show none at all, every project's stays not observed, and is read where it matters.
    """
    if all(project.quota is None for project in projects):
        return projects
    unlimited = Quota()
    return [
        replace(project, quota=unlimited) if project.quota is None and project.settings is not None else project
        for project in projects
    ]


async def _find(
    view: View, desired: DesiredState, registered: Mapping[str, Registered], tenant: Tenant
) -> Sequence[Seen]:
    home = desired.home(tenant)
    if tenant.project_id is not None:
        return [await view.read(tenant.project_id, first=home)]
    if (row := registered.get(tenant.name)) is not None and row.project_id is not None:
        return [await view.read(row.project_id, first=row.organization or home)]
    places = list(product(view.organizations, desired.project_searches(tenant.name)))
    found = await each(places, lambda place: view.neon.searched(*place))
    named: list[Seen] = [project for of_one_place in found for project in of_one_place]
    if tenant.recover is not None and not named:
        named.append(await view.read(tenant.recover, first=home))
    return named


def _places(registered: Mapping[str, Registered]) -> list[UnknownProject]:
    return [
        UnknownProject(row.project_id, row.organization or "")
        for row in registered.values()
        if row.project_id is not None
    ]


def _pinned(desired: DesiredState) -> list[UnknownProject]:
    return [
        UnknownProject(tenant.project_id, desired.home(tenant) or "")
        for tenant in desired.tenants.values()
        if tenant.project_id is not None and not tenant.absent
    ]


def _counts(live: LiveState, organizations: Iterable[str]) -> dict[str, int]:
    counts = Counter(project.organization for project in live.projects)
    counts.update(project.organization for project in live.unknown)
    return {organization: counts[organization] for organization in organizations}


def _check_not_empty(desired: DesiredState, live: LiveState) -> None:
    """Refuse an organization that shows nothing, although many tenants that are nowhere belong into it."""
    known = {project.id for project in live.projects} | {project.name for project in live.projects}
    missing = Counter(
        desired.tiers[tenant.tier].organization
        for tenant in desired.tenants.values()
        if not tenant.absent and known.isdisjoint((tenant.project_id, *desired.project_names(tenant.name)))
    )
    for organization, count in live.listed.items():
        if count == 0 and missing[organization] >= TOO_MANY_MISSING:
            raise WrongOrganizationError(
                f"organization {organization} shows no project at all, and {missing[organization]} of its tenants "
                "have none",
                hint="check its id and its key; on a first run, say so: --expect-empty",
            )


def _tell_read(on_progress: Progress, done: int, total: int) -> None:
    on_progress(done, total, "projects read")
