"""Desired and live things with believable defaults; a test states only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.desired.naming import Naming
from reconciler.desired.policies import DeclaredPolicy, Expression, OnViolation, Scope
from reconciler.desired.policy import Policy
from reconciler.desired.selection import Selection
from reconciler.desired.state import DesiredState
from reconciler.desired.tenant import Accepted, Tenant
from reconciler.desired.tier import EnvReference, Organization, OrganizationLimits, Tier
from reconciler.live.project import DeletedProject, LiveBranch, LiveEndpoint, LiveProject
from reconciler.live.state import LiveState
from reconciler.model.annotations import creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.problem import Location
from reconciler.model.quota import Consumption, Quota
from reconciler.model.values import replace
from reconciler.plan import planner
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.policies.judge import Judge
from reconciler.policies.subject import PolicyContext

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan
    from reconciler.plan.policies import PolicyJudge

NOON = datetime(2030, 5, 4, 12, tzinfo=UTC)
HERE = Location("tiers.yaml", 1)
MIB, GIB, HOUR, DAY = 2**20, 2**30, 3600, 86_400

FREE_QUOTA = Quota(active_time_seconds=100 * HOUR, logical_size_bytes=512 * MIB, data_transfer_bytes=5 * GIB)
PRO_QUOTA = Quota(active_time_seconds=750 * HOUR, logical_size_bytes=10 * GIB, data_transfer_bytes=50 * GIB)
FREE_COMPUTE = Compute(0.25, 2, 300)
PRO_COMPUTE = Compute(0.5, 4, 300)
UNUSED = Consumption(0, 0, 0, 0)
HISTORY_MAY_GO = Accepted(history_loss=True)

FREE_LIMITS = OrganizationLimits(
    projects=30_000,
    branches=10,
    snapshots=1,
    min_cu=0.25,
    max_cu=2,
    restore_window_seconds=DAY,
    min_suspend_timeout_seconds=300,
)
PAID_LIMITS = OrganizationLimits(
    projects=30_000,
    branches=1000,
    snapshots=10,
    min_cu=0.25,
    max_cu=16,
    restore_window_seconds=7 * DAY,
    min_suspend_timeout_seconds=60,
)


def an_organization(name: str, limits: OrganizationLimits) -> Organization:
    """An organization whose id and key stand in FREE_ORG_ID, FREE_ORG_API_KEY and so on."""
    upper = name.upper()
    return Organization(
        name, EnvReference(f"NEON_{upper}_ORG_ID"), EnvReference(f"{upper}_ORG_API_KEY"), limits, HERE
    )


FREE = an_organization("free", FREE_LIMITS)
PAID = an_organization("paid", PAID_LIMITS)
FREE_TIER = Tier("free", "free", HERE, quota=FREE_QUOTA, compute=FREE_COMPUTE, restore_window_seconds=DAY)
PRO_TIER = Tier("pro", "paid", HERE, quota=PRO_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=7 * DAY)


def a_tenant(name: str = "acme", tier: str = "free", **fields: Any) -> Tenant:
    """A tenant of the free tier, declared in a file of its own."""
    return Tenant(name, tier, Location(f"tenants/{name}.yaml"), **fields)


def a_fleet(
    *tenants: Tenant,
    tiers: tuple[Tier, ...] = (FREE_TIER, PRO_TIER),
    organizations: tuple[Organization, ...] = (FREE, PAID),
    policy: Policy = Policy(),
    **fields: Any,
) -> DesiredState:
    """Fleet prod, with the guide's two organizations and two tiers."""
    return DesiredState(
        fleet="prod",
        naming=fields.pop("naming", Naming("myapp-{tenant}")),
        organizations={organization.name: organization for organization in organizations},
        tiers={tier.name: tier for tier in tiers},
        tenants={tenant.name: tenant for tenant in sorted(tenants, key=lambda tenant: tenant.name)},
        personal_api_key=EnvReference("PERSONAL_API_KEY"),
        policy=policy,
        **fields,
    )


def a_branch(project_id: str = "p-acme", **fields: Any) -> LiveBranch:
    """The default branch, annotated as tenant acme's of fleet prod unless stated otherwise."""
    defaults: dict[str, Any] = {
        "id": f"br-{project_id}",
        "name": "main",
        "parent_id": None,
        "default": True,
        "protected": False,
        "annotations": creation_annotations(fleet="prod", tenant=project_id.removeprefix("p-"), run="r0"),
        "created_at": NOON - timedelta(days=100),
        "logical_size_bytes": 0,
    }
    return LiveBranch(**{**defaults, **fields})


def an_endpoint(project_id: str = "p-acme", compute: Compute = FREE_COMPUTE, **fields: Any) -> LiveEndpoint:
    """The running read-write compute of the default branch."""
    defaults: dict[str, Any] = {
        "id": f"ep-{project_id}",
        "branch_id": f"br-{project_id}",
        "kind": "read_write",
        "compute": compute,
        "active": True,
    }
    return LiveEndpoint(**{**defaults, **fields})


