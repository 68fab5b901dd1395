"""``reconciler drift``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.options import PermissionFlags
from reconciler.views.console import stderr_console
from reconciler.views.progress import watching
from reconciler.views.view import DriftView

if TYPE_CHECKING:
    from reconciler.cli.options import AccountFlags, FilesFlags, OutputFlags, ScopeFlags
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Planned


def run(
    files: FilesFlags, account: AccountFlags, scope: ScopeFlags, expect_empty: bool, output: OutputFlags
) -> ExitCode:
    """Compares the live fleet with the files; CHANGES if they differ."""
    check_outputs(output, DriftView)
    fleet_files = FleetFiles(files)
    fleet_files.require_tip(files.ref)
    desired = fleet_files.desired()
    permission = PermissionFlags((), expect_empty, prune=False, strict=False)
    request = fleet_files.request(scope, permission, desired, ref=files.ref)

    async def look(fleet: Fleet) -> Planned:
        with watching(stderr_console()) as on_progress:
            return await fleet.drift(request, on_progress=on_progress)

    found = with_fleet(account, desired, look, files=fleet_files, base=scope.base, share=desired.api.batch_share)
    publish(output, DriftView(found.plan))
    return exit_codes.of_drift(found.plan, output.fail_on)
