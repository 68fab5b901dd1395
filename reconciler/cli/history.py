"""``reconciler history``: the moments that a tenant can be restored to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.tenant_command import one_tenant
from reconciler.errors import ExitCode
from reconciler.views.view import HistoryView

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, FilesFlags, OutputFlags
    from reconciler.fleet import Fleet
    from reconciler.plan.return_points import ReturnPoints


def run(tenant: str, files: FilesFlags, account: AccountFlags, base: str | None, output: OutputFlags) -> ExitCode:
    """Reads and shows the moments; writes nothing."""
    check_outputs(output, HistoryView)
    few = one_tenant(files, tenant, base)

    async def read(fleet: Fleet) -> ReturnPoints:
        return await fleet.history(few.names[0], request=few.request)

    points = with_fleet(account, few.desired, read, files=few.files, base=base)
    publish(output, HistoryView(points))
    return ExitCode.DONE
