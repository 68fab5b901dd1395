"""The calls that find projects: lists of an organization, searches by name, and one project by its id."""

from __future__ import annotations

import re
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.naming import Search, composed
from reconciler.errors import (
    AuthenticationError,
    IncompleteViewError,
    NotFoundError,
    PermissionDeniedError,
    WrongOrganizationError,
)
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.neon import conversion, wire
from reconciler.neon.account import Account
from reconciler.neon.call import MOST_PAGES, PROJECT, Call, gap_in_list, unending_list

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Container, Mapping

    from reconciler.live.project import DeletedProject, LiveProject

_ASCII: Final = re.compile(r"[\x20-\x7e]+(?![^\x00-\x7f])")
"""A part of a name in ASCII. No combining character follows it."""
LISTING_TIMEOUT_MILLISECONDS: Final = 30_000
"""Neon: the maximum. With more time, fewer projects are unavailable."""
READINGS_OF_A_MOVING_LIST: Final = 5
TOO_MANY: Final = (
    f"an organization with more than {MOST_PAGES * PROJECTS_PER_PAGE:,} projects cannot be listed: move tenants "
    "to another organization, or make two fleets of them, each with an account of its own"
)


class Listing(Struct, frozen=True):
    """All projects of an organization. ``unavailable``: the ids of projects that Neon did not read in time."""

    projects: tuple[LiveProject, ...]
    unavailable: tuple[str, ...]
    cursors: Mapping[str, str] = {}
    """By project id: with which cursor its page was asked for. Empty for the first page."""


class ListPage(Struct, frozen=True):
    """One page of the list of an organization."""

    projects: tuple[LiveProject, ...]
    next_cursor: str
    """With which cursor the next page is asked for; empty after the last page."""
    asked_at: float
    """When the request that was answered was sent, by the loop's clock."""


