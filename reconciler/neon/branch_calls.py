"""The calls about branches of a project, their snapshots (Neon: beta), and the operations that changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NotFoundError
from reconciler.neon import bodies, conversion, wire
from reconciler.neon.account import Account
from reconciler.neon.call import BRANCH, MOST_PAGES, PROJECT, Call, unending_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveSnapshot
    from reconciler.model.compute import Compute
    from reconciler.neon.operations import Operation

BRANCHES_PER_PAGE: Final = 10_000
"""Neon: the maximum. No project may have more branches."""
WINDOW_CHANGES: Final = "apply_storage_config"
"""The operation that a change of the restore window starts (Neon: manage/operations)."""
DELETIONS: Final = "delete_timeline"
"""The operation that the deletion of a branch or a snapshot starts (Neon: manage/operations)."""
OPERATIONS_PER_PAGE: Final = 1_000


class CreatedBranch(Struct, frozen=True):
    """The result of POST /projects/{id}/branches: a branch, with the requested compute."""

    branch: LiveBranch
    endpoint_id: str | None
    operations: tuple[Operation, ...]


class PatchedBranch(Struct, frozen=True):
    """The branch after a patch. The response does not contain its annotations."""

    branch: LiveBranch
    operations: tuple[Operation, ...]


class CreatedSnapshot(Struct, frozen=True):
    """The result of POST /projects/{id}/branches/{id}/snapshot."""

    snapshot: LiveSnapshot
    operations: tuple[Operation, ...]


class BranchCalls(Account):
    """Read, create, patch and delete branches and snapshots; find changes of the restore window."""

    async def branches(self, organization: str, project_id: str) -> tuple[LiveBranch, ...]:
        """Every branch of a project with its annotations, oldest first.

        Raises IncompleteViewError if the list does not end.
        """
        found: dict[str, LiveBranch] = {}
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._send(organization, _branches_call(project_id, cursor), wire.BranchesPage)
            found.update({branch.id: branch for branch in conversion.live_branches(page)})
            last, cursor = cursor, page.pagination.next if page.pagination else None
            # Neon: `next` comes even with the last page; no project has more branches than one page holds.
            if len(page.branches) < BRANCHES_PER_PAGE or cursor in (None, last):
                return tuple(found.values())
        raise unending_list(f"read the branches of project {project_id}")

    async def create_branch(
        self,
        organization: str,
        project_id: str,
        *,
        name: str,
        parent_id: str,
        at: datetime | None,
        expires_at: datetime | None,
        schema_only: bool,
        protected: bool = False,
        with_compute: bool,
        compute: Compute | None,
        annotations: Mapping[str, str],
        request_id: str | None = None,
    ) -> CreatedBranch:
        """Create a branch from the current state of the parent, or from its state ``at`` a time in its history.

        Raises ConflictError if the name exists (Neon: names are unique in a project).
        """
        body = bodies.new_branch_body(
            name=name,
            parent_id=parent_id,
            at=at,
            expires_at=expires_at,
            schema_only=schema_only,
            protected=protected,
            endpoints=[bodies.new_endpoint(compute)] if with_compute else [],
            annotations=annotations,
        )
        purpose = f"create branch {name} of project {project_id}"
        call = Call("POST", f"{PROJECT}/branches", purpose, {"project_id": project_id}, body=body)
        answer = await self._send(organization, call, wire.NewBranch, request_id)
        writable = (endpoint.id for endpoint in answer.endpoints if endpoint.type == "read_write")
        return CreatedBranch(
            branch=conversion.live_branch(answer.branch, dict(annotations)),
            endpoint_id=next(writable, None),
            operations=tuple(answer.operations),
        )

    async def update_branch(
        self,
        organization: str,
        project_id: str,
        branch_id: str,
        *,
        name: str | None = None,
        expires_at: datetime | None = None,
        removes_expiry: bool = False,
        protected: bool | None = None,
        request_id: str | None = None,
    ) -> PatchedBranch:
        """Change the name, expiry or protection of a branch. None changes nothing. ``removes_expiry`` removes the
        expiry.
        """
        call = Call(
            "PATCH",
            BRANCH,
            f"patch branch {branch_id} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id},
            body=bodies.branch_body(
                name=name, expires_at=expires_at, expires_no_more=removes_expiry, protected=protected
            ),
        )
        answer = await self._send(organization, call, wire.OneBranch, request_id)
        return PatchedBranch(conversion.live_branch(answer.branch, {}), tuple(answer.operations))

    async def reset_branch(
        self,
        organization: str,
        project_id: str,
        branch_id: str,
        *,
        parent_id: str,
        request_id: str | None = None,
    ) -> PatchedBranch:
        """Give a branch the current data of its parent. Its own data is lost; id, name and computes stay.

        Neon: restoring a branch from its parent, without a point in time, is a reset.
        """
        call = Call(
            "POST",
            f"{BRANCH}/restore",
            f"reset branch {branch_id} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id},
            body={"source_branch_id": parent_id},
        )
        answer = await self._send(organization, call, wire.OneBranch, request_id)
        return PatchedBranch(conversion.live_branch(answer.branch, {}), tuple(answer.operations))

    async def delete_branch(
        self, organization: str, project_id: str, branch_id: str, *, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Delete a branch with its computes. A branch that no longer exists counts as deleted."""
        ids = {"project_id": project_id, "branch_id": branch_id}
        call = Call("DELETE", BRANCH, f"delete branch {branch_id} of project {project_id}", ids)
        try:
            return tuple((await self._send(organization, call, wire.Started, request_id)).operations)
        except NotFoundError:
            return ()

    async def restore_window_changes(
        self, organization: str, project_id: str, *, since: datetime
    ) -> tuple[Operation, ...]:
        """The operations after ``since`` that changed a project's restore window, newest first.

        Neon keeps operations for six months, and limits the window to 30 days. Raises IncompleteViewError.
        """
        return await self._operations_since(organization, project_id, WINDOW_CHANGES, since)

    async def deletions(self, organization: str, project_id: str, *, since: datetime) -> tuple[Operation, ...]:
        """The operations after ``since`` that deleted a branch or a snapshot of a project, newest first.

        Raises IncompleteViewError.
        """
        return await self._operations_since(organization, project_id, DELETIONS, since)

    async def operations_since(
        self, organization: str, project_id: str, *, since: datetime
    ) -> tuple[Operation, ...]:
        """All operations of a project after ``since``, newest first. Raises IncompleteViewError."""
        return await self._operations_since(organization, project_id, None, since)

    async def _operations_since(
        self, organization: str, project_id: str, action: str | None, since: datetime
    ) -> tuple[Operation, ...]:
        """The operations of one kind; None for all. Neon lists the newest first; one without a time counts."""
        purpose = f"read the operations of project {project_id}"
        cursor: str | None = None
        found: list[Operation] = []
        for _ in range(MOST_PAGES):
            query = {"limit": OPERATIONS_PER_PAGE} | ({} if cursor is None else {"cursor": cursor})
            call = Call("GET", f"{PROJECT}/operations", purpose, {"project_id": project_id}, query)
            page = await self._send(organization, call, wire.OperationsPage)
            for operation in page.operations:
                if operation.created_at is not None and operation.created_at < since:
                    return tuple(found)
                if action in (None, operation.action):
                    found.append(operation)
            following = page.pagination.cursor if page.pagination else None
            if not page.operations or following in (None, cursor):
                return tuple(found)
            cursor = following
        raise unending_list(purpose)

    async def snapshots(self, organization: str, project_id: str) -> tuple[LiveSnapshot, ...]:
        """Every snapshot of a project, oldest first, in one call (Neon: this list has no pages and no order)."""
        purpose = f"read the snapshots of project {project_id}"
        call = Call("GET", f"{PROJECT}/snapshots", purpose, {"project_id": project_id})
        answer = await self._send(organization, call, wire.Snapshots)
        found = map(conversion.live_snapshot, answer.snapshots)
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
        return CreatedSnapshot(conversion.live_snapshot(answer.snapshot), tuple(answer.operations))

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


def _branches_call(project_id: str, cursor: str | None) -> Call:
    """Sorted by creation. In Neon's default order, by latest change, a branch could move between two pages."""
    query: dict[str, str | int | bool] = {
        "limit": BRANCHES_PER_PAGE,
        "sort_by": "created_at",
        "sort_order": "asc",
    }
    if cursor is not None:
        query["cursor"] = cursor
    purpose = f"read the branches of project {project_id}"
    return Call("GET", f"{PROJECT}/branches", purpose, {"project_id": project_id}, query)
