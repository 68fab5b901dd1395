"""``reconciler registry``: the platform's own table of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.account import with_fleet
from reconciler.cli.desired import FleetFiles
from reconciler.cli.options import account_options, base_option, files_options
from reconciler.errors import ExitCode
from reconciler.views import plain_text
from reconciler.views.console import show, stderr_console, stdout_console
from reconciler.views.progress import watching

if TYPE_CHECKING:
    from reconciler.cli.options import AccountFlags, FilesFlags
    from reconciler.fleet import Fleet
    from reconciler.fleet.registry_rows import RebuiltRegistry


@click.group("registry")
def command() -> None:
    """The tenant registry that tiers.yaml names: a row for each tenant, claimed before its project is created."""


@command.command("rebuild")
@files_options
@account_options
@base_option
def rebuild(files: FilesFlags, account: AccountFlags, base: str | None) -> ExitCode:
    """Fill the registry from live: by pins and annotations, and by names of tenants that --base declares."""
    fleet_files = FleetFiles(files)
    desired = fleet_files.desired()
    history = fleet_files.history(base, desired)

    async def fill(fleet: Fleet) -> tuple[RebuiltRegistry, str | None]:
        with watching(stderr_console()) as on_progress:
            return await fleet.rebuild_registry(history, on_progress=on_progress), fleet.api_host

    share = desired.api.batch_share
    rebuilt, api_host = with_fleet(account, desired, fill, files=fleet_files, base=base, share=share)
    show(plain_text.registry(rebuilt.registration, rebuilt.rows, api_host), stdout_console())
    return ExitCode.REFUSED if rebuilt.registration.conflicts else ExitCode.DONE
