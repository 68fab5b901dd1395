"""Boosts and suspensions over time: whatever begins and ends when, live follows, and nobody has to undo it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.tenant import Boost, Hold
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.history import History
from tests.harness.builders import (
    GIB,
    HOUR,
    NOON,
    a_fleet,
    a_pro_project,
    a_tenant,
    a_view,
    guarded_plan,
)
from tests.harness.structs import built
from tests.property.model import carried_out

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

HOURS = timedelta(hours=1)

boosts = built(
    Boost,
    st.integers(1, 60).map(lambda hours: NOON + hours * HOURS),
    st.dictionaries(
        st.sampled_from(["active_time_seconds", "data_transfer_bytes"]),
        st.sampled_from([0, 900 * HOUR, 1000 * HOUR * GIB]),
        max_size=2,
    ),
    st.sampled_from([None, Compute(max_cu=6), Compute(max_cu=8)]),
)


@given(
    st.lists(boosts, min_size=1, max_size=3),
    st.lists(st.integers(0, 70), min_size=2, max_size=6).map(sorted),
    st.none() | st.integers(0, 70),
)
def test_live_follows_what_begins_and_ends_at_whatever_times_runs_look(
    raises: list[Boost], hours: list[int], held_until: int | None
) -> None:
    hold = None if held_until is None else Hold(NOON + held_until * HOURS, "a dispute")
    files = a_fleet(a_tenant(tier="pro", boosts=tuple(raises), hold=hold))
    live, before = a_view(a_pro_project()), a_fleet(a_tenant(tier="pro"))
    for hour in hours:
        now = NOON + hour * HOURS
        held = hold is not None and hold.in_force(now)
        after = run(files, live, before, now)
        if held:
            assert after == live
        else:
            assert as_declared(files.at(now), after)
            before = files
        live = after


@given(st.lists(st.sampled_from([True, False]), min_size=2, max_size=6))
def test_a_tenant_is_suspended_as_often_as_its_file_says(states: list[bool]) -> None:
    live, before = a_view(a_pro_project()), a_fleet(a_tenant(tier="pro"))
    for suspended in states:
        files = a_fleet(a_tenant(tier="pro", suspended=suspended, reason="it owes"))
        live = run(files, live, before, NOON)
        assert as_declared(files, live)
        assert not (suspended and any(endpoint.active for endpoint in live.projects[0].endpoints or ()))
        before = files
        endpoints = tuple(replace(endpoint, active=True) for endpoint in live.projects[0].endpoints or ())
        live = a_view(replace(live.projects[0], endpoints=endpoints))  # a client connects again


def run(files: DesiredState, live: LiveState, before: DesiredState, now: datetime) -> LiveState:
    """What is live after an apply; it has no permission but the files."""
    dated = files.at(now)
    history = History(before).under(dated)
    plan = guarded_plan(dated, live, history=history, now=now)
    return carried_out(plan, dated, live)


def as_declared(files: DesiredState, live: LiveState) -> bool:
    """Whether quota, default and compute are those of the tenant's settings."""
    settings, project = files.settings(files.tenants["acme"]), live.projects[0]
    computes = [endpoint.compute for endpoint in project.endpoints or ()]
    return (project.quota, project.compute, computes) == (settings.quota, settings.compute, [settings.compute])