def a_project(tenant: str = "acme", *, details: bool = True, **fields: Any) -> LiveProject:
    """A project in sync with tier free, its details observed."""
    project_id = fields.pop("id", f"p-{tenant}")
    compute = fields.get("compute", FREE_COMPUTE)
    defaults: dict[str, Any] = {
        "id": project_id,
        "name": f"myapp-{tenant}",
        "organization": "free",
        "region": "aws-us-east-2",
        "pg_version": 17,
        "created_at": NOON,
        "quota": FREE_QUOTA,
        "compute": compute,
        "restore_window_seconds": DAY,
        "settings": {},
        "integrations": (),
    }
    if details:
        defaults["branches"] = (a_branch(project_id),)
        defaults["endpoints"] = (an_endpoint(project_id, compute or FREE_COMPUTE),)
        defaults["snapshots"] = ()
        defaults["consumption"] = UNUSED
    return LiveProject(**{**defaults, **fields})


def an_unused_project(tenant: str = "acme", **fields: Any) -> LiveProject:
    """One that nobody has used since its creation, 30 days ago."""
    idle = (an_endpoint(f"p-{tenant}", active=False),)
    return a_project(tenant, **{"created_at": NOON - timedelta(days=30), "endpoints": idle, **fields})


def a_pro_project(tenant: str = "acme", **fields: Any) -> LiveProject:
    """A project in sync with tier pro, its details observed."""
    defaults: dict[str, Any] = {
        "organization": "paid",
        "quota": PRO_QUOTA,
        "compute": PRO_COMPUTE,
        "restore_window_seconds": 7 * DAY,
    }
    return a_project(tenant, **{**defaults, **fields})


def a_deleted(project: LiveProject, days_left: int = 6) -> DeletedProject:
    """The project as it is listed once it was deleted: nothing below it can be seen."""
    until = NOON + timedelta(days=days_left)
    bare = replace(project, branches=None, endpoints=None, snapshots=None)
    return DeletedProject(bare, until - timedelta(days=7), until)


def a_view(*projects: LiveProject, listed: bool = True, **fields: Any) -> LiveState:
    """Both organizations listed whole, in the order that LiveState promises."""
    ordered = tuple(sorted(projects, key=lambda project: (project.organization, project.name, project.id)))
    counts = {name: sum(p.organization == name for p in projects) for name in ("free", "paid")}
    return LiveState(projects=ordered, listed=counts if listed else {}, **fields)


def reordered(state: LiveState, projects: tuple[LiveProject, ...]) -> LiveState:
    """The same view with its projects in another order."""
    return replace(state, projects=projects)


def make_plan(desired: DesiredState, live: LiveState, *, now: datetime = NOON, **given: Any) -> Plan:
    """The planner at noon. ``base`` is short for a history that has nothing else."""
    base = given.pop("base", None)
    return planner.make_plan(desired, live, now=now, **{"history": History(base), **given})


def guarded_plan(
    desired: DesiredState,
    live: LiveState,
    permissions: Permissions = Permissions(),
    *,
    now: datetime = NOON,
    selection: Selection = Selection(),
    strict: bool = False,
    policies: PolicyJudge | None = None,
    **given: Any,
) -> Plan:
    """What the guards leave of the plan, which has the same history and selection as they; at noon."""
    history = given.pop("history", None) or History(given.pop("base", None))
    made = make_plan(desired, live, now=now, history=history, selection=selection, **given)
    return guard(
        made,
        desired,
        live,
        permissions,
        history=history,
        selection=selection,
        strict=strict,
        now=now,
        policies=policies,
    )


def a_policy(
    require: str = "true", *, name: str = "rule", scope: Scope = Scope.TENANT, when: str = "", **fields: Any
) -> DeclaredPolicy:
    """A policy that denies, with one requirement."""
    place = Location(f"policies/{name}.yaml")
    given: dict[str, Any] = {
        "effect": OnViolation.DENY,
        "message": Expression(fields.pop("message", "not allowed"), place),
        "tiers": frozenset(),
        "labels": (),
        "examples": (),
        **fields,
    }
    return DeclaredPolicy(
        name=name,
        scope=scope,
        when=(Expression(when, place),) if when else (),
        require=(Expression(require, place),),
        location=place,
        **given,
    )


def a_judge(
    desired: DesiredState, *policies: DeclaredPolicy, history: History = History(), **around: Any
) -> Judge:
    """What evaluates policies for a fleet; its processor time stands still."""
    spent = around.pop("spent", lambda: 0.0)
    known = PolicyContext(desired=desired, history=history, **{"now": NOON, **around})
    return Judge(policies, known, spent=spent)
