"""The moments that a tenant can be restored to: the restore window, snapshots, branches that restores kept."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from reconciler.model.annotations import Purpose
from reconciler.model.moments import rfc3339
from reconciler.plan.concerns.times import expired
from reconciler.plan.kept_branches import is_kept
from reconciler.plan.ownership import declared_name
from reconciler.plan.previews import previews
from reconciler.plan.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.timeline import Stretch


Kind: TypeAlias = Literal["window", "old_branch", "snapshot", "preview"]
Holder: TypeAlias = Literal["default", "branch", "old_branch", "snapshot", "preview"]


class ReturnPoint(Struct, frozen=True, kw_only=True):
    """A moment or a span of time that the default branch can be restored to."""

    kind: Kind
    name: str
    """The name of the branch or snapshot."""
    id: str
    """Its id."""
    since: datetime | None
    """The first moment that can be restored; None if that is not known."""
    until: datetime | None
    """The last moment; None for now, and for a branch that does not state it."""
    restore: str | None
    """The flags of ``reconciler restore`` for the end of it, quoted for a shell; None if none exist."""
    size_bytes: int | None = None
    """The logical size of a branch."""
    expires_at: datetime | None = None


class StoredBranch(Struct, frozen=True, kw_only=True):
    """A branch and the size of its data."""

    name: str
    id: str
    kind: Holder
    size_bytes: int | None
    """The logical size: data that a branch shares with its parent counts in both. None if Neon does not say it."""
    created_at: datetime


class Storage(Struct, frozen=True, kw_only=True):
    """The storage of a project."""

    total_bytes: int | None
    """All branches together, as stored, including the history in the restore window, without snapshots."""
    branches: tuple[StoredBranch, ...]
    """The largest first."""
    snapshots: int
    """Their number. Neon does not state their sizes."""


class ReturnPoints(Struct, frozen=True, kw_only=True):
    """The moments that a tenant can be restored to, newest first."""

    fleet: str
    tenant: str
    project_id: str
    organization: str
    branch: str
    """The name of the default branch."""
    branch_id: str
    restored_at: datetime | None
    """When it was last restored or reset; None if that is not known to have happened."""
    at: datetime
    """The time of this list."""
    points: tuple[ReturnPoint, ...]
    storage: Storage


def return_points(fleet: str, tenant: str, project: LiveProject, now: datetime) -> ReturnPoints:
    """Return the moments of an observed project. Raises ValueError if it shows no default branch."""
    default = project.default_branch
    if default is None:
        raise ValueError(f"project {project.id} shows no default branch")
    found = [*_stretches(project, now), *_snapshots(project, fleet, now), *_previews(project, fleet, now)]
    found.sort(key=lambda point: (point.until or now, point.name), reverse=True)
    return ReturnPoints(
        fleet=fleet,
        tenant=tenant,
        project_id=project.id,
        organization=project.organization,
        branch=default.name,
        branch_id=default.id,
        restored_at=default.reset_at or (default.created_at if default.restored else None),
        at=now,
        points=tuple(found),
        storage=_storage(project, found),
    )


def _storage(project: LiveProject, points: Sequence[ReturnPoint]) -> Storage:
    kinds = {point.id: point.kind for point in points}
    stored = [
        StoredBranch(
            name=branch.name,
            id=branch.id,
            kind=_kind(branch, kinds.get(branch.id)),
            size_bytes=branch.logical_size_bytes,
            created_at=branch.created_at,
        )
        for branch in project.branches or ()
    ]
    stored.sort(key=lambda branch: (-(branch.size_bytes or 0), branch.name))
    return Storage(
        total_bytes=project.storage_bytes, branches=tuple(stored), snapshots=len(project.snapshots or ())
    )


def _kind(branch: LiveBranch, point: Kind | None) -> Holder:
    if branch.default:
        return "default"
    return "branch" if point is None or point == "window" else point


def _stretches(project: LiveProject, now: datetime) -> Iterator[ReturnPoint]:
    stretches = Timeline.of(project, now).stretches
    for stretch in stretches:
        last = stretch.last
        yield _point(
            "window" if last is None else "old_branch",
            stretch.branch,
            since=min(stretch.since, last or now),
            until=last,
            restore=_flags(stretch, now),
        )
    known = {stretch.branch.id for stretch in stretches}
    for branch in project.branches or ():
        if is_kept(branch) and branch.id not in known:
            yield _point("old_branch", branch, restore=None)


def _flags(stretch: Stretch, now: datetime) -> str | None:
    """Neon: a default branch that was made of a snapshot has no earlier moments."""
    if stretch.last is not None:
        return f"--to {rfc3339(stretch.last)}"
    return "--to MOMENT" if stretch.since < now else None


def _snapshots(project: LiveProject, fleet: str, now: datetime) -> Iterator[ReturnPoint]:
    names = [snapshot.name for snapshot in project.snapshots or ()]
    for snapshot in project.snapshots or ():
        if not expired(snapshot.expires_at, now):
            name_or_id = snapshot.name if names.count(snapshot.name) == 1 else snapshot.id
            yield ReturnPoint(
                kind="snapshot",
                name=snapshot.name,
                id=snapshot.id,
                since=snapshot.created_at,
                until=snapshot.created_at,
                restore=f"--snapshot {quote(name_or_id)}",
                expires_at=snapshot.expires_at,
            )
    for branch in project.branches or ():
        name = declared_name(branch, fleet, Purpose.SNAPSHOT)
        if name is not None and not branch.default and not expired(branch.expires_at, now):
            made = branch.created_at
            restore = f"--snapshot {quote(name)}" if branch.expires_at is None else None
            yield _point("snapshot", branch, since=made, until=made, restore=restore)


def _previews(project: LiveProject, fleet: str, now: datetime) -> Iterator[ReturnPoint]:
    for branch in previews(project, fleet, now):
        yield _point("preview", branch, restore="--finalize")


def _point(
    kind: Kind,
    branch: LiveBranch,
    *,
    restore: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> ReturnPoint:
    return ReturnPoint(
        kind=kind,
        name=branch.name,
        id=branch.id,
        since=since,
        until=until,
        restore=restore,
        size_bytes=branch.logical_size_bytes,
        expires_at=branch.expires_at,
    )
