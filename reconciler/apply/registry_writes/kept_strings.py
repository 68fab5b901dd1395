"""The connections of new projects, given to the caller, and the strings that the registry keeps of them.

A new project and its strings are written to the row by one statement. Before a password is reset, the row is
marked: its strings are due. The statement that writes the new ones removes the mark. A run that dies in between
leaves it, and a later run reads what is due from Neon (fleet/kept_strings.py).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.errors import NoConnectionStringError, ReconcilerError, RegistryError
from reconciler.live.registered import ConnectionStrings

if TYPE_CHECKING:
    from reconciler.apply.address import Address
    from reconciler.apply.calls.perform import Performed
    from reconciler.apply.run.run import Run
    from reconciler.neon.connection import Connection
    from reconciler.plan.actions.branch import ResetPassword
    from reconciler.plan.actions.project import CreateProject


def strings_of(connection: Connection) -> ConnectionStrings:
    """The strings of a connection, as the registry keeps them."""
    return ConnectionStrings(connection.pooled, connection.direct)


async def keep_strings(run: Run, tenant: str, project_id: str, connection: Connection) -> None:
    """Writes the strings to the tenant's row. Raises RegistryError; the strings are then still due."""
    registry = run.registry
    if not await registry.write(registry.keep_strings, tenant, project_id, strings_of(connection), run.now()):
        raise RegistryError(
            f"the registry has no row for project {project_id}", hint="`reconciler registry rebuild` writes it"
        )


async def keep_recovered(run: Run, tenant: str, address: Address) -> None:
    """Reads and writes the strings of a recovered project. If that fails, a later run repeats it."""
    if run.registry.keeps_strings:
        database, role = run.desired.database_and_role(run.desired.tenants[tenant])
        with suppress(ReconcilerError):
            connection = await run.neon.connection(*address.project_key, database, role)
            await keep_strings(run, tenant, address.project_id, connection)


async def expect_reset(run: Run, action: ResetPassword, address: Address) -> None:
    """Marks the row before the password in its strings is reset. Raises RegistryError; nothing is reset then."""
    if _is_kept(run, action, address):
        registry = run.registry
        await registry.write(registry.expect_strings, action.tenant, address.project_id, run.now())


async def keep_reset(run: Run, action: ResetPassword, address: Address, connection: Connection) -> None:
    """Writes the strings with the new password. Raises RegistryError; they are then still due."""
    if not _is_kept(run, action, address):
        return
    database, role = run.desired.database_and_role(run.desired.tenants[action.tenant])
    try:
        if action.database != database:
            connection = await run.neon.connection(*address.project_key, database, role)
        await keep_strings(run, action.tenant, address.project_id, connection)
    except ReconcilerError as error:
        raise RegistryError(
            f"the password was reset, but the registry still has the old connection string: {error}",
            hint=f"`reconciler connections {action.tenant} --to-registry` writes the new one",
        ) from error


def _is_kept(run: Run, action: ResetPassword, address: Address) -> bool:
    from reconciler.plan.rotation import resets_kept_strings  # noqa: PLC0415 - for rotations only

    kept, project = run.registry.keeps_strings, address.project
    return kept and project is not None and resets_kept_strings(run.desired, action, project)


async def return_string(run: Run, create: CreateProject, created: Performed) -> None:
    """Gives the connection to the caller. Reads it from Neon where the answer was lost, also for the registry.

    Raises NoConnectionStringError. No later run gives it to the caller, but one writes it to the registry.
    """
    connection = created.created.connection if created.created else None
    registered = connection is not None  # with the row (claims.py)
    if not run.returns_strings and (registered or not run.registry.keeps_strings):
        return
    if connection is None:
        connection = await _read(run, create, created)
    if run.on_connection is not None:
        run.on_connection(create.tenant, connection)
    if not registered and run.registry.keeps_strings:
        await keep_strings(run, create.tenant, created.address.project_id, connection)


async def _read(run: Run, create: CreateProject, created: Performed) -> Connection:
    own = created.address
    database, role = run.desired.database_and_role(run.desired.tenants[create.tenant])
    try:
        return await run.neon.connection(*own.project_key, database, role)
    except ReconcilerError as error:
        raise NoConnectionStringError(
            f"project {own.project_id} was created, but its connection string could not be read: {error}",
            hint=f"`reconciler connections {create.tenant}` reads it at any time",
        ) from error
