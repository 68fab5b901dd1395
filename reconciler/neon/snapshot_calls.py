"""The calls for snapshots of a project (Neon: beta), and for changes of its restore window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFoundError
from reconciler.neon import bodies, wire
from reconciler.neon.account import Account
from reconciler.neon.call import BRANCH, MOST_PAGES, PROJECT, Call, unending_list

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from reconciler.live.project import LiveSnapshot
    from reconciler.neon.operations import Operation


WINDOW_CHANGES: Final = "apply_storage_config"
"""The operation that a change of the restore window starts (Neon: manage/operations)."""
OPERATIONS_PER_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class CreatedSnapshot:
    """The result of POST /projects/{id}/branches/{id}/snapshot."""

    snapshot: LiveSnapshot
    operations: tuple[Operation, ...]


class SnapshotCalls(Account):
    """List, create and delete snapshots; find the last change of the restore window."""

    async def restore_window_changed(
        self, organization: str, project_id: str, *, since: datetime, excluding: Collection[str]
    ) -> datetime | None:
        """The time of the last change of a project's restore window after ``since``. None if there was no change.

        ``excluding`` are ids of operations that do not count. Neon keeps operations for six months, lists the
        newest first, and limits the window to 30 days. An operation without a time counts as started at ``since``.
        Raises IncompleteViewError.
        """
        purpose = f"read the operations of project {project_id}"
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            query = {"limit": OPERATIONS_PER_PAGE} | ({} if cursor is None else {"cursor": cursor})
            call = Call("GET", f"{PROJECT}/operations", purpose, {"project_id": project_id}, query)
            page = await self._send(organization, call, wire.OperationsPage)
            for operation in page.operations:
                begun = since if operation.created_at is None else operation.created_at
                if begun < since:
                    return None
                if operation.action == WINDOW_CHANGES and operation.id not in excluding:
                    return begun
            following = page.pagination.cursor if page.pagination else None
            if not page.operations or following in (None, cursor):
                return None
            cursor = following
        raise unending_list(purpose)

    async def snapshots(self, organization: str, project_id: str) -> tuple[LiveSnapshot, ...]:
        """Every snapshot of a project, oldest first, in one call (Neon: this list has no pages and no order)."""
        purpose = f"read the snapshots of project {project_id}"
        call = Call("GET", f"{PROJECT}/snapshots", purpose, {"project_id": project_id})
        answer = await self._send(organization, call, wire.Snapshots)
        found = map(wire.live_snapshot, answer.snapshots)
        return tuple(sorted(found, key=lambda snapshot: (snapshot.created_at, snapshot.id)))

    async def create_snapshot(
        self,
        organization: str,
        project_id: str,
        branch_id: str,
        *,
        name: str,
        at: datetime | None,
        expires_at: datetime | None,
        request_id: str | None = None,
    ) -> CreatedSnapshot:
        """Create a snapshot of the current state of a root branch, or of its state ``at`` a time in its history.

        Raises UnknownOutcomeError if the snapshot may exist. Names are not unique (Neon), so a second call may
        create two.
        """
        call = Call(
            "POST",
            f"{BRANCH}/snapshot",
            f"create snapshot {name} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id},
            bodies.new_snapshot_query(name=name, at=at, expires_at=expires_at),
        )
        answer = await self._send(organization, call, wire.NewSnapshot, request_id)
        return CreatedSnapshot(wire.live_snapshot(answer.snapshot), tuple(answer.operations))

    async def delete_snapshot(
        self, organization: str, project_id: str, snapshot_id: str, *, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Delete a snapshot, which is permanent (Neon). One that no longer exists counts as deleted."""
        call = Call(
            "DELETE",
            f"{PROJECT}/snapshots/{{snapshot_id}}",
            f"delete snapshot {snapshot_id} of project {project_id}",
            {"project_id": project_id, "snapshot_id": snapshot_id},
        )
        try:
            return tuple((await self._send(organization, call, wire.Started, request_id)).operations)
        except NotFoundError:
            return ()
