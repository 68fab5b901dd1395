"""Checks right before a deletion: of a snapshot that makes room for another one, and of a duplicate project."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NotFoundError
from reconciler.model.moments import rfc3339
from reconciler.model.values import replace
from reconciler.plan import unused
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.concerns.times import expired, outside_window, unreadable
from reconciler.plan.contradictions import creation_order
from reconciler.plan.rivals import creating_run, ours
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.apply.run.run import Run
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.neon.client import Neon
    from reconciler.plan.action import Action
    from reconciler.plan.actions.project import DeleteDuplicate

CREATION_MARGIN: Final = timedelta(minutes=5)
"""How long the new snapshot may take: its point in time must be in the restore window, and it must not expire,
until then."""


FOLLOWING: Final = {Stage.REPLACE_SNAPSHOT: Stage.CREATE_SNAPSHOT, Stage.REPLACE_BEFORE: Stage.SNAPSHOT_BEFORE}
"""The stage of the snapshot that a deletion makes room for, by the stage of the deletion."""


def makes_room(action: Action) -> bool:
    """Whether the action deletes something that Neon may still count for a while."""
    return isinstance(action, DeleteBranch | DeleteSnapshot)


def needs_room(action: Action) -> bool:
    """Whether a limit of the project may refuse the action."""
    return isinstance(action, CreateBranch | CreateSnapshot)


def successor(deletion: Action, later: Sequence[Action]) -> CreateSnapshot | CreateBranch | None:
    """The creation for which the deletion makes room. None if it deletes no snapshot to make room."""
    following = FOLLOWING.get(deletion.stage)
    if following is None:
        return None
    creations = (action for action in later if action.stage is following)
    return next((action for action in creations if isinstance(action, CreateSnapshot | CreateBranch)), None)


def created_name(creation: CreateSnapshot | CreateBranch) -> str:
    """The name of what is created."""
    return creation.snapshot if isinstance(creation, CreateSnapshot) else creation.branch


class Replacement(Struct, frozen=True):
    """A snapshot to delete, and the snapshot to create after it. Raises what the client raises."""

    neon: Neon
    deletion: Action
    creation: CreateSnapshot | CreateBranch
    address: Address
    now: datetime
    own_operations: Collection[str]
    """Ids of the operations that the run has started. The plan accounts for what they change."""

    async def objection(self) -> str:
        """Why the new snapshot may not be created, apart from its point in time. Empty if nothing prevents it."""
        branches = await self.neon.branches(*self.address.project_key)
        found = next(chain(self._branch_objections(branches), self._expiry_objections()), "")
        return self._text(found or await self._snapshot_objection())

    async def history_objection(self) -> str:
        """Why Neon may hold no data of the point in time of the new snapshot. Empty if nothing indicates that."""
        return self._text(await self._history_objection())

    def _text(self, found: str) -> str:
        return f"{self._name!r} may not be created: {found}" if found else ""

    @property
    def _name(self) -> str:
        return created_name(self.creation)

    def _branch_objections(self, branches: Sequence[LiveBranch]) -> Iterator[str]:
        start = self.creation.branch if isinstance(self.creation, CreateSnapshot) else self.creation.parent
        source = next((b for b in branches if b.name == start and b.id == self.address.branches.get(start)), None)
        if source is None:
            yield f"its source branch {start!r} is now another branch"
            return
        if isinstance(self.creation, CreateSnapshot) and source.parent_id is not None:
            yield f"branch {start!r} has a parent, and Neon creates snapshots of root branches only"
        if source.expires_at is not None:
            yield f"branch {start!r} expires, and Neon allows no child branches of such a branch"
        if self.creation.at is not None and (why := unreadable(self.creation.at, source)):
            yield why
        if isinstance(self.creation, CreateBranch) and any(branch.name == self._name for branch in branches):
            yield "a branch of that name exists"
        if isinstance(self.deletion, DeleteBranch):
            yield from _renamed(
                self.deletion.branch, {b.id: b.name for b in branches}.get(self.deletion.branch_id)
            )

    def _expiry_objections(self) -> Iterator[str]:
        until = self.creation.expires_at
        if until is not None and expired(until, self.now + CREATION_MARGIN):
            yield f"it expires at {rfc3339(until)}, in less than {CREATION_MARGIN.seconds // 60} minutes"

    async def _snapshot_objection(self) -> str:
        """An objection from the snapshots of the Snapshots API."""
        if not isinstance(self.creation, CreateSnapshot):
            return ""
        snapshots = await self.neon.snapshots(*self.address.project_key)
        if any(snapshot.manual and snapshot.name == self._name for snapshot in snapshots):
            return "a snapshot of that name exists"
        if not isinstance(self.deletion, DeleteSnapshot):
            return ""
        names = {snapshot.id: snapshot.name for snapshot in snapshots}
        return next(_renamed(self.deletion.snapshot, names.get(self.deletion.snapshot_id)), "")

    async def _history_objection(self) -> str:
        """For a point in time in the past: whether the restore window contains it, and has always contained it.

        A window that somebody else has raised may not reach back as far as it states.
        """
        if self.creation.at is None:
            return ""
        project = await self.neon.project(*self.address.project_key)
        if why := outside_window(self.creation.at, project.restore_window_seconds, self.now + CREATION_MARGIN):
            return why
        changes = await self.neon.restore_window_changes(*self.address.project_key, since=self.creation.at)
        changed = next((change for change in changes if change.id not in self.own_operations), None)
        if changed is None:
            return ""
        moment, at = rfc3339(self.creation.at), rfc3339(changed.created_at or self.creation.at)
        return f"the restore window was changed at {at}, and may not contain {moment}"


def _renamed(name: str, live: str | None) -> Iterator[str]:
    """An objection where the thing to delete has another name now. One that no longer exists is no objection."""
    if live is not None and live != name:
        yield f"{name!r}, which would make room for it, is now named {live!r}"


async def duplicate_objection(run: Run, action: DeleteDuplicate, first: Address) -> str:
    """The part of the proof that is no longer true. Empty if all is true, or the duplicate no longer exists.

    ``first`` is the address of the tenant's own project. Raises what the client raises for a read.
    """
    try:
        second = await _read_whole(run.neon, action.organization, action.project_id)
    except NotFoundError:
        return ""  # the deletion reports that it no longer exists
    try:
        own = await run.neon.project(*first.project_key)
        own = replace(own, branches=await run.neon.branches(*first.project_key))
    except NotFoundError:
        return f"project {first.project_id}, which was created first, has been deleted since the plan was made"
    found = next(
        chain(_changes(action, own, second, run.fleet), unused.additions(second), unused.activity(second)), ""
    )
    if not found and run.now() < unused.counters_complete_at(second):
        found = "Neon's counters do not include it yet"
    return f"project {action.project_id} is no longer proven to be unused: {found}" if found else ""


def _changes(action: DeleteDuplicate, own: LiveProject, second: LiveProject, fleet: str) -> Iterator[str]:
    if own.id != action.first_id or not ours(own, fleet, action.tenant):
        yield f"project {own.id} is not the tenant's first project"
    if not ours(second, fleet, action.tenant) or creating_run(second) != action.run:
        yield "its annotations have changed"
    if creation_order(second) <= creation_order(own):
        yield f"it was created before {own.id}"
    if (second.name, second.organization) != (action.name, action.organization):
        yield f"it is now named {second.name!r} in {second.organization}"


async def _read_whole(neon: Neon, organization: str, project_id: str) -> LiveProject:
    project = await neon.project(organization, project_id)
    return replace(
        project,
        branches=await neon.branches(organization, project_id),
        endpoints=await neon.endpoints(organization, project_id),
        snapshots=await neon.snapshots(organization, project_id),
    )
