"""Routes: what a run knows about moves from one organization to another, and where projects are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from reconciler.errors import (
    ApiError,
    NotFoundError,
    PermissionDeniedError,
    TransferRefusedError,
    UnknownOutcomeError,
)
from reconciler.neon.pace import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.errors import ReconcilerError
    from reconciler.neon.client import Neon

READ_ONE_BY_ONE: Final = 40
"""Up to this number, projects are read one by one. For more, listing the organizations takes fewer calls."""
REFUSES_THE_CALL: Final = frozenset({401, 403, 429})
"""Statuses of refusals that are not about a single project."""


class Route(Struct):
    """A move from one organization to another. The units of a run that move along it share it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a unit moves: no other unit reduces anything before the first one knows whether that helps."""
    open: bool = False
    """Whether any tenant has moved."""
    proven: bool = False
    """Whether a tenant has moved after a reduction for the move."""
    keeps_quotas: bool = False
    """Whether a project that has moved was seen with the quota that it had before."""
    failure: ReconcilerError | None = None
    """Why the first tenants could not move. Once set, nothing is reduced for a move along the route."""

    def is_closed(self) -> bool:
        """Whether nothing is reduced for a move along the route any more."""
        return self.failure is not None

    def is_known(self) -> bool:
        """Whether it is known that a reduction helps, or that it does not."""
        return self.proven or self.is_closed()


def closes_route(refusal: ReconcilerError) -> bool:
    """Whether other tenants would get the same refusal: for the whole call, or for a limit of the destination."""
    of_limit = isinstance(refusal, TransferRefusedError) and bool(refusal.limits)
    return refuses_everyone(refusal) or of_limit


def refuses_everyone(refusal: ReconcilerError) -> bool:
    """Whether the call is refused whatever projects it names. A lost answer says nothing about that."""
    return not refuses_projects(refusal) and not isinstance(refusal, UnknownOutcomeError)


def refuses_projects(refusal: ReconcilerError) -> bool:
    """Whether the refusal may be about one project of the call."""
    return isinstance(refusal, ApiError) and 400 <= refusal.status < 500 and refusal.status not in REFUSES_THE_CALL


async def locate(neon: Neon, organizations: Sequence[str], project_ids: Sequence[str]) -> dict[str, str]:
    """The organization of each project, by project id. A project that no organization shows is absent.

    ``organizations`` starts with the most likely one.
    """
    listed = await _listed(neon, organizations) if len(project_ids) > READ_ONE_BY_ONE else {}

    async def find(project_id: str) -> str | None:
        return listed.get(project_id) or await _read(neon, organizations, project_id)

    found = zip(project_ids, await each(project_ids, find), strict=True)
    return {project_id: organization for project_id, organization in found if organization is not None}


async def _listed(neon: Neon, organizations: Sequence[str]) -> dict[str, str]:
    """The organization whose list shows each project. Omits projects in two lists: they moved meanwhile."""
    found: dict[str, list[str]] = {}
    for organization, listing in zip(organizations, await each(organizations, neon.projects), strict=True):
        for project in listing.projects:
            found.setdefault(project.id, []).append(organization)
    return {project_id: seen[0] for project_id, seen in found.items() if len(seen) == 1}


async def _read(neon: Neon, organizations: Sequence[str], project_id: str) -> str | None:
    for organization in organizations:
        try:
            return (await neon.project(organization, project_id)).organization
        except (NotFoundError, PermissionDeniedError):
            continue
    return None
