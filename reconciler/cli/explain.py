"""``reconciler explain``: where each value of a tenant comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.runtime import runtime
from reconciler.cli.tenant_command import one_tenant
from reconciler.errors import ExitCode
from reconciler.files.key_places import KeyPlaces
from reconciler.files.tree import WorkTree
from reconciler.plan.explained import explained
from reconciler.plan.identity import identify
from reconciler.views.view import ExplainedView

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.cli.flags import AccountFlags, FilesFlags, OutputFlags
    from reconciler.fleet import Fleet
    from reconciler.live.project import LiveProject


def run(
    tenant: str, files: FilesFlags, account: AccountFlags, base: str | None, live: bool, output: OutputFlags
) -> ExitCode:
    """Shows each value; with ``live``, reads the tenant's project. Writes nothing."""
    check_outputs(output, ExplainedView)
    few = one_tenant(files, tenant, base)
    name = few.names[0]

    async def look(fleet: Fleet) -> tuple[LiveProject | None, datetime]:
        planned = await fleet.plan_few(name, request=few.request)
        return identify(few.desired, planned.live).projects.get(name), planned.at

    project, at = None, runtime().now
    if live:
        project, at = with_fleet(account, few.desired, look, files=few.files, base=base)
    desired = few.desired.at(at)
    declared = desired.tenants[name]
    places = KeyPlaces(WorkTree(files.directory), desired, declared)
    publish(output, ExplainedView(explained(desired, declared, places.locate, project), live))
    return ExitCode.DONE
