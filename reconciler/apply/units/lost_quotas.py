"""The quota of a project that has moved, which Neon may remove with the move: it does not document that.

Most tenants that move get another quota, and the patch after the transfer sends all of it. Where there is none,
where it fails, or where the run ends before it, a lost quota would let the tenant use any amount, so the run sends
the one that was there before. It reads the project first, unless it knows by then that the route keeps quotas: one
read of each shared transfer shows it.

The journal names the projects whose quotas are at risk before the transfer, and what became of each: a later run
sends the quota where this one died in between (``apply/journals/interrupted_moves.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.apply.steps.steps import carry_out
from reconciler.apply.steps.unmentioned import patch_project
from reconciler.model.values import replace
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.change import FieldChange
from reconciler.plan.concerns.quota import PATHS
from reconciler.plan.live_values import project_fields
from reconciler.plan.moves import has_quota

if TYPE_CHECKING:
    from reconciler.apply.address import Address
    from reconciler.apply.run.routes import Route
    from reconciler.apply.run.run import Run
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import TenantPlan

LOST: Final = "Neon removed the quota with the transfer"


def learn(route: Route, tenant: TenantPlan, seen: LiveProject | None) -> None:
    """Learns from the answer to a read after the transfer, if it is about the tenant's project."""
    before = tenant.project
    if before is not None and seen is not None and before.id == seen.id and has_quota(before):
        route.keeps_quotas = route.keeps_quotas or seen.quota == before.quota


async def keep_quota(run: Run, route: Route, tenant: TenantPlan, address: Address) -> Address:
    """Sends the quota again that the project had before its transfer, if it has none now.

    Returns the address with the project as it is then: a later patch that does not mention the quota must know
    that there is one to lose. Also if the run is to end: no later run knows what was lost. Raises what the client
    raises, and NotTakenError if Neon does not take the quota.
    """
    before = tenant.project
    if before is None or not has_quota(before):
        return address
    if route.keeps_quotas:
        run.writes.has_quota(address.project_id)
        return address
    run.neon.finish_with(address.project_id)
    now = await run.neon.project(*address.project_key)
    learn(route, tenant, now)
    if has_quota(now):
        run.writes.has_quota(address.project_id)
        return address.seen(now)
    performed = await patch_project(run, _restoration(tenant, before), address.seen(now), carry_out)
    if performed.shortfall is not None:
        raise performed.shortfall
    await run.neon.wait(*address.project_key, performed.operations)
    return address.seen(replace(now, quota=before.quota))


def _restoration(tenant: TenantPlan, before: LiveProject) -> PatchProject:
    """The patch that sends the whole quota: for the journal, it is as it was before the run."""
    quota = {path: value for path, value in project_fields(before).items() if path in PATHS}
    source = tenant.actions[0].source
    return PatchProject(
        tenant=tenant.tenant,
        reason=LOST,
        source=source,
        changes=tuple(FieldChange(path, value, value) for path, value in quota.items()),
    )
