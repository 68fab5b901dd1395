"""``reconciler drift``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.account import call_limit, with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.flag_values import names_tenants
from reconciler.cli.flags import PermissionFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.notifier import left_out, notifier
from reconciler.cli.read_ahead import reading_ahead
from reconciler.cli.telemetry import with_telemetry
from reconciler.errors import weightiest
from reconciler.views.console import stderr_terminal
from reconciler.views.progress import watching
from reconciler.views.view import DriftView

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, FilesFlags, NotifyFlags, OutputFlags, ScopeFlags
    from reconciler.cli.read_ahead import ReadAhead
    from reconciler.cli.telemetry import Telemetry
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet
    from reconciler.neon.call import CallLimit


@with_telemetry("drift")
def run(
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    expect_empty: bool,
    max_calls: int | None,
    notices: NotifyFlags,
    telemetry: Telemetry,
    output: OutputFlags,
) -> ExitCode:
    """Compares the live fleet with the files; CHANGES if they differ."""
    check_outputs(output, DriftView)
    fleet_files = FleetFiles(files, few=names_tenants(scope))
    fleet_files.require_tip()
    limit = call_limit(max_calls)
    with reading_ahead(account, fleet_files, scope, observer=telemetry.observer, limit=limit) as ahead:
        return _drift(ahead, fleet_files, account, scope, expect_empty, limit, notices, telemetry, output)


def _drift(
    ahead: ReadAhead,
    fleet_files: FleetFiles,
    account: AccountFlags,
    scope: ScopeFlags,
    expect_empty: bool,
    limit: CallLimit | None,
    notices: NotifyFlags,
    telemetry: Telemetry,
    output: OutputFlags,
) -> ExitCode:
    desired = fleet_files.desired(ahead.start)
    permission = PermissionFlags((), expect_empty, prune=False, strict=False)
    request = fleet_files.request(scope, permission, desired)
    telemetry.figures.fleet = desired.fleet

    async def look(fleet: Fleet) -> ExitCode:
        people = notifier(notices, account, fleet, desired, remembers=True)
        with watching(stderr_terminal()) as on_progress:
            found = await fleet.drift(request, on_progress=on_progress)
        telemetry.figures.drift = found.plan
        publish(output, DriftView(found.plan))
        code = exit_codes.of_drift(found.plan, output.fail_on)
        if people is None:
            return code
        from reconciler.views.notices import of_drift  # noqa: PLC0415 - for notices only

        return weightiest((code, await people.tell(of_drift(found.plan, left_out(desired, request)))))

    share, observer = desired.api.batch_share, telemetry.observer
    return with_fleet(
        account,
        desired,
        look,
        files=fleet_files,
        base=scope.base,
        share=share,
        observer=observer,
        limit=limit,
        ahead=ahead,
    )
