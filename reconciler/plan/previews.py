"""Previews: branches that ``restore --preview`` makes of an earlier state, until a person ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import Purpose
from reconciler.plan.concerns.times import expired
from reconciler.plan.ownership import declared_name
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.identity import Identities

PREVIEW_LIFETIME: Final = timedelta(days=1)
"""When a preview of a moment expires. Neon: the preview of a snapshot cannot, because it may replace a branch."""
_NAME: Final = "preview of "


def preview_name(state: str) -> str:
    """Return its name: ``preview of 2026-11-23T09:00:00Z``, ``preview of snapshot v1``."""
    return f"{_NAME}{state}"


def preview_of(branch: LiveBranch, fleet: str) -> str:
    """Return the name under which the preview was made: a person may have renamed it."""
    return declared_name(branch, fleet, Purpose.PREVIEW) or branch.name


def state_of(branch: LiveBranch, fleet: str) -> str:
    """Return the state that it is a preview of, in the words of its name."""
    return preview_of(branch, fleet).removeprefix(_NAME)


def previews(project: LiveProject, fleet: str, now: datetime) -> Iterator[LiveBranch]:
    """Yield the previews of a project that have not expired: ours, and restores that are not finalized.

    Neon: the branch of a restored snapshot cannot have annotations, but says that its restore is not finalized.
    """
    for branch in project.branches or ():
        unfinished = branch.restore is not None and not branch.restore.finalized
        ours = declared_name(branch, fleet, Purpose.PREVIEW) is not None
        if (unfinished or ours) and not branch.default and not expired(branch.expires_at, now):
            yield branch


def notes(fleet: str, tenants: Iterable[Tenant], identities: Identities, now: datetime) -> Iterator[Note]:
    """Yield a note for each preview: no file declares it, and no plan deletes it."""
    for tenant, project in identities.matched(tenants):
        for branch in previews(project, fleet, now):
            ends = f"`reconciler restore {tenant.name} --finalize` or `--discard` ends it"
            yield Note.about(tenant, f"branch {branch.name!r} is a preview of an earlier state: {ends}")
