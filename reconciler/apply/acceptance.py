"""Revisions: a tenant's document is put down as accepted right before its first write, unless a newer one is.

Guards refuse an older document while planning. Until the first write another run may accept a newer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.session import Session
    from reconciler.plan.plan import TenantPlan


async def accepted(session: Session, tenants: Sequence[TenantPlan]) -> list[TenantPlan]:
    """Those that may be written to; what becomes of the others is put down."""
    if session.stop.requested:
        return []
    stated = {tenant.tenant: tenant.revision for tenant in tenants if tenant.revision is not None}
    if session.registry is None or not stated:
        return list(tenants)
    try:
        newer = await session.registry.aside(session.registry.accept, stated, session.performer.run, session.now())
    except RegistryError as error:
        _fail([tenant for tenant in tenants if tenant.tenant in stated], session, error)
        return [tenant for tenant in tenants if tenant.tenant not in stated]
    for tenant in tenants:
        if (revision := newer.get(tenant.tenant)) is not None:
            session.tally.skipped(
                tenant.actions[0],
                f"revision {revision} of the tenant was accepted since the plan was made, and this is revision "
                f"{tenant.revision}",
                hint="run again on the newest files",
            )
    return [tenant for tenant in tenants if tenant.tenant not in newer]


def _fail(tenants: Sequence[TenantPlan], session: Session, error: RegistryError) -> None:
    """Nothing is written of which a later run could not tell that it is older."""
    for tenant in tenants:
        session.tally.failed(tenant.actions[0], error)