class ProjectLists(Account):
    """The calls that find projects."""

    async def projects(
        self,
        organization: str,
        *,
        on_page: Callable[[int], None] | None = None,
        named: Container[str] | None = None,
        known: Container[str] = (),
    ) -> Listing:
        """Every project of an organization. Calls ``on_page`` after each page with the count so far.

        ``named`` keeps only projects with these names, and of them none whose id is ``known``: a large fleet is
        then never in memory as a whole.

        Neon does not document the order of the list. If a project is listed twice, the list has moved while it was
        read, and another project may be missing: the list is read again. Raises IncompleteViewError if it moves
        each time.
        """

        def searched(one: wire.ProjectAnswer) -> bool:
            return composed(one.name) in (named or ()) and one.id not in known

        wanted = None if named is None else searched
        found: dict[str, LiveProject] = {}
        shown = set[str]()
        cursors: dict[str, str] = {}
        unavailable: dict[str, None] = {}
        for _ in range(READINGS_OF_A_MOVING_LIST):
            moved, seen, cursor = False, set[str](), ""
            async for page in self._listed_pages(organization):
                ids = [one.id for one in page.projects]
                moved = moved or not seen.isdisjoint(ids)
                seen.update(ids)
                kept = {project.id: project for project in self._listed(page, organization, wanted)}
                found |= kept
                cursors.update(dict.fromkeys(kept, cursor))
                cursor = (page.pagination.cursor if page.pagination else None) or cursor
                unavailable.update(dict.fromkeys(page.unavailable_project_ids))
                if on_page is not None:
                    on_page(max(len(seen), len(shown)))
            shown = shown | seen if shown else seen
            if not moved:
                unread = tuple(id_ for id_ in unavailable if id_ not in shown)
                return Listing(tuple(found.values()), unread, cursors)
        raise IncompleteViewError(
            f"the list of the projects of organization {organization} changed each time it was read",
            hint="run again when fewer projects are changed",
        )

    async def page(self, organization: str, cursor: str) -> ListPage:
        """One page of the list of an organization: what comes after the cursor, which is empty for the first page.

        Shows that projects exist, and how they are. That one is missing shows nothing.
        """
        purpose = f"list projects of organization {organization}"
        query = {**self._list_query(organization), **({"cursor": cursor} if cursor else {})}
        sent: list[float] = []
        call = Call("GET", "/projects", purpose, query=query, on_sent=sent.append)
        page = await self._send(organization, call, wire.ProjectsPage)
        following = page.pagination.cursor if page.pagination else None
        return ListPage(tuple(self._listed(page, organization)), following or "", sent[-1])

    def _list_query(self, organization: str) -> dict[str, str | int | bool]:
        return {
            "org_id": self._organization(organization).id,
            "limit": PROJECTS_PER_PAGE,
            "timeout": LISTING_TIMEOUT_MILLISECONDS,
        }

    async def deleted_projects(self, organization: str) -> tuple[DeletedProject, ...]:
        """Every deleted project of an organization that can still be recovered.

        Raises IncompleteViewError if Neon does not return all of them.
        """
        found: dict[str, DeletedProject] = {}
        purpose = f"list the deleted projects of organization {organization}"
        async for page in self._pages(organization, purpose, recoverable=True):
            if page.unavailable_project_ids:
                raise IncompleteViewError(f"the API did not return all deleted projects of {organization}")
            self._check_organizations(page, organization)
            found.update({one.project.id: one for one in conversion.deleted_projects(page, organization)})
        return tuple(found.values())

    async def _listed_pages(self, organization: str) -> AsyncIterator[wire.ProjectsPage]:
        """Raises WrongOrganizationError if the key has no access to the organization."""
        try:
            async for page in self._pages(organization, f"list the projects of organization {organization}"):
                yield page
        except NotFoundError as error:
            access = self._organization(organization)
            raise WrongOrganizationError(
                f"{error}: the key in ${access.key.variable} has no access to organization {access.id}",
                hint=f"check that id and key of organization {organization} are not those of another organization",
            ) from error

    async def named(self, organization: str, name: str) -> tuple[LiveProject, ...]:
        """The projects with exactly this name."""
        return await self.searched(organization, Search(name, (name,)))

    async def searched(self, organization: str, search: Search) -> tuple[LiveProject, ...]:
        """The projects with exactly these names. Neon: names are not unique, and a search matches parts of names.

        Reads pages until one has a match and is not full. Reads every page if there is no match. Reads unavailable
        ids one by one, so an empty result means that there is no such project.
        """
        found: dict[str, LiveProject] = {}
        purpose = f"look for project {' or '.join(search.names)} in organization {organization}"
        async with aclosing(self._pages(organization, purpose, search=_in_any_form(search.text))) as pages:
            async for page in pages:
                read = [await self._project_if_any(organization, id_) for id_ in page.unavailable_project_ids]
                seen = [*self._listed(page, organization), *filter(None, read)]
                found.update({project.id: project for project in seen if project.name in search.names})
                if found and len(seen) < PROJECTS_PER_PAGE:
                    break
        return tuple(found.values())

    async def project(self, organization: str, project_id: str) -> LiveProject:
        """One project with all its settings."""
        call = Call("GET", PROJECT, f"read project {project_id}", {"project_id": project_id})
        answer = await self._send(organization, call, wire.OneProject)
        return self._live(answer.project, organization)

    async def _project_if_any(self, organization: str, project_id: str) -> LiveProject | None:
        try:
            return await self.project(organization, project_id)
        except NotFoundError:
            return None

    async def _pages(
        self, organization: str, purpose: str, *, search: str | None = None, recoverable: bool = False
    ) -> AsyncGenerator[wire.ProjectsPage, None]:
        """Pages until one is empty, has no cursor or repeats it. Neon: a page may be short after a timeout.

        An empty page with a cursor, or after a full page, may be an error. It is read again, or the next page is
        read; that page must be empty too. Raises IncompleteViewError if it is not, and for a list that does not
        end.
        """
        query = self._list_query(organization)
        if search is not None:
            query["search"] = search
        if recoverable:
            query["recoverable"] = True
        seen: set[str] = set()
        full, confirming = False, False
        while len(seen) < MOST_PAGES:
            page = await self._page(organization, Call("GET", "/projects", purpose, query=query))
            yield page
            cursor = page.pagination.cursor if page.pagination else None
            count = len(page.projects) + len(page.unavailable_project_ids)
            if confirming and count:
                raise gap_in_list(purpose)
            if confirming or (not count and not cursor and not full) or (count and not cursor) or cursor in seen:
                return
            full, confirming = count >= PROJECTS_PER_PAGE, not count
            if cursor:
                seen.add(cursor)
                query = {**query, "cursor": cursor}
        raise unending_list(purpose, hint=TOO_MANY)

    async def _page(self, organization: str, call: Call) -> wire.ProjectsPage:
        """One page. Raises UnreachableError after 404 if what answers at the address is not Neon's API."""
        try:
            return await self._send(organization, call, wire.ProjectsPage)
        except NotFoundError:
            from reconciler.neon.key_calls import KeyCalls  # noqa: PLC0415 - after this error only

            with suppress(AuthenticationError, PermissionDeniedError):
                await KeyCalls(self._transport, self._organization(organization).key).owner()
            raise


def _in_any_form(text: str) -> str:
    """A search text that matches both Unicode forms (NFC, NFD) of a name: its longest part in ASCII, if any."""
    return text if text.isascii() else max(_ASCII.findall(text), key=len, default=text)
