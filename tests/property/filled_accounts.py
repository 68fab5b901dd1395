"""Accounts whose projects hold branches and snapshots: declared or not, ours or not, restored, too many."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from reconciler.live.project import LiveBranch, LiveProject, LiveSnapshot
from reconciler.model.annotations import FLEET, Purpose, branch_annotations
from reconciler.model.values import replace
from reconciler.simulator.behaviour import DeletableRoots
from tests.harness.builders import NOON, a_branch, a_project, an_endpoint
from tests.property import contents
from tests.property.accounts import Case, Found, behaviours, switches

if TYPE_CHECKING:
    from reconciler.plan.permissions import Permissions
    from reconciler.simulator.behaviour import Behaviour

crowds = st.sampled_from([0, 0, 4])
"""More branches than the tight organization of ``contents`` ever allows beside the default one."""
seldom = st.sampled_from([False, False, False, True])

foreseeable = st.builds(
    dataclasses.replace,
    behaviours,
    root_branches=st.sampled_from([25, None]),
    snapshots_count_as_branches=st.just(False),
)
"""Every Neon on which a plan can tell all that will be refused."""

surprising = st.builds(
    dataclasses.replace,
    behaviours,
    soft_deletion=switches,
    root_branches=st.sampled_from([1, 2, 25]),
    root_branches_deletable=st.sampled_from(DeletableRoots),
    snapshots_count_as_branches=switches,
    deleted_projects_count=switches,
)
"""Also those on which it cannot: no answer shows how many root branches there may be, whether one can be
deleted, whether a snapshot takes the place of a branch, and whether a deleted branch or project keeps its name and
its place.
"""


def strangers(theirs: str) -> tuple[Found, ...]:
    """A project of nobody's naming and one of another fleet, with a branch as ours would be and a snapshot."""
    return tuple(
        Found(
            a_project(
                id=project_id,
                name=name,
                branches=(
                    a_branch(project_id, annotations=_made(theirs)),
                    a_branch(
                        id=f"br-{project_id}-dev",
                        name="dev",
                        default=False,
                        parent_id=f"br-{project_id}",
                        annotations=_made(theirs),
                    ),
                ),
                snapshots=(LiveSnapshot(f"snap-{project_id}", "v1", f"br-{project_id}", NOON, manual=True),),
            )
        )
        for project_id, name in (("p-strange", "analytics of somebody else"), ("p-theirs", "myapp-eve"))
    )


def _made(fleet: str) -> dict[str, str]:
    return branch_annotations(fleet=fleet, tenant="eve", run="r0", branch="dev", purpose=Purpose.DEV_BRANCH)


UNOWNED: Final = strangers("staging")


@st.composite
def found_projects(draw: st.DrawFn) -> tuple[Found, ...]:
    """Projects of some tenants, some of them restored, and the strangers."""
    found = [
        Found(draw(as_neon_allows(project)), restored=draw(seldom)) for project in draw(contents.views()).projects
    ]
    return (*found, *UNOWNED)


@st.composite
def as_neon_allows(draw: st.DrawFn, project: LiveProject) -> LiveProject:
    """The project with root branches, branches of another fleet, and without expiries that Neon never accepts."""
    default, *others = project.branches or ()
    seen = [draw(_varied(branch)) for branch in others]
    parents = {branch.parent_id for branch in seen}
    seen = [
        replace(branch, expires_at=None) if branch.protected or branch.id in parents else branch for branch in seen
    ]
    endpoints = project.endpoints or ()
    if not any(endpoint.branch_id == default.id for endpoint in endpoints):
        endpoints = (an_endpoint(project.id), *endpoints)
    nightly = LiveSnapshot("snap-nightly", "nightly", default.id, NOON - timedelta(days=20), manual=False)
    return replace(
        project,
        branches=(default, *seen, *(_by_hand(project.id, f"theirs {n}") for n in range(draw(crowds)))),
        endpoints=endpoints,
        snapshots=(*(project.snapshots or ()), nightly),
    )


def _by_hand(project_id: str, name: str) -> LiveBranch:
    parent = f"br-{project_id}"
    return a_branch(id=f"br-{name}", name=name, default=False, parent_id=parent, annotations={})


@st.composite
def _varied(draw: st.DrawFn, branch: LiveBranch) -> LiveBranch:
    if draw(seldom):
        branch = replace(branch, parent_id=None)
    foreign = draw(seldom)
    if not branch.annotations or not foreign:
        return branch
    return replace(branch, annotations={**branch.annotations, FLEET: "staging"})


@st.composite
def cases(draw: st.DrawFn, *permissions: Permissions, neon: st.SearchStrategy[Behaviour] = foreseeable) -> Case:
    """Anything at all, under one of these permissions."""
    desired = draw(contents.desired_states())
    before = st.none() | contents.desired_states().map(lambda base: replace(desired, tenants=base.tenants))
    return Case(desired, draw(found_projects()), draw(neon), draw(st.sampled_from(permissions)), draw(before))
