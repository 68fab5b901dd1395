"""``reconciler plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_folder, check_outputs, publish, write
from reconciler.cli.flag_values import with_earlier_runs
from reconciler.cli.fleet_files import FleetFiles
from reconciler.views.console import stderr_console
from reconciler.views.formats import JSON, render
from reconciler.views.progress import watching
from reconciler.views.view import PlanView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.options import (
        AccountFlags,
        EarlierRunsFlags,
        FilesFlags,
        OutputFlags,
        PermissionFlags,
        ScopeFlags,
    )
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Planned


def run(
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    output: OutputFlags,
    out: Path | None,
    detailed_exitcode: bool,
) -> ExitCode:
    """Plans, shows the plan, and saves it if asked to."""
    check_outputs(output, PlanView)
    if out is not None:
        check_folder(out, "--out")
    fleet_files = FleetFiles(files)
    fleet_files.require_tip(files.ref)
    desired = fleet_files.desired()
    request = with_earlier_runs(earlier, fleet_files.request(scope, permission, desired, ref=files.ref))

    async def look(fleet: Fleet) -> Planned:
        with watching(stderr_console()) as on_progress:
            return await fleet.plan(request, on_progress=on_progress)

    planned = with_fleet(account, desired, look, files=fleet_files, base=scope.base, share=desired.api.batch_share)
    view = PlanView(planned.plan, fleet_files.made(scope.base, planned.at))
    if out is not None:
        write(out, render(view, JSON), "--out")
    publish(output, view)
    return exit_codes.of_plan(planned.plan, output.fail_on, detailed=detailed_exitcode)
