"""In which of two organizations projects are, read from live state when a transfer leaves it open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.neon.client import Neon

READ_SINGLY: Final = 40
"""Up to so many projects are read one by one; more, and listing both organizations takes fewer calls."""


async def whereabouts(neon: Neon, origin: str, destination: str, project_ids: Sequence[str]) -> dict[str, str]:
    """The organization of each project by its id; one that neither organization shows is absent."""
    found: dict[str, str] = {}
    doubtful = tuple(project_ids)
    if len(project_ids) > READ_SINGLY:
        found = await _listed(neon, origin, destination)
        doubtful = tuple(project_id for project_id in project_ids if project_id not in found)
    for project_id in doubtful:
        place = await _place(neon, (destination, origin), project_id)
        if place is not None:
            found[project_id] = place
    return {project_id: found[project_id] for project_id in project_ids if project_id in found}


async def _listed(neon: Neon, *organizations: str) -> dict[str, str]:
    """Where the lists show each project. One that both show is left out: it moved between two pages."""
    listings = await asyncio.gather(*(neon.projects(organization) for organization in organizations))
    places: dict[str, list[str]] = {}
    for organization, listing in zip(organizations, listings, strict=True):
        for project in listing.projects:
            places.setdefault(project.id, []).append(organization)
    return {project_id: where[0] for project_id, where in places.items() if len(where) == 1}


async def _place(neon: Neon, organizations: Sequence[str], project_id: str) -> str | None:
    for organization in organizations:
        try:
            return (await neon.project(organization, project_id)).organization
        except NotFoundError:
            continue
    return None
