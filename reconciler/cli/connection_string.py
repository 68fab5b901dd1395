"""``reconciler connection-string``: what a sign-up would have handed out, at any time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.account import with_fleet
from reconciler.cli.connections import ConnectionsFile
from reconciler.cli.converge import few_tenants
from reconciler.cli.options import account_options, base_option, files_options, ref_option
from reconciler.errors import ExitCode
from reconciler.views.console import say

if TYPE_CHECKING:
    from reconciler.cli.options import AccountFlags, FilesFlags
    from reconciler.fleet import Fleet
    from reconciler.secret import Secret


@click.command("connection-string")
@click.argument("tenants", nargs=-1, required=True, metavar="TENANT... | -")
@files_options
@ref_option
@account_options
@base_option
@click.option("--pooled", is_flag=True, help="Strings that lead through Neon's connection pooler.")
@click.option(
    "--connections-to",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    required=True,
    help="Append the connection strings to FILE: JSON lines that you alone can read.",
)
def command(
    tenants: tuple[str, ...],
    files: FilesFlags,
    ref: str | None,
    account: AccountFlags,
    base: str | None,
    pooled: bool,
    connections_to: Path,
) -> ExitCode:
    """Hand out the connection strings of a few tenants again; '-' reads them from stdin, as converge does.

    Writes nothing to Neon. None is handed out where it is not sure which project is the tenant's.
    """
    few = few_tenants(files, tenants, base, ref)
    sink = ConnectionsFile(connections_to)

    async def read(fleet: Fleet) -> dict[str, Secret]:
        return {
            name: await fleet.connection_string(name, request=few.request, pooled=pooled) for name in few.names
        }

    strings = with_fleet(account, few.desired, read, files=few.files, base=base)
    sink.write(strings)
    counted = f"{len(strings)} connection string{'s' if len(strings) > 1 else ''}"
    say(f"appended {counted} to {connections_to}")
    return ExitCode.DONE
