"""The calls that bring an earlier state back: of a branch, and from a snapshot (Neon: beta)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.neon import bodies, conversion, wire
from reconciler.neon.branch_calls import BranchCalls, PatchedBranch
from reconciler.neon.call import BRANCH, PROJECT, Call

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.neon.operations import Operation


class RestoreCalls(BranchCalls):
    """Restore a branch to an earlier state; restore a snapshot; finalize the restore of a snapshot."""

    async def restore_branch(
        self,
        organization: str,
        project_id: str,
        branch_id: str,
        *,
        source_id: str,
        at: datetime | None,
        keep_as: str | None,
        request_id: str | None = None,
    ) -> PatchedBranch:
        """Give a branch the state of a branch, by default its current one, or of its own past.

        Id, computes and annotations of the branch stay. ``keep_as`` is the name of a new branch that keeps the
        state that is replaced, and takes over the children (Neon: required for a branch with children and for its
        own past). Raises ConflictError if the name exists.
        """
        call = Call(
            "POST",
            f"{BRANCH}/restore",
            f"restore branch {branch_id} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id},
            body=bodies.restore_body(source_id=source_id, at=at, keep_as=keep_as),
        )
        answer = await self._send(organization, call, wire.OneBranch, request_id)
        return PatchedBranch(conversion.live_branch(answer.branch, {}), tuple(answer.operations))

    async def restore_snapshot(
        self,
        organization: str,
        project_id: str,
        snapshot_id: str,
        *,
        target_id: str,
        preview_name: str | None,
        request_id: str | None = None,
    ) -> PatchedBranch:
        """Create a branch from a snapshot, which takes the place of ``target_id`` at once.

        With ``preview_name``, it gets this name and a compute, and waits for ``finalize_restore``. Neon: the new
        branch has no annotations. Without a target, the branch that the snapshot was taken of is replaced, which
        an earlier restore may have put aside.
        """
        call = Call(
            "POST",
            f"{PROJECT}/snapshots/{{snapshot_id}}/restore",
            f"restore snapshot {snapshot_id} of project {project_id}",
            {"project_id": project_id, "snapshot_id": snapshot_id},
            body=bodies.restore_snapshot_body(target_id=target_id, preview_name=preview_name),
        )
        answer = await self._send(organization, call, wire.OneBranch, request_id)
        return PatchedBranch(conversion.live_branch(answer.branch, {}), tuple(answer.operations))

    async def finalize_restore(
        self, organization: str, project_id: str, branch_id: str, *, keep_as: str, request_id: str | None = None
    ) -> tuple[Operation, ...]:
        """Put a branch that was made of a snapshot in the place of its target, which stays as ``keep_as``."""
        call = Call(
            "POST",
            f"{BRANCH}/finalize_restore",
            f"finalize the restore of branch {branch_id} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id},
            body={"name": keep_as},
        )
        return tuple((await self._send(organization, call, wire.Started, request_id)).operations)
