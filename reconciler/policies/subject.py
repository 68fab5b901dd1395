"""What a policy judges: a plan, and within it one tenant, action or change."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.plan.actions.project import CreateProject, DeleteProject
from reconciler.plan.change import Risk
from reconciler.usage.after_plan import suspended_by
from reconciler.usage.amounts import amount, limits
from reconciler.usage.period import period_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.history import History
    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.plan.plan_cost import PlanCost


class PolicyContext(Struct, frozen=True, kw_only=True):
    """What a plan was made from and with, as far as policies know it."""

    desired: DesiredState
    history: History
    now: datetime
    commit: str | None = None
    approvals: tuple[str, ...] = ()
    """The people who approved the run."""


class PlanSubject(Struct, frozen=True, dict=True):
    """A plan, as it is judged: without what the guards refuse."""

    plan: Plan
    context: PolicyContext

    @cached_property
    def risks(self) -> Mapping[str, int]:
        """The number of actions of each risk."""
        counted = Counter(action.risk for action in self.plan.actions)
        return {risk.value: counted[risk] for risk in Risk}

    @cached_property
    def actions(self) -> Mapping[str, int]:
        """The number of actions of each kind."""
        return dict(Counter(action.kind for action in self.plan.actions))

    @cached_property
    def transitions(self) -> Mapping[str, int]:
        """The number of tenants by change of tier, as in ``free -> pro``."""
        subjects = (TenantSubject(self, planned) for planned in self.plan.tenants)
        turns = ((one.tier_before, one.tier) for one in subjects)
        return dict(Counter(f"{before} -> {after}" for before, after in turns if before and before != after))

    @cached_property
    def suspended(self) -> frozenset[str]:
        """The tenants that the plan suspends."""
        return suspended_by(self.plan, self.context.desired)

    @cached_property
    def tiers_edited(self) -> frozenset[str]:
        """The tiers that the base declares differently, or not at all."""
        base = self.context.history.base
        tiers = self.context.desired.tiers
        return frozenset() if base is None else frozenset(n for n in tiers if tiers[n] != base.tiers.get(n))

    @cached_property
    def cost(self) -> PlanCost | None:
        """What the plan does to the cost of a month; None without prices, or if no limit changes."""
        if self.context.desired.prices is None:
            return None
        from reconciler.plan.costs import with_cost  # noqa: PLC0415 - for prices only

        return with_cost(self.plan, self.context.desired).monthly_cost


class TenantSubject(Struct, frozen=True, dict=True):
    """One tenant of a plan."""

    of: PlanSubject
    planned: TenantPlan

    @cached_property
    def declared(self) -> Tenant | None:
        """As the files declare it; None for a project that no file declares."""
        return self.of.context.desired.tenants.get(self.planned.tenant)

    @cached_property
    def before(self) -> Tenant | None:
        """As the base declares it."""
        return self.of.context.history.known(self.planned.tenant)

    @property
    def tier(self) -> str:
        """The declared tier."""
        return self.declared.tier if self.declared else ""

    @property
    def tier_before(self) -> str:
        """The tier at the base."""
        return self.before.tier if self.before else ""

    @property
    def organization(self) -> str:
        """The organization of the tier; for a project that no file declares, its own."""
        home = self.of.context.desired.organization_of(self.declared) if self.declared else None
        project = self.planned.project
        return home or (project.organization if project else "")

    @property
    def project_name(self) -> str:
        """The name of its live project; empty for a new one."""
        return self.planned.project.name if self.planned.project else ""

    @property
    def is_new(self) -> bool:
        """Whether its project is created."""
        return self.planned.includes(CreateProject)

    @property
    def is_deleted(self) -> bool:
        """Whether its project is deleted."""
        return self.planned.includes(DeleteProject)

    @cached_property
    def usage(self) -> Mapping[str, float]:
        """The used share of each limited quota, as far as it was read."""
        project = self.planned.project
        if project is None:
            return {}
        period = period_of(self.of.context.now)
        used = ((quota, amount(project, None, period, quota), limit) for quota, limit in limits(project).items())
        return {quota: one.used / limit for quota, one, limit in used if one is not None}


class PolicySubject(Struct, frozen=True):
    """What one evaluation is about; the parts that are narrower than the scope are None."""

    plan: PlanSubject
    tenant: TenantSubject | None = None
    action: Action | None = None
    change: FieldChange | None = None
