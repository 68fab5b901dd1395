"""``reconciler connection-string``: what a sign-up would have handed out, at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.account import with_fleet
from reconciler.cli.connections import ConnectionsFile
from reconciler.cli.converge import few_tenants
from reconciler.errors import ExitCode
from reconciler.views.console import say

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.options import AccountFlags, FilesFlags
    from reconciler.fleet import Fleet
    from reconciler.secret import Secret


def run(
    tenants: tuple[str, ...],
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    pooled: bool,
    connections_to: Path,
) -> ExitCode:
    """Writes the connection strings of a few tenants to a file."""
    few = few_tenants(files, tenants, base)
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
