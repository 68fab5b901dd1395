"""Looking for the projects of a few tenants by their annotations, where their names find none.

Neon: projects are searched by name only, and annotations are those of branches. So: list every organization, leave
out what has another tenant's name, and read the branches of the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.desired.selection import Depth
from reconciler.live.state import AnnotationSearch, UnknownProject
from reconciler.neon.parallel import each
from reconciler.neon.view import ordered
from reconciler.plan.needs import Needs
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reconciler.desired.selection import Reach
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.neon.view import View


async def find_annotated(
    view: View, desired: DesiredState, live: LiveState, tenants: Collection[str], *, depth: Depth, reach: Reach
) -> LiveState:
    """The view with the projects whose annotation names one of the tenants, and with what was looked at.

    Asks up to ``reach.few_strangers`` projects whose they are, and all at ``Depth.DEEP``. Costs the pages of every
    organization, and a call for each project that is asked.
    """
    everybody = await _list(view)
    seen = {project.id for project in live.projects}
    others = [project for project in everybody.projects if project.id not in seen]
    asked = others if depth is Depth.DEEP else _few(others, desired, reach.few_strangers)
    read = await _with_branches(view, replace(everybody, projects=tuple(asked)))
    found = [project for project in read.projects if created_for(project, desired) in tenants]
    whole = len({created_for(project, desired) for project in found}) == len(tenants)
    unknown = {} if whole else {project.id: project for project in read.unknown}
    return replace(
        live,
        projects=ordered((*live.projects, *found)),
        unknown=tuple({**unknown, **{project.id: project for project in live.unknown}}.values()),
        annotation_search=AnnotationSearch(frozenset(tenants), len(everybody.projects), len(asked)),
    )


async def _list(view: View) -> LiveState:
    listings = await each(view.organizations, view.neon.projects)
    of_each = tuple(zip(view.organizations, listings, strict=True))
    unread = [UnknownProject(id_, name) for name, listing in of_each for id_ in listing.unavailable]
    return await view.merge([project for _, listing in of_each for project in listing.projects], unread)


def _few(projects: Sequence[LiveProject], desired: DesiredState, at_most: int) -> Sequence[LiveProject]:
    """Those that may have been renamed: without another declared tenant's name, or without any tenant's name."""
    named = [desired.tenant_by_project_name(project.name) for project in projects]
    of_nobody = [p for p, name in zip(projects, named, strict=True) if name not in desired.tenants]
    odd = [p for p, name in zip(projects, named, strict=True) if name is None]
    return next((some for some in (of_nobody, odd) if len(some) <= at_most), ())


async def _with_branches(view: View, live: LiveState) -> LiveState:
    def needed(so_far: LiveState) -> Needs:
        return Needs(branches=tuple(project.id for project in so_far.projects if project.branches is None))

    return await view.closer(live, needed, lambda _done, _total: None)
