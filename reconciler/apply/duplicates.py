"""One more look at a tenant's second project and its first one, right before the second is deleted."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.errors import NotFoundError
from reconciler.plan import unused
from reconciler.plan.contradictions import age
from reconciler.plan.rivals import maker, ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon
    from reconciler.plan.action import DeleteDuplicate


async def doubt(neon: Neon, action: DeleteDuplicate, first: Address, *, fleet: str, now: datetime) -> str:
    """What of the proof does not hold any more, in words; empty where all does, or the project is gone by itself.

    ``first`` is where the tenant's own project is now. Raises whatever the client raises for a read.
    """
    try:
        second = await _look(neon, action.organization, action.project_id)
    except NotFoundError:
        return ""  # the deletion itself tells that it was gone
    try:
        own = await neon.project(first.organization, first.project_id)
        own = replace(own, branches=await neon.branches(first.organization, first.project_id))
    except NotFoundError:
        return f"project {first.project_id}, which was first, is gone since the plan was made"
    found = next(chain(_changes(action, own, second, fleet), unused.holdings(second), unused.activity(second)), "")
    if not found and now < unused.ripe_at(second):
        found = "Neon's counters do not tell of it yet"
    return f"project {action.project_id} is not proven to be unused any more: {found}" if found else ""


def _changes(action: DeleteDuplicate, own: LiveProject, second: LiveProject, fleet: str) -> Iterator[str]:
    if own.id != action.first_id or not ours(own, fleet, action.tenant):
        yield f"project {own.id} is not the first of the tenant's"
    if not ours(second, fleet, action.tenant) or maker(second) != action.run:
        yield "its annotations are others"
    if age(second) <= age(own):
        yield f"it was created before {own.id}"
    if (second.name, second.organization) != (action.name, action.organization):
        yield f"it is called {second.name!r} in {second.organization} now"


async def _look(neon: Neon, organization: str, project_id: str) -> LiveProject:
    project = await neon.project(organization, project_id)
    return replace(
        project,
        branches=await neon.branches(organization, project_id),
        endpoints=await neon.endpoints(organization, project_id),
        snapshots=await neon.snapshots(organization, project_id),
    )
