"""Strategies for what lies below a project: branches and snapshots, declared and live, overlapping at will."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.rotation import Rotation
from reconciler.desired.tenant import DevBranch, Snapshot, Tenant
from reconciler.desired.tier import AtLimit, DevBranchPolicy, SnapshotMethod, SnapshotPolicy
from reconciler.live.project import LiveBranch, LiveProject, LiveSnapshot
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from tests.harness.builders import (
    FREE_LIMITS,
    FREE_TIER,
    NOON,
    PAID,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_organization,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

BRANCHES = ("dev", "qa", "demo")
SNAPSHOTS = ("v1", "v2", "v3")
TENANTS = ("ada", "bob")

moments = st.sampled_from([-9.5, -3.5, -0.5, 0.5, 3.5]).map(lambda days: NOON + timedelta(days=days))
sizes = st.sampled_from([None, Compute(max_cu=1), Compute(0.25, 0.5, 300), Compute(suspend_timeout_seconds=600)])


@st.composite
def dev_branches(draw: st.DrawFn) -> tuple[DevBranch, ...] | None:
    """Each name at most once; parents only among the branches before it, as the files' checks demand."""
    names = draw(st.none() | st.lists(st.sampled_from(BRANCHES), unique=True))
    if names is None:
        return None
    return tuple(
        DevBranch(
            name,
            parent=draw(st.sampled_from([None, "main", "nowhere", *names[:place]])),
            at=draw(st.none() | moments),
            compute=draw(sizes),
            expires_at=draw(st.none() | moments),
            schema_only=draw(st.booleans()),
        )
        for place, name in enumerate(names)
    )


@st.composite
def snapshots(draw: st.DrawFn) -> tuple[Snapshot, ...] | None:
    """Each name at most once."""
    names = draw(st.none() | st.lists(st.sampled_from(SNAPSHOTS), unique=True))
    if names is None:
        return None
    return tuple(Snapshot(name, draw(st.none() | moments), draw(st.none() | moments)) for name in names)


@st.composite
def tenants(draw: st.DrawFn, name: str) -> Tenant:
    """A tenant of either tier."""
    return a_tenant(
        name,
        tier=draw(st.sampled_from(["free", "pro"])),
        dev_branches=draw(dev_branches()),
        snapshots=draw(snapshots()),
        protect=draw(st.sampled_from([False, False, True])),
    )


DAILY: Final = Rotation("auto-{date}", 86_400, 1)


@st.composite
def desired_states(draw: st.DrawFn) -> DesiredState:
    """Two tenants in organizations with tight limits, snapshots kept either way."""
    policy = SnapshotPolicy(
        draw(st.sampled_from(AtLimit)), draw(st.sampled_from(SnapshotMethod)), draw(st.sampled_from([None, DAILY]))
    )
    dev = DevBranchPolicy(max=5, compute=draw(sizes))
    free = an_organization("free", replace(FREE_LIMITS, branches=draw(st.integers(2, 4)), snapshots=1))
    policies = st.dictionaries(
        st.sampled_from(["dev_branches", "snapshots"]), st.sampled_from(DriftPolicy), max_size=1
    )
    return a_fleet(
        *(draw(tenants(name)) for name in TENANTS),
        tiers=tuple(replace(tier, snapshots=policy, dev_branches=dev) for tier in (FREE_TIER, PRO_TIER)),
        organizations=(free, PAID),
        policy=Policy(drift=draw(policies)),
    )


@st.composite
def live_branches(draw: st.DrawFn, tenant: str) -> tuple[LiveBranch, ...]:
    """Ours or not, renamed, left by a restore, protected, expiring, children of each other."""
    names = draw(
        st.lists(st.sampled_from([*BRANCHES, *SNAPSHOTS[:2], "dev (old)", "by hand"]), unique=True, max_size=4)
    )
    found: list[LiveBranch] = []
    for name in names:
        purpose = Purpose.SNAPSHOT if name in SNAPSHOTS else Purpose.DEV_BRANCH
        made_as = name.removesuffix(" (old)") if purpose is Purpose.SNAPSHOT else draw(st.sampled_from(BRANCHES))
        notes = branch_annotations(fleet="prod", tenant=tenant, run="r0", branch=made_as, purpose=purpose)
        if draw(st.booleans()):
            notes = {}
        found.append(
            a_branch(
                id=f"br-{tenant}-{name}",
                name=name,
                default=False,
                parent_id=draw(st.sampled_from([f"br-p-{tenant}", *(branch.id for branch in found)])),
                protected=draw(st.sampled_from([False, False, True])),
                annotations=notes,
                expires_at=draw(st.none() | moments),
                created_at=NOON - timedelta(days=draw(st.integers(1, 9))),
            )
        )
    return tuple(found)


@st.composite
def projects(draw: st.DrawFn, tenant: str) -> LiveProject:
    """In either organization, with whatever below it."""
    project_id = f"p-{tenant}"
    project = draw(st.sampled_from([a_project(tenant), a_pro_project(tenant)]))
    branches = draw(live_branches(tenant))
    sized = [branch for branch in branches if draw(st.booleans())]
    names = draw(st.lists(st.sampled_from([*SNAPSHOTS[:2], "nightly"]), max_size=3))
    return replace(
        project,
        branches=(a_branch(project_id), *branches),
        endpoints=(
            an_endpoint(project_id, project.compute or Compute()),
            *(an_endpoint(id=f"ep-{branch.id}", branch_id=branch.id) for branch in sized),
        ),
        snapshots=tuple(
            LiveSnapshot(
                f"snap-{place}",
                name,
                f"br-{project_id}",
                NOON - timedelta(days=draw(st.integers(1, 9))),
                manual=draw(st.booleans()),
            )
            for place, name in enumerate(names)
        ),
    )


@st.composite
def views(draw: st.DrawFn) -> LiveState:
    """Projects of some of the tenants."""
    names = draw(st.lists(st.sampled_from(TENANTS), unique=True))
    return a_view(*(draw(projects(name)) for name in names))
