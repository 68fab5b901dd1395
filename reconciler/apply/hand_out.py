"""The connection of a new project, given to the caller, and to a registry that keeps connection strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.apply.kept_strings import keep_strings
from reconciler.errors import NoConnectionStringError, ReconcilerError
from reconciler.plan.lifecycle import database_and_role

if TYPE_CHECKING:
    from reconciler.apply.perform import Performed
    from reconciler.apply.run import Run
    from reconciler.neon.connection import Connection
    from reconciler.plan.actions.project import CreateProject


async def hand_out(run: Run, create: CreateProject, created: Performed) -> None:
    """Gives the connection to the caller. Reads it from Neon where the answer was lost, also for the registry.

    Raises NoConnectionStringError. No later run gives it to the caller, but one writes it to the registry.
    """
    connection = created.created.connection if created.created else None
    registered = connection is not None  # with the row (apply/claims.py)
    if not run.hands_out and (registered or not run.registry.keeps_strings):
        return
    if connection is None:
        connection = await _read(run, create, created)
    if run.on_connection is not None:
        run.on_connection(create.tenant, connection)
    if not registered and run.registry.keeps_strings:
        await keep_strings(run, create.tenant, created.address.project_id, connection)


async def _read(run: Run, create: CreateProject, created: Performed) -> Connection:
    own = created.address
    database, role = database_and_role(run.desired, run.desired.tenants[create.tenant])
    try:
        return await run.neon.connection(*own.project_key, database, role)
    except ReconcilerError as error:
        raise NoConnectionStringError(
            f"project {own.project_id} was created, but its connection string could not be read: {error}",
            hint=f"`reconciler connections {create.tenant}` reads it at any time",
        ) from error
