"""Resetting a password. It is read before, so that a lost answer shows whether it changed, and never logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.apply.calls.perform import Performed
from reconciler.apply.registry_writes.kept_strings import expect_reset, keep_reset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.apply.address import Address
    from reconciler.apply.run.run import Run
    from reconciler.neon.connection import Connection
    from reconciler.plan.actions.branch import ResetPassword


async def reset_password(
    run: Run,
    action: ResetPassword,
    address: Address,
    carry: Callable[[Run, ResetPassword, Address], Awaitable[Performed]],
) -> Performed:
    """Resets the password. The caller and the registry get the new connection before operations are awaited.

    Nothing is written if the current password cannot be read, because a lost answer could then not be repaired.
    """
    run.before_reset[action] = await _connection(run, action, address)
    await expect_reset(run, action, address)
    performed = await carry(run, action, address)
    if performed.connection is not None:
        if run.on_connection is not None:
            run.on_connection(action.tenant, performed.connection)
        await keep_reset(run, action, address, performed.connection)
    return performed


async def found_reset(run: Run, action: ResetPassword, address: Address) -> Performed | None:
    """The result of a lost answer: the connection with another password than before. None if it is the same."""
    connection = await _connection(run, action, address)
    if connection.direct == run.before_reset[action].direct:
        return None
    running = await run.neon.running_operations(*address.project_key)
    return Performed(address, running, connection=connection, made=f"a new password of role {action.role}")


async def _connection(run: Run, action: ResetPassword, address: Address) -> Connection:
    project = address.project
    branch = next(one for one in (project.branches if project else None) or () if one.name == action.branch)
    return await run.neon.connection(*address.project_key, action.database, action.role, branch)
