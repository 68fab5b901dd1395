"""``reconciler connections``: how to connect to the projects of a few tenants, at any time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.cli.account import with_fleet
from reconciler.cli.converge import few_tenants
from reconciler.cli.sinks import child_of_command, counted, open_sinks, require_sink, run_child
from reconciler.errors import ExitCode, InvalidInputError, ReconcilerError
from reconciler.fleet import Which
from reconciler.views.console import say
from reconciler.views.values import worded

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, FilesFlags, SinkFlags
    from reconciler.fleet import Connection, Fleet


def run(
    tenants: tuple[str, ...],
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    branch: str | None,
    database: str | None,
    role: str | None,
    from_registry: bool,
    output_format: str,
    sinks: SinkFlags,
) -> int:
    """Reads the connections of a few tenants, and gives them to the sinks. Returns the exit code of a child."""
    which = Which(branch=branch, database=database, role=role)
    _check_registry(sinks, which, from_registry=from_registry)
    few = few_tenants(files, tenants, base)
    child = child_of_command(few.names)
    opened = open_sinks(sinks, few.names, revealed_as=output_format)
    require_sink(sinks, [*opened, *child])

    async def read(fleet: Fleet) -> dict[str, Connection]:
        if from_registry:
            return {name: await fleet.kept_connection(name) for name in few.names}
        if sinks.to_registry:
            fleet.require_strings()
        found = {name: await fleet.connection(name, which, request=few.request) for name in few.names}
        if sinks.to_registry:
            await fleet.keep_connections(found)
            say(f"wrote {counted(found)} to the registry")
        if child:
            await _tell_cold_start(fleet, found[few.names[0]])
        return found

    found = with_fleet(account, few.desired, read, files=few.files, base=base)
    for sink in opened:
        sink.write(found)
    if child:
        return run_child(child, found[few.names[0]], direct=sinks.direct)
    return ExitCode.DONE


async def _tell_cold_start(fleet: Fleet, connection: Connection) -> None:
    """Says why the first connection of a program takes a moment."""
    with suppress(ReconcilerError):  # the program connects whatever is said
        compute = await fleet.suspended_compute(connection)
        if compute is not None:
            idle = worded("compute.suspend_timeout_seconds", compute.compute.suspend_timeout_seconds)
            say(f"compute {compute.id} is suspended: the first connection starts it (suspend_timeout {idle})")


def _check_registry(sinks: SinkFlags, which: Which, *, from_registry: bool) -> None:
    """Raises InvalidInputError for a connection that no registry keeps."""
    if from_registry and sinks.to_registry:
        raise InvalidInputError(
            "--from-registry and --to-registry exclude each other", hint="leave one of them out"
        )
    if which != Which() and (from_registry or sinks.to_registry):
        raise InvalidInputError(
            "the registry keeps the connection of the default branch, with the database and role in the files",
            hint="leave out --branch, --database and --role, or the registry",
        )
