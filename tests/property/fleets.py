"""Strategies for small fleets whose files and live side overlap in every way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.tenant import Accepted, Boost, Hold, Overrides, Tenant
from reconciler.model.compute import Compute
from reconciler.model.quota import Consumption, Quota
from reconciler.model.values import replace
from reconciler.plan.concerns import NAMES
from tests.harness.builders import (
    DAY,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    NOON,
    PRO_QUOTA,
    PRO_TIER,
    a_branch,
    a_deleted,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
)
from tests.harness.structs import built

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.model.values import Json

A_DAY = timedelta(days=1)
TENANTS = ("ada", "bob", "cyd", "dee")

sizes = st.sampled_from([(0.25, 2.0), (0.5, 2.0), (1.0, 1.0), (0.5, 4.0), (2.0, 8.0)])
suspends = st.sampled_from([60, 300, 600, -1])
windows = st.sampled_from([0, DAY, 7 * DAY])
limits = st.sampled_from([0, 1, GIB, 5 * GIB])
quotas = st.one_of(
    st.just(FREE_QUOTA), st.just(PRO_QUOTA), st.builds(Quota, limits, limits, limits, limits, limits)
)
used = st.sampled_from([0, 0, 1, GIB])
consumptions = st.one_of(st.none(), st.builds(Consumption, used, used, used, used))
allowed_ips: st.SearchStrategy[dict[str, Json]] = st.sampled_from(
    [{}, {"allowed_ips": {"ips": ["10.0.0.1"]}}, {"hipaa": False}]
)


@st.composite
def computes(draw: st.DrawFn) -> Compute:
    """A whole size with its suspension."""
    low, high = draw(sizes)
    return Compute(low, high, draw(suspends))


replicas = st.none() | st.dictionaries(
    st.sampled_from(["reports", "search"]),
    st.sampled_from([Compute(), Compute(max_cu=2.0), Compute(suspend_timeout_seconds=600)]),
    max_size=2,
)


@st.composite
def overrides(draw: st.DrawFn, tier: str) -> Overrides:
    """What the tier's organization allows."""
    members = st.dictionaries(st.sampled_from(["data_transfer_bytes", "active_time_seconds"]), limits, max_size=1)
    return Overrides(
        quota=draw(members),
        compute=draw(st.sampled_from([None, Compute(max_cu=2.0), Compute(suspend_timeout_seconds=600)])),
        restore_window_seconds=draw(st.sampled_from([None, DAY])) if tier == "free" else draw(st.none() | windows),
        settings=draw(allowed_ips),
        replicas=draw(replicas),
    )


@st.composite
def tenants(draw: st.DrawFn, name: str) -> Tenant:
    """Declared in every way: present, tombstone, protected, pinned."""
    tier = draw(st.sampled_from(["free", "pro", "bare"]))
    return a_tenant(
        name,
        tier=tier,
        overrides=Overrides() if tier == "bare" else draw(overrides(tier)),
        protect=draw(st.booleans()),
        accept=draw(built(Accepted, *([st.sampled_from([True, True, False])] * 3))),
        absent=draw(st.sampled_from([False, False, False, True])),
        project_id=draw(st.sampled_from([None, None, None, f"p-{name}"])),
        suspended=tier != "bare" and draw(st.sampled_from([False, False, False, True])),
        reason="it owes money",
        boosts=() if tier == "bare" else tuple(draw(st.lists(boosts(tier), max_size=2))),
        hold=draw(st.sampled_from([None, None, None, Hold(NOON + A_DAY, "a dispute"), Hold(NOON, "a dispute")])),
    )


@st.composite
def boosts(draw: st.DrawFn, tier: str) -> Boost:
    """One that has ended, or one in force."""
    return Boost(
        draw(st.sampled_from([NOON - A_DAY, NOON, NOON + A_DAY])),
        quota=draw(st.sampled_from([{}, {"active_time_seconds": 0}, {"data_transfer_bytes": 100 * GIB}])),
        compute=draw(st.sampled_from([None, Compute(max_cu=8.0)])) if tier == "pro" else None,
    )


@st.composite
def recoveries(draw: st.DrawFn, desired: DesiredState) -> tuple[DesiredState, LiveState]:
    """The fleet, some tenants asking for a deleted project, beside a live side on which some are deleted."""
    live = draw(views())
    gone = [a_deleted(draw(projects(name, lost=True)), draw(st.sampled_from([-1, 6]))) for name in TENANTS]
    seen = [one for one in gone if draw(st.booleans())]
    orgs = {org: tuple(one for one in seen if one.project.organization == org) for org in ("free", "paid")}
    ids = st.none() | st.sampled_from([one.project.id for one in gone] + [p.id for p in live.projects])
    wanted = {
        name: tenant if tenant.absent or tenant.project_id else replace(tenant, recover=draw(ids))
        for name, tenant in desired.tenants.items()
    }
    return replace(desired, tenants=wanted), replace(live, deleted=orgs)


@st.composite
def desired_states(draw: st.DrawFn, at_least: int = 0) -> DesiredState:
    """Some of four tenants, under some policy."""
    names = draw(st.lists(st.sampled_from(TENANTS), unique=True, min_size=at_least))
    bare = replace(FREE_TIER, name="bare", quota=None, compute=None, restore_window_seconds=None)
    policies = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(DriftPolicy), max_size=2)
    return a_fleet(
        *(draw(tenants(name)) for name in names),
        tiers=(FREE_TIER, PRO_TIER, bare),
        policy=Policy(prune_min_age_seconds=0, drift=draw(policies)),
    )


@st.composite
def projects(draw: st.DrawFn, tenant: str, twin: bool = False, lost: bool = False) -> LiveProject:
    """A tenant's project in any shape: renamed, unannotated, in either organization."""
    project_id = f"p-{tenant}" + ("-twin" if twin else "-lost" if lost else "")
    endpoint = an_endpoint(project_id, draw(computes()), active=draw(st.booleans()))
    named = draw(st.lists(st.sampled_from(["reports", "search", "by hand", ""]), max_size=2))
    readers = (
        replace(an_endpoint(project_id, draw(computes())), id=f"ep-r{index}", kind="read_only", name=name)
        for index, name in enumerate(named)
    )
    annotations = draw(st.sampled_from([a_branch(f"p-{tenant}").annotations, {}]))
    size = draw(st.sampled_from([0, GIB, None]))
    return a_project(
        tenant,
        id=project_id,
        name=draw(st.sampled_from([f"myapp-{tenant}", f"myapp-{tenant}", f"{tenant} by hand"])),
        organization=draw(st.sampled_from(["free", "paid"])),
        quota=draw(quotas),
        compute=draw(computes()),
        restore_window_seconds=draw(windows),
        settings=draw(allowed_ips),
        branches=(a_branch(project_id, annotations=annotations, logical_size_bytes=size),),
        consumption=draw(consumptions),
        endpoints=(endpoint, *readers),
    )


@st.composite
def views(draw: st.DrawFn, at_least: int = 0) -> LiveState:
    """Projects of some tenants, now and then two of one."""
    names = draw(st.lists(st.sampled_from(TENANTS), unique=True, min_size=at_least))
    seen = [draw(projects(name)) for name in names]
    if names and draw(st.integers(0, 4)) == 0:
        seen.append(draw(projects(names[0], twin=True)))
    return a_view(*seen)
