"""Suspensions, boosts and holds of tenants: which are in force, and which can be removed from the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.moments import rfc3339
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Boost, Hold, Tenant
    from reconciler.plan.plan import TenantPlan

SHOWING: Final = frozenset({"patch_project", "patch_endpoint", "suspend_compute"})
"""Kinds of actions whose reason names a suspension and boosts."""


def hold_text(hold: Hold) -> str:
    """Return the hold as a message says it: ``held until 2030-06-01T00:00:00Z: a migration runs``."""
    return f"held until {rfc3339(hold.until)}: {hold.reason}"


def ended(desired: DesiredState, at: datetime) -> frozenset[str]:
    """Return the tenants with a boost or a hold that has ended: something may be due without a commit."""
    return frozenset(tenant.name for tenant in desired.special if any(_ended(tenant, at)))


def _ended(tenant: Tenant, at: datetime) -> Iterator[bool]:
    yield tenant.hold is not None and not tenant.hold.in_force(at)
    yield from (not boost.in_force(at) for boost in tenant.boosts)


def notes(desired: DesiredState, tenants: Iterable[Tenant], plans: Iterable[TenantPlan]) -> Iterator[Note]:
    """Yield each hold, suspension and boost, and those that have ended.

    Actions show suspensions and boosts in their reasons; a hold is reported besides what it holds back.
    """
    shown = {plan.tenant: frozenset(action.kind for action in plan.actions) for plan in plans}
    for tenant in tenants:
        kinds = shown.get(tenant.name, frozenset())
        if tenant.hold is not None:
            yield Note.about(tenant, _of_hold(tenant.hold, desired.moment))
        if not tenant.absent and kinds.isdisjoint(SHOWING):
            yield from (Note.about(tenant, _of_boost(boost, desired.moment)) for boost in tenant.boosts)
            if tenant.suspended:
                yield Note.about(tenant, f"suspended: {tenant.reason}")


def _of_hold(hold: Hold, at: datetime | None) -> str:
    ended = f"the hold ended at {rfc3339(hold.until)} and has no effect: remove it"
    return hold_text(hold) if hold.in_force(at) else ended


def _of_boost(boost: Boost, at: datetime | None) -> str:
    return f"{boost}" if boost.in_force(at) else f"{boost} has ended: remove it"
