"""Plans, reports and costs in which all that comes from outside is one text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import structs

from reconciler.model.annotations import Purpose
from reconciler.model.problem import Location
from reconciler.model.values import JsonText, replace
from reconciler.plan.forecast import Forecast, TierCount
from reconciler.plan.outcome import Deletion, Harm, HarmedTenant, Report, TenantOutcome
from reconciler.plan.plan import (
    Authored,
    Conflict,
    FileChange,
    Layer,
    Note,
    Orphan,
    Plan,
    Refusal,
    Rule,
    TenantPlan,
    TenantTier,
    Unmanaged,
    Waiting,
)
from reconciler.plan.plan_cost import CostRange, PastCost, PlanCost, TenantPastCost, TenantPlanCost
from reconciler.usage.cost import ChargeCost, Cost, OrganizationCost, TenantCost, TierCost
from tests.unit.views import builders as build
from tests.unit.views import usages
from tests.unit.views.builders import MADE

if TYPE_CHECKING:
    from reconciler.usage.usage import Usage


def everything_called(text: str) -> Plan:
    """A plan in which all that comes from outside is this text."""
    place = Location(text, 1)
    live = build.project(text, organization=text)
    delete = replace(build.delete(text, text), source=place)
    return build.plan(
        *_tenants_called(text),
        build.tenant(text, delete, live=live),
        refusals=(
            Refusal(Rule.PROTECTED, (text,), text, text, (delete,)),
            Refusal(Rule.THRESHOLD, (text,), text, text, ()),
        ),
        conflicts=(Conflict(text, text, text, place),),
        orphans=(Orphan(live, text, owned=False),),
        notes=(Note(text, text, place),),
        unmanaged=_unmanaged_called(text),
        file_changes=(
            FileChange(text, text, JsonText.of([text]), text, (text,), place),
            FileChange(text, text, text, text, (), place),
        ),
        waiting=(Waiting(text, text, (text,), changed=False), Waiting(None, text, (text,), changed=True)),
        coverage=replace(build.plan().coverage, organizations=(text,), only=(text,)),
        fleet=text,
        tiers={text: TenantTier(text, text, {text: Layer.OVERRIDE})},
        authored=(
            Authored(place, text, None, text, text, text, text),
            Authored(place, None, text, text, text, text, text),
        ),
        forecast=forecast_called(text),
        refused_forecast=forecast_called(text),
        organizations={text: text},
        monthly_cost=_plan_cost_called(text),
    )


def _tenants_called(text: str) -> tuple[TenantPlan, ...]:
    """Plans with every action but a deletion of the project."""
    place = Location(text, 1)
    values = (
        build.change("name", text, text),
        build.change(f"settings.{text}", JsonText.of({text: [text]}), JsonText.of({text: [text, text]})),
    )
    patch = build.patch(text, text, *values, source=place)
    compute = build.patch_compute(text, text, build.change("compute.max_cu", 1, 2), source=place, branch=text)
    transfer = build.transfer(text, text, text, text, downgrade=False)
    copies = (
        replace(build.create_branch(text, text), parent=text),
        build.create_branch(text, text, purpose=Purpose.SNAPSHOT),
        replace(build.patch_branch(text), changes=(build.change(f"dev_branches.{text}.name", text, text),)),
        replace(build.delete_branch(text, text), branch_id=text),
        replace(build.delete_snapshot(text, text, text), snapshot_id=text),
        replace(build.create_snapshot(text, text), branch=text),
        *(structs.replace(restore, branch=text) for restore in build.restores(text, text)),
    )
    create = replace(build.create(text), organization=text, reason=text)
    return (
        build.tenant(text, patch, compute),
        build.tenant(text, transfer),
        build.tenant(text, *copies),
        build.tenant(text, create),
    )


def _unmanaged_called(text: str) -> tuple[Unmanaged, ...]:
    place = Location(text, 1)
    setting = ((f"settings.{text}", JsonText.of({text: text})),)
    members = ((text, text), (f"{text}.{text}", JsonText.of([text])))
    return (
        Unmanaged(f"settings.{text}", setting, (text,), text, text, (place,)),
        Unmanaged(text, members, (text,), None, "", (place,)),
    )


def _plan_cost_called(text: str) -> PlanCost:
    return PlanCost(
        *(date(2026, 11, 12), text),
        before=CostRange(Decimal(0), Decimal(1)),
        after=CostRange(Decimal(1), Decimal(2), (text,)),
        tenants=(TenantPlanCost(text, None, CostRange(Decimal(1), Decimal(2), (text,))),),
        not_known=(text,),
    )


def forecast_called(text: str) -> Forecast:
    """A forecast in which every number is told, and the tiers are called this text."""
    moved = (
        TierCount(text, "free", 3),
        TierCount(None, text, 2),
        TierCount(text, None, 1),
        TierCount(text, text, 9),
    )
    return Forecast(15, moved, 11, 12, 13, 14, 40, 16, 17, 41, 18, 19, 20, 21, 22)


def past_cost_called(text: str) -> PastCost:
    """The cost of a past month in which all that comes from outside is this text."""
    tenants = (TenantPastCost(text, Decimal(1), Decimal(2)),)
    return PastCost(text, text, Decimal(1), Decimal(2), tenants, (text,), 3)


def cost_called(text: str) -> Cost:
    """The cost of a month in which all that comes from outside is this text."""
    part, amount = ChargeCost("compute", Decimal(3), "CU-hours", Decimal(1)), Decimal(1)
    whole = OrganizationCost(
        *(text, True, True, False, 2, 1, (part,)), other_projects=amount, included=amount, cost=amount
    )
    return Cost(
        fleet=text,
        at=MADE.at,
        month="2026-11",
        period_start=MADE.at,
        until=MADE.at,
        prices_as_of=date(2026, 11, 12),
        currency="USD",
        cost=amount,
        organizations=(whole, replace(whole, whole=False, sponsored=True, read=False)),
        tiers=(TierCost(text, 1, amount),),
        tenants=(TenantCost(text, text, text, text, amount, (part,)),),
        without_project=(text,),
        unread=(text,),
        notes=(Note(text, text, Location(text, 1)),),
        left_out=1,
        calls=2,
        least_calls=2,
        api_host=text,
    )


def report_called(text: str) -> Report:
    """A report in which all that comes from outside is this text."""
    planned = everything_called(text).tenants
    report = build.report(
        *(build.failed(tenant, after=0, message=text) for tenant in planned),
        *(build.skipped(tenant, text) for tenant in planned),
        *(build.with_message(build.applied(tenant, project_id=text), text) for tenant in planned),
        *(_deleted(text, tenant) for tenant in planned),
        stopped=text,
    )
    return replace(report, api_host=text, harm=Harm(text, 1, 2, 3, 1, (HarmedTenant(text, (text,)),)))


def _deleted(text: str, planned: TenantPlan) -> TenantOutcome:
    """A deleted project whose tenant, id and dump are this text."""
    record = Deletion(text, text, MADE.at, MADE.at, dump=text)
    return replace(build.applied(planned), deletion=record)


def usage_called(text: str) -> Usage:
    """A usage in which all that comes from outside is this text."""
    told = usages.at_limits([text] * 4)
    tenants = tuple(
        replace(
            one, tier=text, organization=text, project_id=text, suspended_by_file=one.suspended_by_file and text
        )
        for one in told.tenants
    )
    organizations = tuple(replace(one, organization=text) for one in told.organizations)
    notes = (Note(text, text, Location(text, 1)),)
    named: dict[str, Any] = {"without_project": (text,), "unread": (text,), "api_host": text, "fleet": text}
    return replace(told, tenants=tenants, organizations=organizations, notes=notes, **named)
