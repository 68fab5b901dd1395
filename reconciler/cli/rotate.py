"""``reconciler rotate``: a new password for one role of one tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.sinks import child_of_command, open_sinks, require_sink, run_child
from reconciler.cli.tenant_command import CommandInput, run_command
from reconciler.errors import ExitCode
from reconciler.fleet import Rotate

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.cli.flags import AccountFlags, CommandFlags, FilesFlags, OutputFlags, SinkFlags
    from reconciler.fleet import Connection


def run(
    tenant: str,
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    branch: str | None,
    database: str | None,
    role: str,
    command: CommandFlags,
    sinks: SinkFlags,
    output: OutputFlags,
) -> int:
    """Resets a password and gives the new connection to the sinks. Returns the exit code of a child."""
    child = child_of_command([tenant])
    opened = [] if command.dry_run else open_sinks(sinks, [tenant], revealed_as=output.format)
    if not command.dry_run:
        require_sink(sinks, [*opened, *child])
    found: dict[str, Connection] = {}
    given = CommandInput(
        tenant,
        files,
        account,
        base,
        command,
        output,
        on_connection=found.__setitem__,
        to_registry=sinks.to_registry,
        stdout_is_a_sink=not command.dry_run and (sinks.reveal or bool(child)),
    )

    def rotate(name: str, _at: datetime) -> Rotate:
        return Rotate(tenant=name, role=role, branch=branch, database=database)

    try:
        code = run_command(given, rotate)
    finally:
        for sink in opened:
            sink.write(found)
    if child and code is ExitCode.DONE:
        return run_child(child, next(iter(found.values())), direct=sinks.direct)
    return code
