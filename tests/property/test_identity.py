"""Which project is whose does not depend on how often that was asked while more of the projects was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.naming import Naming
from reconciler.live.registered import Registered
from reconciler.model.annotations import creation_annotations
from reconciler.model.values import replace
from reconciler.plan import identity
from reconciler.plan.identity import identify
from tests.harness.builders import NOON, a_branch, a_fleet, a_project, a_tenant, a_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject

NAMES = ("ada", "bob", "cyd", "dee")
NAMINGS = (Naming("myapp-{tenant}"), Naming("{tier}-{tenant}", previous=("myapp-{tenant}",)))
names = st.sampled_from(NAMES)


ODD = 6
"""One thing in so many is out of the ordinary."""


def odd(draw: st.DrawFn) -> bool:
    """Whether this one is."""
    return draw(st.integers(1, ODD)) == ODD


@st.composite
def tenants(draw: st.DrawFn, name: str) -> Tenant:
    """Most say nothing of their project; some pin one, want one back, are gone or had another name."""
    other = draw(names)
    said: dict[str, Any] = draw(
        st.sampled_from(
            [{"project_id": f"p-{other}"}, {"recover": f"p-{other}"}, {"absent": True}, {"previously": ("eve",)}]
        )
    )
    return a_tenant(name, **(said if odd(draw) else {}))


@st.composite
def fleets(draw: st.DrawFn) -> DesiredState:
    """Some of four tenants; now and then a broken file pins a project, or names have changed."""
    declared = draw(st.lists(names, unique=True, min_size=2))
    held = frozenset(("p-ada",) if odd(draw) else ())
    naming = NAMINGS[odd(draw)]
    return a_fleet(*(draw(tenants(name)) for name in declared), naming=naming, pins_held_back=held)


@st.composite
def branched(draw: st.DrawFn, project: LiveProject) -> LiveProject:
    """The project with its branches: annotated for its own tenant, for another one, by another fleet, or not."""
    own = project.id.removeprefix("p-")
    whose, fleet = draw(st.sampled_from((*[own] * 5, *NAMES, "eve"))), "test" if odd(draw) else "prod"
    note = {} if odd(draw) else creation_annotations(fleet=fleet, tenant=whose, run="r0")
    return replace(project, branches=(a_branch(project.id, annotations=note),))


@st.composite
def observations(draw: st.DrawFn) -> list[Sequence[LiveProject]]:
    """Lists of projects with more and more details; now and then one goes, or has a new name."""
    found = [
        a_project(name, name=draw(names) if odd(draw) else f"myapp-{name}", details=False)
        for name in draw(st.lists(names, min_size=2, unique=True))
    ]
    rounds: list[Sequence[LiveProject]] = [tuple(found)]
    for _ in range(draw(st.integers(2, 4))):
        found = [draw(branched(one)) if draw(st.booleans()) else one for one in found]
        if odd(draw):
            found = [replace(found[0], name="myapp-bob"), *found[1:]] if draw(st.booleans()) else found[1:]
        rounds.append(tuple(found))
    return rounds


rows = st.sampled_from((*[{}] * 3, {"ada": Registered("p-bob", "free", "r1", NOON)}))


@given(fleets(), observations(), rows)
def test_what_was_known_before_changes_no_owner(
    desired: DesiredState, seen: list[Sequence[LiveProject]], registered: dict[str, Registered]
) -> None:
    for projects in seen:
        live = a_view(*projects, registered=registered)
        anew = identify(replace(desired), live)
        with patch.object(identity.Claims, "plain_matches", lambda _: ((), {})):
            assert identify(replace(desired), live) == anew
        assert identify(desired, live) == anew


def test_what_is_read_of_a_project_is_known_without_a_second_search() -> None:
    desired = a_fleet(*map(a_tenant, NAMES))
    listed = [a_project(name, details=False) for name in NAMES]
    live = a_view(*listed)
    identify(desired, live)
    read = replace(listed[0], branches=(a_branch(listed[0].id),))
    with patch.object(identity, "_identify", side_effect=AssertionError("searched")):
        assert identify(desired, replace(live, projects=(read, *listed[1:]))).projects["ada"] is read
