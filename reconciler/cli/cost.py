"""``reconciler cost``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.flags import PermissionFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.errors import ExitCode
from reconciler.views.console import stderr_terminal
from reconciler.views.progress import watching
from reconciler.views.view import CostView

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, FilesFlags, OutputFlags, ScopeFlags
    from reconciler.fleet import Fleet
    from reconciler.usage.cost import Cost


def run(
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    expect_empty: bool,
    month: str | None,
    organization: tuple[str, ...],
    output: OutputFlags,
) -> ExitCode:
    """Reads what a month cost; INCOMPLETE_VIEW if the cost of a tenant is not known."""
    from reconciler.usage.months import read_month  # noqa: PLC0415 - not for help

    check_outputs(output, CostView)
    day = None if month is None else read_month(month)
    fleet_files = FleetFiles(files)
    fleet_files.require_tip()
    desired = fleet_files.desired()
    permission = PermissionFlags((), expect_empty, prune=False, strict=False)
    request = fleet_files.request(scope, permission, desired)

    async def look(fleet: Fleet) -> Cost:
        with watching(stderr_terminal()) as on_progress:
            return await fleet.cost(request, month=day, organizations=organization, on_progress=on_progress)

    found = with_fleet(account, desired, look, files=fleet_files, base=scope.base, share=desired.api.batch_share)
    publish(output, CostView(found))
    return ExitCode.INCOMPLETE_VIEW if found.unread else ExitCode.DONE
