"""``reconciler registry``: the platform's own table of tenants, shown, compared with live, and filled from it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.fleet_files import FleetFiles
from reconciler.errors import ExitCode
from reconciler.model.values import replace
from reconciler.views.console import stderr_terminal
from reconciler.views.progress import watching
from reconciler.views.view import RegistryView, RowChangesView

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, FilesFlags, OutputFlags
    from reconciler.fleet import Fleet
    from reconciler.fleet.registry_rows import RebuiltRegistry
    from reconciler.live.registered import RegisteredTenants


def show(
    names: tuple[str, ...], files: FilesFlags, account: AccountFlags, base: str | None, output: OutputFlags
) -> ExitCode:
    """Shows all rows, or those of the tenants that the patterns match."""
    check_outputs(output, RegistryView)
    fleet_files = FleetFiles(files)

    async def read(fleet: Fleet) -> RegisteredTenants:
        return await fleet.registered_tenants()

    found = with_fleet(account, fleet_files.desired(), read, files=fleet_files, base=base)
    view = RegistryView(found)
    if names:
        chosen = (row for row in found.tenants if any(fnmatchcase(row.tenant, name) for name in names))
        view = RegistryView(replace(found, tenants=tuple(chosen)), rows=len(found.tenants))
    publish(output, view)
    return ExitCode.DONE


def verify(
    files: FilesFlags, account: AccountFlags, base: str | None, passwords: bool, output: OutputFlags
) -> ExitCode:
    """Compares the rows with live, and writes nothing."""
    found = _compared(files, account, base, output, passwords=passwords, writes=False)
    if found.registration.conflicts:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if found.row_changes.changes else ExitCode.DONE


def rebuild(
    files: FilesFlags, account: AccountFlags, base: str | None, passwords: bool, output: OutputFlags
) -> ExitCode:
    """Fills the registry from live."""
    found = _compared(files, account, base, output, passwords=passwords, writes=True)
    return ExitCode.REFUSED if found.registration.conflicts else ExitCode.DONE


def _compared(
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    output: OutputFlags,
    *,
    passwords: bool,
    writes: bool,
) -> RebuiltRegistry:
    check_outputs(output, RowChangesView)
    fleet_files = FleetFiles(files)
    desired = fleet_files.desired()
    history = fleet_files.history(base, desired)

    async def compare(fleet: Fleet) -> tuple[RebuiltRegistry, str | None]:
        run = fleet.rebuild_registry if writes else fleet.verify_registry
        with watching(stderr_terminal()) as on_progress:
            return await run(history, passwords=passwords, on_progress=on_progress), fleet.api_host

    share = desired.api.batch_share
    found, api_host = with_fleet(account, desired, compare, files=fleet_files, base=base, share=share)
    publish(output, RowChangesView(found.row_changes, api_host, verified=not writes))
    return found
