"""The lists of all organizations, read at once: when they are needed, or ahead of that."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.live.state import UnknownProject
from reconciler.model.units import Estimate
from reconciler.neon.pace import each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon
    from reconciler.neon.project_lists import Listing

LISTED: Final = "projects listed"

Progress: TypeAlias = Callable[[int, int | None, str], None]
"""Called with the number done, the total (None if not known yet), and what is counted."""


def no_progress(_done: int, _total: int | None, _what: str) -> None:
    """Shows no progress."""


def with_estimate(expected: int, on_progress: Progress) -> Progress:
    """Progress of which the total is estimated where it is not known, as long as less is done."""

    def report(done: int, total: int | None, what: str) -> None:
        on_progress(done, Estimate(expected) if total is None and done < expected else total, what)

    return report


class ListedProjects(Struct, frozen=True):
    """What the lists of all organizations contain."""

    projects: list[LiveProject]
    unread: list[UnknownProject]
    """Those that Neon did not read in time."""
    cursors: Mapping[str, Mapping[str, str]]
    """By organization: the cursors of its pages."""


async def read_lists(neon: Neon, organizations: tuple[str, ...], on_progress: Progress) -> ListedProjects:
    """Lists every organization."""
    counts: Counter[str] = Counter()

    async def list_one(organization: str) -> Listing:
        def on_page(count: int) -> None:
            counts[organization] = count
            on_progress(counts.total(), None, LISTED)

        return await neon.projects(organization, on_page=on_page)

    listings = await each(organizations, list_one)
    on_progress(counts.total(), counts.total(), LISTED)
    of_each = dict(zip(organizations, listings, strict=True))
    return ListedProjects(
        projects=[project for listing in listings for project in listing.projects],
        unread=[UnknownProject(id_, name) for name, listing in of_each.items() for id_ in listing.unavailable],
        cursors={name: listing.cursors for name, listing in of_each.items()},
    )


class ListsAhead:
    """Lists that are read from now on, for one observation that comes later."""

    def __init__(self, neon: Neon, organizations: tuple[str, ...]) -> None:
        self._began_at = asyncio.get_running_loop().time()
        self._count = 0
        self._on_progress: Progress = no_progress
        self._waiting = True
        self._task = asyncio.create_task(read_lists(neon, organizations, self._tell))

    def began_at(self) -> float | None:
        """When the lists began that the next observation takes, in event loop time; None if it reads its own."""
        return self._began_at if self._waiting else None

    async def take(self, on_progress: Progress) -> ListedProjects | None:
        """The lists, once: None for every later observation. Raises what reading them raised."""
        if not self._waiting:
            return None
        self._waiting = False
        self._on_progress = on_progress
        if self._count:
            on_progress(self._count, None, LISTED)
        return await self._task

    async def end(self) -> None:
        """Ends the reading if nobody has waited for it."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # raised for whoever took the lists, if anybody did

    def _tell(self, done: int, total: int | None, what: str) -> None:
        self._count = done
        self._on_progress(done, total, what)
