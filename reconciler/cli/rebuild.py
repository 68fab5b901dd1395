"""``reconciler registry rebuild``: the platform's own table of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.account import with_fleet
from reconciler.cli.fleet_files import FleetFiles
from reconciler.errors import ExitCode
from reconciler.views import plain_text
from reconciler.views.console import show, stderr_console, stdout_console
from reconciler.views.progress import watching

if TYPE_CHECKING:
    from reconciler.cli.options import AccountFlags, FilesFlags
    from reconciler.fleet import Fleet
    from reconciler.fleet.registry_rows import RebuiltRegistry


def run(files: FilesFlags, account: AccountFlags, base: str | None) -> ExitCode:
    """Fills the registry from live."""
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
