"""The calls about branches of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.errors import NotFoundError
from reconciler.neon import bodies, wire
from reconciler.neon.account import Account
from reconciler.neon.call import BRANCH, MOST_PAGES, PROJECT, Call, endless

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.live.project import LiveBranch
    from reconciler.model.compute import Compute
    from reconciler.neon.operations import Operation

BRANCHES_PER_PAGE: Final = 10_000
"""Neon: the most, and more than any project may have."""


@dataclass(frozen=True, slots=True)
class CreatedBranch:
    """The result of POST /projects/{id}/branches: a branch, with the requested compute."""

    branch: LiveBranch
    endpoint_id: str | None
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class PatchedBranch:
    """The branch after a patch, without its annotations, which are not in the answer."""

    branch: LiveBranch
    operations: tuple[Operation, ...]


class BranchCalls(Account):
    """Read, create, patch and delete branches."""

    async def branches(self, organization: str, project_id: str) -> tuple[LiveBranch, ...]:
        """Every branch of a project with its annotations, oldest first.

        Raises IncompleteViewError for a list without end.
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
        raise endless(f"read the branches of project {project_id}")

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
        """Create a branch of the parent as it is, or as it was ``at`` a moment of its history.

        Raises ConflictError where the name is taken (Neon: names are unique in a project).
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
        expires_no_more: bool = False,
        request_id: str | None = None,
    ) -> PatchedBranch:
        """Change a branch's name or expiry; None keeps it as it is. ``expires_no_more`` removes the expiry."""
        call = Call(
            "PATCH",
            BRANCH,
            f"patch branch {branch_id} of project {project_id}",
            {"project_id": project_id, "branch_id": branch_id},
            body=bodies.branch_body(name=name, expires_at=expires_at, expires_no_more=expires_no_more),
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
    """Neon: by default the newest change comes first, so that a branch could move between two pages."""
    query: dict[str, str | int | bool] = {
        "limit": BRANCHES_PER_PAGE,
        "sort_by": "created_at",
        "sort_order": "asc",
    }
    if cursor is not None:
        query["cursor"] = cursor
    purpose = f"read the branches of project {project_id}"
    return Call("GET", f"{PROJECT}/branches", purpose, {"project_id": project_id}, query)
