"""The calls about branches of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFoundError
from reconciler.neon import bodies, wire
from reconciler.neon.account import Account
from reconciler.neon.call import BRANCH, MOST_PAGES, PROJECT, Call, unending_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.live.project import LiveBranch
    from reconciler.model.compute import Compute
    from reconciler.neon.operations import Operation

BRANCHES_PER_PAGE: Final = 10_000
"""Neon: the maximum. No project may have more branches."""


@dataclass(frozen=True, slots=True)
class CreatedBranch:
    """The result of POST /projects/{id}/branches: a branch, with the requested compute."""

    branch: LiveBranch
    endpoint_id: str | None
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class PatchedBranch:
    """The branch after a patch. The response does not contain its annotations."""

    branch: LiveBranch
    operations: tuple[Operation, ...]


class BranchCalls(Account):
    """Read, create, patch and delete branches."""

    async def branches(self, organization: str, project_id: str) -> tuple[LiveBranch, ...]:
        """Every branch of a project with its annotations, oldest first.

        Raises IncompleteViewError if the list does not end.
        """
        found: dict[str, LiveBranch] = {}
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._send(organization, _branches_call(project_id, cursor), wire.BranchesPage)
            found.update({branch.id: branch for branch in wire.live_branches(page)})
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
            endpoints=[bodies.new_endpoint(compute)] if with_compute else [],
            annotations=annotations,
        )
        purpose = f"create branch {name} of project {project_id}"
        call = Call("POST", f"{PROJECT}/branches", purpose, {"project_id": project_id}, body=body)
        answer = await self._send(organization, call, wire.NewBranch, request_id)
        writable = (endpoint.id for endpoint in answer.endpoints if endpoint.type == "read_write")
        return CreatedBranch(
            branch=wire.live_branch(answer.branch, dict(annotations)),
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
        request_id: str | None = None,
    ) -> PatchedBranch:
        """Change the name or expiry of a branch. None changes nothing. ``removes_expiry`` removes the expiry."""
        call = Call(
            "PATCH",
            BRANCH,
            f"patch branch {branch_id} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id},
            body=bodies.branch_body(name=name, expires_at=expires_at, expires_no_more=removes_expiry),
        )
        answer = await self._send(organization, call, wire.OneBranch, request_id)
        return PatchedBranch(wire.live_branch(answer.branch, {}), tuple(answer.operations))

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
