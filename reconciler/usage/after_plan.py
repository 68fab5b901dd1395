"""Who would be above a threshold, at a limit, or free again, after a plan that changes quotas."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from reconciler.desired.tier import USAGE_THRESHOLDS
from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import BY_PATH
from reconciler.model.quota import OFF
from reconciler.model.units import roughly_bytes, roughly_seconds
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.concerns.quota import PATHS
from reconciler.plan.plan import Note
from reconciler.plan.suspensions import PATH as SUSPENSION
from reconciler.usage.amounts import LOGICAL_SIZE, Amount, largest_branch
from reconciler.usage.thresholds import highest_crossed, percent_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.model.fields.field import Field
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Plan, TenantPlan

LISTED: Final = "active_time_seconds"
"""The one quota whose use a list shows."""


def notes_after(plan: Plan, desired: DesiredState) -> Iterator[Note]:
    """A note for each quota that the plan changes to where the tenant's use crosses a threshold.

    A planned reduction of a quota has read what is used of it. Of a raised one, the list shows the active time, at
    most; nothing is read for it. Tenants that their files suspend need no such note.
    """
    for tenant, effect in _effects(plan.tenants, desired):
        yield Note.about(tenant, f"after this plan {effect.words}")


def suspended_by(plan: Plan, desired: DesiredState) -> frozenset[str]:
    """The tenants that a plan suspends: by a quota that is used up after it, or as their files say."""
    used_up = (tenant.name for tenant, each in _changed(plan.tenants, desired) if _suspends(each))
    return frozenset((*used_up, *(planned.tenant for planned in plan.tenants if _is_suspended(planned, desired))))


def _suspends(changed: _Changed) -> bool:
    """Whether Neon suspends the project: at the quota of its data, writes fail instead."""
    if not changed.change.lowering or BY_PATH[changed.change.path].name == LOGICAL_SIZE:
        return False
    effect = changed.effect()
    return effect is not None and effect.outcome is Outcome.SUSPENDED


def _is_suspended(planned: TenantPlan, desired: DesiredState) -> bool:
    tenant = desired.tenants.get(planned.tenant)
    if tenant is None or not tenant.suspended:
        return False
    changes = (change for action in planned.actions for change in action.changes)
    return any(change.path in (*PATHS, SUSPENSION) and change.lowering for change in changes)


def outcomes(planned: Iterable[TenantPlan], desired: DesiredState) -> dict[str, Outcome]:
    """What the changed quotas mean, by tenant: of several the worst."""
    found: dict[str, Outcome] = {}
    for tenant, effect in _effects(planned, desired):
        worst = min(effect.outcome, found.get(tenant.name, effect.outcome), key=list(Outcome).index)
        found[tenant.name] = worst
    return found


def _effects(planned: Iterable[TenantPlan], desired: DesiredState) -> Iterator[tuple[Tenant, UsageEffect]]:
    return ((tenant, effect) for tenant, each in _changed(planned, desired) if (effect := each.effect()))


class Outcome(Enum):
    """What a changed quota means for a tenant, the worst first."""

    SUSPENDED = "used up"
    NEAR = "above a threshold"
    RESUMED = "no longer used up"


class UsageEffect(NamedTuple):
    """What a changed quota means for one tenant, in words that follow "after this plan"."""

    outcome: Outcome
    words: str


class _Changed(Struct, frozen=True):
    """A quota of a tenant that the plan changes."""

    change: FieldChange
    limit: int
    project: LiveProject
    thresholds: tuple[int, ...]

    def effect(self) -> UsageEffect | None:
        used = self._used()
        if used is None or not self.limit:
            return self._freed(used)
        if used.used >= self.limit and not used.at_most:
            return UsageEffect(
                Outcome.SUSPENDED, f"{self._stopped()}: {self._label} is used up, {self._amounts(used)}"
            )
        if highest_crossed(self.thresholds, used.used, self.limit) is not None:
            share = f"{percent_of(used.used, self.limit):.1f}% of {self._label}"
            most = "at most " if used.at_most else ""
            return UsageEffect(Outcome.NEAR, f"{most}{share} would be used, {self._amounts(used)}")
        return self._freed(used)

    def _freed(self, used: Amount | None) -> UsageEffect | None:
        """That computes start again: the quota of the period is used up now, and is not after it."""
        before = self.change.before
        if used is None or self._name == LOGICAL_SIZE or not isinstance(before, int) or not before:
            return None
        if used.used < before or before == OFF:
            return None
        limit = self._field.worded(self.limit)
        return UsageEffect(Outcome.RESUMED, f"its computes can start again: {self._label} is raised to {limit}")

    def _stopped(self) -> str:
        if self._name == LOGICAL_SIZE:
            return "writes would fail"
        return "Neon would suspend the tenant" if self.change.lowering else "the tenant would stay suspended"

    def _amounts(self, used: Amount) -> str:
        amount = (roughly_bytes if self._field.unit is Unit.BYTES else roughly_seconds)(used.used)
        return f"{amount} of {self._field.worded(self.limit)}"

    def _used(self) -> Amount | None:
        if self._name == LOGICAL_SIZE:
            size = largest_branch(self.project)
            return None if size is None else Amount(size)
        counted: int | None = getattr(self.project.consumption, self._name, None)
        if counted is not None:
            return Amount(counted)
        listed = self.project.listed_active_seconds if self._name == LISTED else None
        return None if listed is None or self.change.lowering else Amount(listed, at_most=True)

    @property
    def _field(self) -> Field:
        return BY_PATH[self.change.path]

    @property
    def _name(self) -> str:
        return self._field.name

    @property
    def _label(self) -> str:
        return self._field.label


def _changed(tenants: Iterable[TenantPlan], desired: DesiredState) -> Iterator[tuple[Tenant, _Changed]]:
    for planned in tenants:
        tenant = desired.tenants.get(planned.tenant)
        if tenant is None or tenant.suspended or planned.project is None:
            continue
        tier = desired.tiers.get(tenant.tier)
        thresholds = USAGE_THRESHOLDS if tier is None else tier.usage_thresholds
        changes = (one for each in planned.actions if isinstance(each, PatchProject) for one in each.changes)
        for change in changes:
            if change.path in PATHS and isinstance(change.after, int):
                yield tenant, _Changed(change, change.after, planned.project, thresholds)
