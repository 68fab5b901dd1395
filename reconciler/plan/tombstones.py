"""A tombstone ends the project that the tenant had when it was written, and no later project."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.plan import Conflict, Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities

CLOCKS_APART: Final = timedelta(minutes=1)
"""Maximum difference between a committer's clock and Neon's."""
COMPARABLE: Final = timedelta(days=366)
"""If the newest commit is further from Neon's time than this, commit times prove nothing."""


class Tombstones(Struct, frozen=True):
    """When the files began to declare tenants as absent, according to git."""

    written: Mapping[str, datetime] = {}
    """By tenant. Missing if it is being written now, or unknown."""
    newest: datetime | None = None
    """Time of the current commit."""
    uncovered: Mapping[str, str] = {}
    """By tenant that no commit declared absent: the file that denied the tombstone until it was removed."""


NOTHING_KNOWN: Final = Tombstones()


def unnamed(tenants: Iterable[Tenant], identities: Identities) -> Iterator[tuple[Tenant, LiveProject]]:
    """Yield tombstones without project_id whose tenant has a live project."""
    matched = identities.matched(tenants)
    return ((tenant, project) for tenant, project in matched if tenant.absent and tenant.project_id is None)


def later_project_refusal(
    desired: DesiredState,
    live: LiveState,
    tombstones: Tombstones,
    tenant: Tenant,
    project: LiveProject,
    action: Action,
    now: datetime,
    *,
    committed: bool,
) -> Refusal | None:
    """Return a refusal if the project is not the one that the tombstone was written for, or if nobody can tell.

    A deletion before the date of its tombstone would make the next project of the tenant look like the one that
    the tombstone means. ``committed``: whether a commit is to ask for the deletion; a document has no date.
    """
    written = tombstones.written.get(tenant.name)
    if tenant.project_id is not None or (written is None and not committed):
        return None
    if (file := tombstones.uncovered.get(tenant.name)) is not None:
        found: tuple[str, str] | None = _uncovered(project, file)
    elif written is None:
        found = _undated(desired, live, tenant, project)
    else:
        newest = tombstones.newest
        comparable = newest is not None and abs(now - newest) < COMPARABLE
        if comparable and written > now + CLOCKS_APART:
            found = _dated_in_the_future(project, written)
        else:
            later = comparable and project.created_at > written + CLOCKS_APART
            later = later or _is_ended(desired, live, tenant, project, written)
            found = _written_earlier(project, written) if later else None
    return found and Refusal(Rule.LATER_LIFE, (tenant.name,), *found, (action,))


def _uncovered(project: LiveProject, file: str) -> tuple[str, str]:
    message = f"{file} denied the tombstone until it was removed, and a missing file deletes nothing"
    remedy = f"add project_id: {project.id} to the tombstone to delete this project; otherwise restore the file"
    return message, remedy


def _undated(
    desired: DesiredState, live: LiveState, tenant: Tenant, project: LiveProject
) -> tuple[str, str] | None:
    """Return message and remedy where an earlier project has ended, and the tombstone has no date."""
    ends = _earlier_ends(desired, live, tenant, project)
    if not ends:
        return None
    message = (
        f"project {project.id} was created after an earlier one of the tenant was deleted, on "
        f"{max(ends):%Y-%m-%d at %H:%M} UTC, and no commit shows for which of them the tombstone was written"
    )
    remedy = (
        f"add project_id: {project.id} to the tombstone to delete this project; otherwise remove the tombstone"
    )
    return message, remedy


def _dated_in_the_future(project: LiveProject, written: datetime) -> tuple[str, str]:
    date = f"{written:%Y-%m-%d at %H:%M:%S} UTC"
    message = f"the tombstone is dated {date}, in the future: which project it was written for is not known"
    remedy = (
        f"add project_id: {project.id} to the tombstone; or let a commit follow whose date is right: the "
        "tombstone is at least as old"
    )
    return message, remedy


def _written_earlier(project: LiveProject, written: datetime) -> tuple[str, str]:
    message = (
        f"project {project.id} was created on {project.created_at:%Y-%m-%d at %H:%M} UTC, but the tombstone "
        f"was written for an earlier one, on {written:%Y-%m-%d at %H:%M} UTC"
    )
    remedy = (
        f"add project_id: {project.id} to the tombstone to delete this project too; otherwise remove the tombstone"
    )
    return message, remedy


def behind_documents(
    history: History, tenants: Iterable[Tenant], identities: Identities
) -> Iterator[tuple[Tenant, LiveProject, Tenant]]:
    """Yield the tenants that a document declares and whose file is a tombstone, with their live projects."""
    files = history.files
    if files is None or not history.documents:
        return
    declared = (tenant for tenant in tenants if tenant.name in history.documents and not tenant.absent)
    for tenant, project in identities.matched(declared):
        file = files.tenants.get(tenant.name)
        if file is not None and file.absent:
            yield tenant, project, file


def ending(
    desired: DesiredState,
    live: LiveState,
    history: History,
    tombstones: Tombstones,
    tenants: Iterable[Tenant],
    identities: Identities,
) -> dict[str, Conflict]:
    """Return the conflicts of documents about projects that the next apply deletes, by tenant.

    Whoever signs up under the name gets none of the data that is to be deleted, and no project that goes with it.
    """
    return {
        tenant.name: Conflict.about(
            tenant,
            f"{file.location} says state: absent: the next apply deletes project {project.id}",
            "remove the tombstone if it is the same customer; otherwise apply it first",
        )
        for tenant, project, file in behind_documents(history, tenants, identities)
        if _ends(desired, live, tombstones, file, project)
    }


def _ends(
    desired: DesiredState, live: LiveState, tombstones: Tombstones, file: Tenant, project: LiveProject
) -> bool:
    """Whether the tombstone is known to mean this project. Commit times that prove nothing tell of none."""
    if file.project_id is not None:
        return file.project_id == project.id
    written = tombstones.written.get(file.name)
    if written is None or file.name in tombstones.uncovered or project.created_at > written + CLOCKS_APART:
        return False
    return not _is_ended(desired, live, file, project, written)


def _is_ended(
    desired: DesiredState, live: LiveState, tenant: Tenant, project: LiveProject, written: datetime
) -> bool:
    """Whether a project of the tenant was deleted after the tombstone was written, before this one was created."""
    return any(written <= end + CLOCKS_APART for end in _earlier_ends(desired, live, tenant, project))


def _earlier_ends(desired: DesiredState, live: LiveState, tenant: Tenant, project: LiveProject) -> list[datetime]:
    """When projects of the tenant that can be recovered were deleted, before this one was created."""
    names = desired.project_names(tenant.name)
    ends = (deleted.deleted_at for deleted in live.recoverable if deleted.project.name in names)
    return [end for end in ends if end is not None and end <= project.created_at]
