"""The calls about roles and databases of a branch, and what live state shows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from reconciler.model.database import Database
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase

if TYPE_CHECKING:
    from reconciler.apply.address import Address
    from reconciler.neon.client import Neon
    from reconciler.neon.operations import Operation

Change: TypeAlias = CreateRole | CreateDatabase | PatchDatabase | DeleteDatabase | DeleteRole


async def change_contents(neon: Neon, action: Change, address: Address, request_id: str) -> tuple[Operation, ...]:
    """Make the action's call. Raises what the client raises."""
    branch = (*address.project_key, address.branch(action.branch))
    match action:
        case CreateRole():
            return await neon.create_role(*branch, action.role, request_id=request_id)
        case CreateDatabase():
            return await neon.create_database(*branch, _stated(action), request_id=request_id)
        case PatchDatabase():
            return await neon.update_database(*branch, _stated(action), request_id=request_id)
        case DeleteDatabase():
            return await neon.delete_database(*branch, action.database, request_id=request_id)
        case DeleteRole():
            return await neon.delete_role(*branch, action.role, request_id=request_id)
        case _:
            assert_never(action)


async def is_carried_out(neon: Neon, action: Change, address: Address) -> bool:
    """Return whether the branch has what the action asks for. Raises what the client raises for a read."""
    branch = (*address.project_key, address.branch(action.branch))
    match action:
        case CreateRole():
            return action.role in await neon.roles(*branch)
        case DeleteRole():
            return action.role not in await neon.roles(*branch)
        case CreateDatabase() | PatchDatabase():
            return _stated(action) in await neon.databases(*branch)
        case DeleteDatabase():
            return all(database.name != action.database for database in await neon.databases(*branch))
        case _:
            assert_never(action)


def _stated(action: CreateDatabase | PatchDatabase) -> Database:
    return Database(action.database, action.owner)
