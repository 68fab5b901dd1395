"""Errors of calls to a project that has left its organization since the plan was made.

Neon does not document whether a key gets 403 or 404 for a project of another organization. If somebody moves a
project while a run works on it, the error is about that tenant, and not about the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import (
    ApiError,
    ForeignProjectError,
    MovedProjectError,
    NotFoundError,
    PermissionDeniedError,
    ReconcilerError,
)
from reconciler.live.project import LiveProject
from reconciler.neon.project_reader import ProjectReader
from reconciler.plan.late_turn import RUN_AGAIN

if TYPE_CHECKING:
    from reconciler.apply.address import Address
    from reconciler.apply.run.run import Run

OUT_OF_REACH = (ForeignProjectError, NotFoundError, PermissionDeniedError)


async def explained(run: Run, error: ReconcilerError, address: Address) -> ReconcilerError:
    """MovedProjectError if the project at this address is no longer in its organization; else ``error`` itself.

    Reads the project in each organization of the fleet. If no key finds it, a search in its organization shows
    whether the key has access to the other projects.
    """
    if not isinstance(error, OUT_OF_REACH):
        return error
    reader = ProjectReader(run.neon, tuple(run.organizations))
    try:
        seen = await reader.read(address.project_id, first=address.organization)
        if isinstance(seen, LiveProject):
            place = seen.organization
        else:
            place = reader.elsewhere.get(address.project_id, "")
            await run.neon.named(address.organization, address.name)
    except ReconcilerError:
        return error
    unread = reader.unread.get(address.project_id)
    if place == address.organization or not (unread is None or isinstance(unread, PermissionDeniedError)):
        return error
    moved = MovedProjectError(_text(address, place, error), hint=RUN_AGAIN)
    moved.request_id = error.request_id if isinstance(error, ApiError) else None
    return moved


def _text(address: Address, place: str, error: ReconcilerError) -> str:
    project, organization = f"project {address.project_id}", address.organization
    if not place and address.project is not None and address.project.organization != organization:
        moved = f"the run has transferred it to organization {organization}, whose key does not see it yet"
        return f"{project}: {moved} ({error})"
    where = f"it is in {place} now" if place else "no key of the fleet has access to it"
    return f"{project} is no longer in organization {organization}: {where} ({error})"
