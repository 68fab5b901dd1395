"""How to connect to the projects of tenants: read at any time, and only of a project that is certainly theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NoConnectionStringError, NotFoundError, ReconcilerError

if TYPE_CHECKING:
    from reconciler.fleet.context import Context
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.neon.connection import Connection

MOST_SHOWN: Final = 10
"""Branches, roles or databases that a message names."""


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
    declared = context.desired.database_and_role(context.desired.tenants[tenant])
    database, role = which.database or declared[0], which.role or declared[1]
    branch = None if which.branch is None else await _branch(context, project, which.branch)
    try:
        return await context.neon.connection(project.organization, project.id, database, role, branch)
    except NotFoundError as error:
        missing = await _missing(context, project, branch, database, role)
        raise NoConnectionStringError(
            f"tenant {tenant} has no such connection: {missing or error}",
            hint="name an existing --branch with a compute, --database and --role",
        ) from error


async def _missing(
    context: Context, project: LiveProject, branch: LiveBranch | None, database: str, role: str
) -> str | None:
    """Reads which of the two does not exist on the branch; None if both do, or if this cannot be read."""
    neon, place = context.neon, (project.organization, project.id)
    try:
        branches = project.branches or await neon.branches(*place)
        found = branch or next(one for one in branches if one.default)
        roles = await neon.roles(*place, found.id)
        names = [one.name for one in await neon.databases(*place, found.id)]
    except (ReconcilerError, StopIteration):
        return None
    for kind, name, known in (("role", role, roles), ("database", database, names)):
        if name not in known:
            return f"branch {found.name!r} has no {kind} {name!r}; it has {', '.join(known[:MOST_SHOWN])}"
    return None


async def _branch(context: Context, project: LiveProject, name: str) -> LiveBranch:
    branches = project.branches or await context.neon.branches(project.organization, project.id)
    for branch in branches:
        if branch.name == name:
            return branch
    raise NoConnectionStringError(
        f"project {project.id} has no branch {name!r}",
        hint=f"its newest branches: {', '.join(branch.name for branch in branches[-MOST_SHOWN:])}",
    )
