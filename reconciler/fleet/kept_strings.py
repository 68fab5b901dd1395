"""The connection strings that the registry keeps: required, written where they are due, and read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.apply.registry_writes.kept_strings import strings_of
from reconciler.errors import InvalidInputError, NoConnectionStringError, ReconcilerError, RegistryError
from reconciler.neon.connection import Connection
from reconciler.neon.pace import each
from reconciler.plan.actions.branch import ResetPassword
from reconciler.plan.actions.project import CreateProject, RecoverProject
from reconciler.plan.rotation import resets_kept_strings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.apply.run.planned import Planned
    from reconciler.fleet.context import Context
    from reconciler.plan.registered_strings import ExpectedStrings


def require_key(context: Context, planned: Planned) -> None:
    """Reads the key before the first write of a plan that writes connection strings.

    Raises MissingKeyError, InvalidInputError or RegistryError.
    """
    if context.registry.keeps_strings and (planned.strings_due or _writes_strings(planned)):
        context.registry.require_key()


def _writes_strings(planned: Planned) -> bool:
    return any(isinstance(one, CreateProject | RecoverProject) for one in planned.plan.actions) or _resets(planned)


def _resets(planned: Planned) -> bool:
    """Whether a plan resets a password that is in strings that the registry keeps."""
    desired = planned.plan_inputs.desired
    return any(
        isinstance(action, ResetPassword)
        and tenant.project is not None
        and resets_kept_strings(desired, action, tenant.project)
        for tenant in planned.plan.tenants
        for action in tenant.actions
    )


def require_kept(planned: Planned) -> None:
    """Raises InvalidInputError unless the registry keeps the strings whose password a plan resets, if any."""
    if planned.plan.tenants and not _resets(planned):
        raise InvalidInputError(
            "the registry keeps no connection string of this role and branch",
            hint="it keeps that of the default branch, with the role in the files; name another sink",
        )


def require_strings(context: Context) -> None:
    """Raises InvalidInputError if the registry keeps no connection strings, else as ``require_key``."""
    if not context.registry.keeps_strings:
        raise InvalidInputError(
            "the registry keeps no connection strings",
            hint="add to tiers.yaml: registry: {connection_strings: encrypted, key: ${REGISTRY_KEY}}",
        )
    context.registry.require_key()


async def write_due(context: Context, planned: Planned) -> int:
    """Writes the strings that earlier runs were about to write. Returns the number of calls.

    What cannot be read or written is still due.
    """

    async def write(due: ExpectedStrings) -> None:
        with suppress(ReconcilerError):
            await read_and_keep(context, due)

    await each(planned.strings_due, write)
    return len(planned.strings_due)


async def keep_connections(context: Context, connections: Mapping[str, Connection]) -> None:
    """Writes the strings of these tenants to their rows. Raises RegistryError for a tenant without a row."""
    registry = context.registry
    await registry.read(registry.prepare)
    for tenant, connection in connections.items():
        strings, at = strings_of(connection), context.time()
        if not await registry.write(registry.keep_strings, tenant, connection.project_id, strings, at):
            raise RegistryError(
                f"the registry has no row for project {connection.project_id} of tenant {tenant}",
                hint="`reconciler registry rebuild` writes it",
            )


async def kept_connection(context: Context, tenant: str) -> Connection:
    """What the registry keeps of a tenant. Raises NoConnectionStringError unless it is certain and readable."""
    registry = context.registry
    again = f"`reconciler connections {tenant} --to-registry` writes it"
    row = (await registry.read(registry.rows, [tenant])).get(tenant)
    kept = (await registry.read(registry.kept_connections, [tenant])).get(tenant)
    if row is None or kept is None:
        raise NoConnectionStringError(f"the registry keeps no connection string of tenant {tenant}", hint=again)
    if row.strings_due_since is not None:
        raise NoConnectionStringError(
            f"the connection string of tenant {tenant} in the registry may be out of date", hint=again
        )
    if kept.strings is None:
        raise NoConnectionStringError(
            f"no key of ${context.desired.registry_key and context.desired.registry_key.name} decrypts the "
            f"connection string of tenant {tenant}",
            hint=f"add the key that encrypted it; or {again} with the present key",
        )
    if not row.leads_to(kept.strings):
        raise NoConnectionStringError(
            f"the connection string of tenant {tenant} in the registry has another host than the row", hint=again
        )
    return Connection.read(kept.organization, kept.project_id, kept.strings.direct.reveal())


async def read_and_keep(context: Context, asked: ExpectedStrings) -> None:
    """Reads a connection from Neon, and writes its strings to the tenant's row. Raises ReconcilerError."""
    connection = await context.neon.connection(asked.organization, asked.project_id, asked.database, asked.role)
    await keep_connections(context, {asked.tenant: connection})
