"""How to connect to the projects of tenants: read at any time, and only of a project that is certainly theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NoConnectionStringError, NotFoundError

if TYPE_CHECKING:
    from reconciler.fleet.context import Context
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.neon.connection import Connection

MOST_SHOWN: Final = 10
"""Branches that a message names."""


class Which(Struct, frozen=True, kw_only=True):
    """Which connection of a project is asked for."""

    branch: str | None = None
    """Its name. None: the default branch."""
    database: str | None = None
    role: str | None = None
    """None: the names that the files declare."""


async def read_connection(context: Context, tenant: str, project: LiveProject, which: Which) -> Connection:
    """Reads how to connect to the tenant's own project.

    Raises NoConnectionStringError for a branch, a role or a database that does not exist, and for a branch without
    a compute.
    """
    database, role = context.desired.database_and_role(context.desired.tenants[tenant])
    branch = None if which.branch is None else await _branch(context, project, which.branch)
    try:
        return await context.neon.connection(
            project.organization, project.id, which.database or database, which.role or role, branch
        )
    except NotFoundError as error:
        raise NoConnectionStringError(
            f"tenant {tenant} has no such connection: {error}",
            hint="name an existing --branch with a compute, --database and --role",
        ) from error


async def _branch(context: Context, project: LiveProject, name: str) -> LiveBranch:
    branches = project.branches or await context.neon.branches(project.organization, project.id)
    for branch in branches:
        if branch.name == name:
            return branch
    raise NoConnectionStringError(
        f"project {project.id} has no branch {name!r}",
        hint=f"its newest branches: {', '.join(branch.name for branch in branches[-MOST_SHOWN:])}",
    )
