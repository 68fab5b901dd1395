"""A tombstone ends the project that the tenant had when it was written, and no later project."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.identity import Identities

CLOCKS_APART: Final = timedelta(minutes=1)
"""So far may the clock of whoever commits be behind Neon's."""
COMPARABLE: Final = timedelta(days=366)
"""Where the newest commit is further away from Neon's time, commits tell nothing about projects."""


@dataclass(frozen=True, slots=True)
class Tombstones:
    """When the files began to say of tenants that they are absent, as far as git tells."""

    written: Mapping[str, datetime] = field(default_factory=dict)
    """By tenant. One that is missing is being written now, or nobody knows."""
    newest: datetime | None = None
    """When the commit at hand was made."""


NOTHING_KNOWN: Final = Tombstones()


def unnamed(tenants: Iterable[Tenant], identities: Identities) -> Iterator[tuple[Tenant, LiveProject]]:
    """The tombstones that meet a live project, and do not name it."""
    for tenant in tenants:
        project = identities.projects.get(tenant.name)
        if tenant.absent and project is not None and tenant.project_id is None:
            yield tenant, project


def later_life(
    desired: DesiredState,
    live: LiveState,
    tombstones: Tombstones,
    tenant: Tenant,
    project: LiveProject,
    action: Action,
    now: datetime,
) -> Refusal | None:
    """Why the project is not the one that the tombstone was written for; None where it may be."""
    written = tombstones.written.get(tenant.name)
    if written is None or tenant.project_id is not None:
        return None
    if not (_is_younger(project, written, tombstones, now) or _is_ended(desired, live, tenant, project, written)):
        return None
    return Refusal(
        Rule.LATER_LIFE,
        (tenant.name,),
        f"project {project.id} was created on {project.created_at:%Y-%m-%d at %H:%M} UTC, and the tombstone was "
        f"written for an earlier one, on {written:%Y-%m-%d at %H:%M} UTC",
        f"state project_id: {project.id} beside state: absent to end this one, too; otherwise take the tombstone "
        "out of the files",
        (action,),
    )


def _is_younger(project: LiveProject, written: datetime, tombstones: Tombstones, now: datetime) -> bool:
    """By the clocks, where they can be compared at all."""
    newest = tombstones.newest
    comparable = newest is not None and abs(now - newest) < COMPARABLE
    return comparable and project.created_at > written + CLOCKS_APART


def _is_ended(
    desired: DesiredState, live: LiveState, tenant: Tenant, project: LiveProject, written: datetime
) -> bool:
    """Whether a project of the tenant was deleted since the tombstone was written, and this one came after it."""
    names = desired.project_names(tenant.name)
    ends = [deleted.deleted_at for deleted in live.recoverable if deleted.project.name in names]
    return any(end is not None and written <= end + CLOCKS_APART and end <= project.created_at for end in ends)
