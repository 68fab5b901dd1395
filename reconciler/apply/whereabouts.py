"""In which organizations projects are, read from live state when a transfer leaves it open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFoundError
from reconciler.neon.pace import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.neon.client import Neon

READ_SINGLY: Final = 40
"""Up to so many projects are read one by one; more, and listing the organizations takes fewer calls."""


async def whereabouts(neon: Neon, organizations: Sequence[str], project_ids: Sequence[str]) -> dict[str, str]:
    """The organization of each project by its id; one that none of them shows is absent.

    ``organizations`` begins with the likeliest.
    """
    listed = await _listed(neon, organizations) if len(project_ids) > READ_SINGLY else {}

    async def place(project_id: str) -> str | None:
        return listed.get(project_id) or await _read(neon, organizations, project_id)

    places = zip(project_ids, await each(project_ids, place), strict=True)
    return {project_id: organization for project_id, organization in places if organization is not None}


async def _listed(neon: Neon, organizations: Sequence[str]) -> dict[str, str]:
    """Where the lists show each project. One that several show is left out: it moved between two pages."""
    places: dict[str, list[str]] = {}
    for organization, listing in zip(organizations, await each(organizations, neon.projects), strict=True):
        for project in listing.projects:
            places.setdefault(project.id, []).append(organization)
    return {project_id: seen[0] for project_id, seen in places.items() if len(seen) == 1}


async def _read(neon: Neon, organizations: Sequence[str], project_id: str) -> str | None:
    for organization in organizations:
        try:
            return (await neon.project(organization, project_id)).organization
        except NotFoundError:
            continue
    return None
