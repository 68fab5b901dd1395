"""Pages of the lists that late turns share: one shows up to 400 projects, and takes one call."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct, field

from reconciler.errors import ReconcilerError
from reconciler.neon.observe import with_quotas

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from reconciler.apply.stop import StopSignal
    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon
    from reconciler.plan.plan import TenantPlan

MOVED_PER_PAGE: Final = 4
"""For so many projects that have moved together, one page of their new list is searched for them."""


class Listed(Struct, frozen=True):
    """The projects of one list page by id."""

    projects: Mapping[str, LiveProject]
    asked_at: float
    """When the request that was answered was sent, by the loop's clock: the page shows no earlier state."""
    next_cursor: str
    """With which cursor the next page is asked for; empty after the last page."""


Place: TypeAlias = tuple[str, str]
"""An organization, with the cursor of one page of its list."""


class Moved(Struct):
    """Projects that a run has moved by one call. The plan's lists had them in another organization."""

    organization: str
    """Where they are now."""
    project_ids: frozenset[str]
    at: float
    """When the run knew that they had moved, by the loop's clock."""
    searched: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Pages(Struct):
    """The newest pages of the lists. One holds up to 400 projects, for several late turns.

    The end of a list is not asked for: a page shows that projects exist, and one that it lacks is read by itself.
    """

    neon: Neon
    cursors: Mapping[str, Mapping[str, str]]
    """As ``LiveState.list_cursors``."""
    longest_seconds: float
    """The maximum age of a page."""
    stop: StopSignal
    """Once the run is to end, no further page is searched."""
    _expected: Counter[Place] = field(default_factory=Counter)
    """Tenants of each page that have not been observed again yet."""
    _listed: dict[Place, Listed] = field(default_factory=dict)
    _refused: set[Place] = field(default_factory=set)
    """Pages that Neon did not return: they are not requested again."""
    _locks: defaultdict[Place, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _moved: dict[Place, Moved] = field(default_factory=dict)
    """By organization and project id: with which others a project has moved there."""
    _moved_to: dict[Place, Place] = field(default_factory=dict)
    """By organization and project id: the page on which a moved project was found."""
    _found_last: dict[str, str] = field(default_factory=dict)
    """By organization: the cursor of the page on which a moved project was found last. Projects move in the order
    of the list that they leave, so the next ones are probably near."""

    def expect(self, tenants: Iterable[TenantPlan]) -> None:
        """Counts the tenants that may be observed again."""
        places = (self._place(tenant.project) for tenant in tenants if tenant.project is not None)
        self._expected.update(place for place in places if place is not None)

    def moved(self, organization: str, project_ids: Collection[str]) -> None:
        """Notes projects that have moved to the organization together, and that may be observed again there."""
        group = Moved(organization, frozenset(project_ids), asyncio.get_running_loop().time())
        self._moved.update({(organization, project_id): group for project_id in project_ids})

    async def project(self, before: LiveProject) -> tuple[LiveProject, float] | None:
        """The project from the page that had it, and when that was requested. None if the page lacks it.

        Requests the page if its last answer is too old and several tenants are expected: tenants take their turns
        in the order of the list.
        """
        place = self._place(before) or await self._place_after_move(before)
        if place is None:
            return None
        async with self._locks[place]:
            listed = await self._fresh(place, worth_a_call=self._expected[place] > 1)
            self._expected[place] -= 1
            self._forget_unless_expected(place)
        if listed is None or before.id not in listed.projects:
            return None
        return listed.projects[before.id], listed.asked_at

    def _place(self, project: LiveProject) -> Place | None:
        """None for a project that no list has shown."""
        cursor = self.cursors.get(project.organization, {}).get(project.id)
        return None if cursor is None else (project.organization, cursor)

    async def _place_after_move(self, project: LiveProject) -> Place | None:
        """None for a project that this run has not moved, and for one that its new list does not show (yet)."""
        key = (project.organization, project.id)
        group = self._moved.get(key)
        if group is None:
            return None
        async with group.lock:
            if not group.searched:
                group.searched = True
                await self._search(group)
        return self._moved_to.get(key)

    async def _search(self, group: Moved) -> None:
        """Finds the pages that show the projects of the group, if that takes fewer calls than to read each.

        Begins where projects were found last, and goes on at the start after the end of the list.
        """
        missing, searched = set(group.project_ids), set[str]()
        cursor = self._found_last.get(group.organization, "")
        most = len(group.project_ids) // MOVED_PER_PAGE
        while missing and cursor not in searched and len(searched) < most and not self.stop.requested:
            searched.add(cursor)
            place = (group.organization, cursor)
            async with self._locks[place]:
                listed = await self._fresh(place, since=group.at)
                found = missing.intersection(listed.projects if listed else ())
                self._expected[place] += len(found)
                self._forget_unless_expected(place)
            if listed is None:
                return
            if found:
                self._moved_to.update({(group.organization, project_id): place for project_id in found})
                self._found_last[group.organization] = cursor
            missing -= found
            cursor = listed.next_cursor if listed.projects else ""

    def _forget_unless_expected(self, place: Place) -> None:
        """A run over a large fleet would keep every page."""
        if self._expected[place] <= 0:
            self._listed.pop(place, None)

    async def _fresh(self, place: Place, *, since: float = 0.0, worth_a_call: bool = True) -> Listed | None:
        """The page, requested again if its last answer is too old, or from before ``since``."""
        listed = self._listed.get(place)
        if listed is not None:
            age = asyncio.get_running_loop().time() - listed.asked_at
            if age <= self.longest_seconds and listed.asked_at >= since:
                return listed
        return await self._list(*place) if worth_a_call and place not in self._refused else None

    async def _list(self, organization: str, cursor: str) -> Listed | None:
        try:
            page = await self.neon.page(organization, cursor)
        except ReconcilerError:  # reading the projects one by one shows whether the error persists
            self._refused.add((organization, cursor))  # Neon does not document how long a cursor holds
            return None
        found = with_quotas(page.projects)
        listed = Listed({project.id: project for project in found}, page.asked_at, page.next_cursor)
        self._listed[organization, cursor] = listed
        return listed
