"""One more look right before a snapshot gives way: whether the one that it makes room for is sure to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final

from reconciler.model.moments import rfc3339
from reconciler.neon.transport import CLOCKS_APART
from reconciler.plan.action import CreateBranch, CreateSnapshot, DeleteBranch, DeleteSnapshot
from reconciler.plan.concerns.times import expired, outside_window, unreadable
from reconciler.plan.order import Stage, stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.live.project import LiveBranch
    from reconciler.neon.client import Neon
    from reconciler.plan.action import Action

LONGEST_WAY: Final = timedelta(minutes=5)
"""How long the new one may take: its moment has to be there, and its expiry to be ahead, until then."""
COUNTED_WITHIN_SECONDS: Final = 300.0
"""How long what was deleted may be counted for (Neon: not documented); until then a refusal is no answer."""
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
OVER_THE_LIMIT: Final = 422
"""Neon's status for one more than a limit allows."""


def makes_room(action: Action) -> bool:
    """Whether it deletes something that Neon may go on to count for a while."""
    return isinstance(action, DeleteBranch | DeleteSnapshot)


def needs_room(action: Action) -> bool:
    """Whether a limit may hinder it."""
    return isinstance(action, CreateBranch | CreateSnapshot)


def successor(deletion: Action, later: Sequence[Action]) -> CreateSnapshot | CreateBranch | None:
    """What the deletion makes room for; None where it is no snapshot that gives way to another."""
    if stage(deletion) is not Stage.REPLACE_SNAPSHOT:
        return None
    coming = (action for action in later if stage(action) is Stage.CREATE_SNAPSHOT)
    return next((action for action in coming if isinstance(action, CreateSnapshot | CreateBranch)), None)


@dataclass(frozen=True, slots=True)
class Replacement:
    """A snapshot that is to give way, and the one that is to be taken then. Raises what the client raises."""

    neon: Neon
    leaving: Action
    coming: CreateSnapshot | CreateBranch
    address: Address
    now: datetime
    begun: datetime
    """When the tenant's turn began: what its own project was given since, the plan knows of."""

    async def doubt(self) -> str:
        """What speaks against it now, in words; empty where nothing does."""
        branches = await self.neon.branches(self.address.organization, self.address.project_id)
        found = next(chain(self._of_branches(branches), self._of_time()), "")
        found = found or await self._of_snapshots() or await self._of_history()
        return f"{self._name!r} is not sure to come: {found}" if found else ""

    @property
    def _name(self) -> str:
        return self.coming.snapshot if isinstance(self.coming, CreateSnapshot) else self.coming.branch

    def _of_branches(self, branches: Sequence[LiveBranch]) -> Iterator[str]:
        start = self.coming.branch if isinstance(self.coming, CreateSnapshot) else self.coming.parent
        source = next((b for b in branches if b.name == start and b.id == self.address.branches.get(start)), None)
        if source is None:
            yield f"branch {start!r}, which it starts from, is another one now"
            return
        if isinstance(self.coming, CreateSnapshot) and source.parent_id is not None:
            yield f"branch {start!r} has a parent, and Neon takes snapshots of root branches only"
        if source.expires_at is not None:
            yield f"branch {start!r} expires, and Neon gives such a branch no children"
        if self.coming.at is not None and (why := unreadable(self.coming.at, source)):
            yield why
        if isinstance(self.coming, CreateBranch) and any(branch.name == self._name for branch in branches):
            yield "a branch of its name is there already"
        if isinstance(self.leaving, DeleteBranch):
            yield from _renamed(self.leaving.branch, {b.id: b.name for b in branches}.get(self.leaving.branch_id))

    def _of_time(self) -> Iterator[str]:
        until = self.coming.expires_at
        if until is not None and expired(until, self.now + LONGEST_WAY):
            yield f"it is to expire at {rfc3339(until)}, in less than {LONGEST_WAY.seconds // 60} minutes"

    async def _of_snapshots(self) -> str:
        """Of those that Neon keeps as such."""
        if not isinstance(self.coming, CreateSnapshot):
            return ""
        snapshots = await self.neon.snapshots(self.address.organization, self.address.project_id)
        if any(snapshot.manual and snapshot.name == self._name for snapshot in snapshots):
            return "a snapshot of its name is there already"
        if not isinstance(self.leaving, DeleteSnapshot):
            return ""
        names = {snapshot.id: snapshot.name for snapshot in snapshots}
        return next(_renamed(self.leaving.snapshot, names.get(self.leaving.snapshot_id)), "")

    async def _of_history(self) -> str:
        """Of a moment that has passed: whether the window holds it, and has held it since.

        A window that was raised before the tenant's turn may show moments that it does not hold.
        """
        if self.coming.at is None:
            return ""
        project = await self.neon.project(self.address.organization, self.address.project_id)
        if why := outside_window(self.coming.at, project.restore_window_seconds, self.now + LONGEST_WAY):
            return why
        changed = await self.neon.restore_window_changed(
            self.address.organization,
            self.address.project_id,
            since=self.coming.at,
            until=self.begun - CLOCKS_APART,
        )
        if changed is None:
            return ""
        return f"the restore window was changed at {rfc3339(changed)}, and may not hold {rfc3339(self.coming.at)}"


def _renamed(name: str, live: str | None) -> Iterator[str]:
    """One that is gone takes nothing with it any more."""
    if live is not None and live != name:
        yield f"{name!r}, which would make room for it, is called {live!r} now"
