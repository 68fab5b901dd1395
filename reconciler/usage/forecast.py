"""The effects of a plan on the tenants that it changes, in numbers. Pure; nothing is read for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from reconciler.desired.tier import USAGE_THRESHOLDS
from reconciler.plan.actions.branch import ResetBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import CreateProject, DeleteProject, TransferProject
from reconciler.plan.change import Risk
from reconciler.plan.concerns import restore_window
from reconciler.plan.forecast import Forecast, TierCount
from reconciler.usage.after_plan import LISTED, Outcome, outcomes
from reconciler.usage.amounts import PERIODIC
from reconciler.usage.thresholds import highest_crossed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.plan.plan import TenantPlan, TenantTier


class _Today(NamedTuple):
    """How a tenant uses its quotas now."""

    used_up: bool
    above: bool
    at_most: bool
    """Whether only a list tells the active time."""


def forecast(
    planned: Sequence[TenantPlan], tiers: Mapping[str, TenantTier], desired: DesiredState
) -> Forecast | None:
    """Return what the planned actions mean for their tenants; None without any."""
    if not planned:
        return None
    today = [found for tenant in planned if (found := _today(tenant, tiers, desired)) is not None]
    read, listed = ([one for one in today if one.at_most is most] for most in (False, True))
    after = Counter(outcomes(planned, desired).values())
    starts = [_starts(tenant) for tenant in planned]
    return Forecast(
        tenants=len(planned),
        tiers=tuple(_tier_counts(planned, tiers)),
        restarting=sum(True in running for running in starts),
        waking=sum(running == {False} for running in starts),
        losing_history=sum(map(_loses_history, planned)),
        losing_keys=sum(tenant.includes(TransferProject) for tenant in planned),
        usage_known=len(read),
        suspended=sum(one.used_up for one in read),
        above=sum(one.above and not one.used_up for one in read),
        usage_listed=len(listed),
        suspended_at_most=sum(one.used_up for one in listed),
        above_at_most=sum(one.above and not one.used_up for one in listed),
        used_up_after=after[Outcome.SUSPENDED],
        above_after=after[Outcome.NEAR],
        resumed_after=after[Outcome.RESUMED],
    )


def _tier_counts(planned: Iterable[TenantPlan], tiers: Mapping[str, TenantTier]) -> list[TierCount]:
    pairs = (_tiers(tenant, tiers.get(tenant.tenant)) for tenant in planned)
    counts = Counter(pair for pair in pairs if pair != (None, None))
    found = [TierCount(before, after, count) for (before, after), count in counts.items()]
    return sorted(
        found, key=lambda one: (one.before == one.after, -one.tenants, one.before or "", one.after or "")
    )


def _tiers(tenant: TenantPlan, tier: TenantTier | None) -> tuple[str | None, str | None]:
    """Return the tier before and after; None twice if the earlier one is not known."""
    if tier is None:
        return None, None
    if tenant.includes(CreateProject):
        return None, tier.tier
    if tenant.includes(DeleteProject):
        return tier.before or tier.tier, None
    return tier.before, None if tier.before is None else tier.tier


def _starts(tenant: TenantPlan) -> set[bool]:
    """Return, for each compute that is patched, whether it runs now and is restarted."""
    patches = (action for action in tenant.actions if isinstance(action, PatchEndpoint))
    found = ((patch, _endpoint(tenant.project, patch)) for patch in patches)
    return {
        patch.risk is Risk.DISRUPTIVE if endpoint is None or endpoint.active else False
        for patch, endpoint in found
    }


def _endpoint(project: LiveProject | None, patch: PatchEndpoint) -> LiveEndpoint | None:
    branches = () if project is None else project.branches or ()
    branch = next((one.id for one in branches if one.name == patch.branch), None)
    return None if project is None or branch is None else project.compute_of(branch, patch.replica)


def _loses_history(tenant: TenantPlan) -> bool:
    shorter = any(
        c.path == restore_window.PATH and c.lowering for action in tenant.actions for c in action.changes
    )
    return shorter or tenant.includes(ResetBranch)


def _today(tenant: TenantPlan, tiers: Mapping[str, TenantTier], desired: DesiredState) -> _Today | None:
    """Return how the tenant uses its quotas; None if nothing of it was read."""
    project = tenant.project
    used = {} if project is None else _used(project)
    if project is None or project.quota is None or not used:
        return None
    tier = desired.tiers.get(tiers[tenant.tenant].tier) if tenant.tenant in tiers else None
    thresholds = (USAGE_THRESHOLDS if tier is None else tier.usage_thresholds)[:1]
    limits = ((amount, getattr(project.quota, name)) for name, amount in used.items())
    limited = [(amount, limit) for amount, limit in limits if limit]
    return _Today(
        used_up=any(amount >= limit for amount, limit in limited),
        above=any(highest_crossed(thresholds, amount, limit) is not None for amount, limit in limited),
        at_most=project.consumption is None,
    )


def _used(project: LiveProject) -> dict[str, int]:
    """Return what is used of the quotas of the period, as far as it was read."""
    if project.consumption is None:
        listed = project.listed_active_seconds
        return {} if listed is None else {LISTED: listed}
    read = ((name, getattr(project.consumption, name)) for name in PERIODIC)
    return {name: amount for name, amount in read if amount is not None}
