"""A hold: nothing of the tenant is changed until it ends, and every run says so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import Policy, Threshold, Thresholds
from reconciler.desired.selection import Selection
from reconciler.desired.tenant import Boost, Hold, Overrides
from reconciler.model.values import replace
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_QUOTA,
    HOUR,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_unused_project,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

DISPUTE = Hold(NOON + timedelta(days=1), "a dispute")
HELD = a_tenant(hold=DISPUTE)
EVERYTHING = Permissions(lowering=True, prune=True, counts={"deletes": 9, "transfers": 9, "creates": 9})


def planned(
    now: DesiredState,
    *projects: LiveProject,
    before: DesiredState | None = None,
    at: datetime = NOON,
    permissions: Permissions = EVERYTHING,
    **given: Any,
) -> Plan:
    live, history, dated = a_view(*projects), History(before, **given), now.at(at)
    history = history.under(dated)
    return guarded_plan(dated, live, permissions, history=history, now=at, prune=permissions.prune)


@pytest.mark.parametrize(
    ("now", "projects"),
    [
        (a_fleet(replace(HELD, tier="pro")), (a_project(),)),
        (a_fleet(HELD), (a_project(quota=replace(FREE_QUOTA, active_time_seconds=HOUR)),)),
        (a_fleet(replace(HELD, absent=True)), (a_project(),)),
        (a_fleet(replace(HELD, suspended=True, reason="it owes")), (a_project(),)),
        (a_fleet(replace(HELD, snapshots=())), (a_project(name="renamed"),)),
        (a_fleet(HELD), ()),
    ],
    ids=["a change of tier", "drift", "a deletion", "a suspension", "a rename", "a creation"],
)
def test_nothing_is_done_and_what_differs_is_told(now: DesiredState, projects: tuple[LiveProject, ...]) -> None:
    plan = planned(now, *projects, before=a_fleet(a_tenant("other")))
    assert plan.empty
    [refusal] = plan.refusals
    assert (refusal.rule, refusal.tenants) == (Rule.HELD, ("acme",))
    assert refusal.message == "held until 2030-05-05T12:00:00Z: a dispute"
    assert refusal.remedy == "remove hold from the tenant's file, or wait until it ends"
    assert refusal.actions
    assert not [note for note in plan.notes if "held" in note.message], "once is enough"


def test_what_only_looks_says_it_beside_the_differences() -> None:
    drifted = a_project(quota=replace(FREE_QUOTA, active_time_seconds=HOUR))
    found = make_plan(a_fleet(HELD), a_view(drifted), history=History(a_fleet(HELD)))
    assert [note.message for note in found.notes] == ["held until 2030-05-05T12:00:00Z: a dispute"]
    assert list(found.actions)


def test_a_tenant_in_sync_is_told_too() -> None:
    plan = planned(a_fleet(HELD), a_project(), before=a_fleet(HELD))
    assert not plan.refusals
    assert [note.message for note in plan.notes] == ["held until 2030-05-05T12:00:00Z: a dispute"]


def test_what_a_commit_asks_for_is_refused_and_drift_is_reported() -> None:
    before, upgraded = a_fleet(a_tenant()), a_fleet(replace(HELD, tier="pro"))
    assert [one.asked_for for one in planned(upgraded, a_project(), before=before).refusals] == [True]
    drifted = a_project(quota=replace(FREE_QUOTA, active_time_seconds=HOUR))
    assert [one.asked_for for one in planned(a_fleet(HELD), drifted, before=a_fleet(HELD)).refusals] == [False]


def test_once_it_has_ended_it_has_no_effect_and_is_told() -> None:
    drifted = a_project(quota=replace(FREE_QUOTA, active_time_seconds=HOUR))
    plan = planned(a_fleet(HELD), drifted, before=a_fleet(HELD), at=DISPUTE.until)
    assert len(list(plan.actions)) == 1
    ended = "the hold ended at 2030-05-05T12:00:00Z and has no effect: remove it"
    assert ended in [note.message for note in plan.notes]


def test_others_are_not_held() -> None:
    drifted = replace(FREE_QUOTA, active_time_seconds=HOUR)
    files = a_fleet(HELD, a_tenant("bob"))
    plan = planned(files, a_project(quota=drifted), a_project("bob", quota=drifted), before=files)
    assert [one.tenant for one in plan.tenants] == ["bob"]


def test_a_tenant_whose_file_is_gone_is_held_by_the_base() -> None:
    files = a_fleet(a_tenant("bob"))
    held, free = a_fleet(HELD, a_tenant("bob")), a_fleet(a_tenant(), a_tenant("bob"))
    old = an_unused_project()
    found = planned(files, old, a_project("bob"), before=held, removed=frozenset({"acme"}))
    assert [one.rule for one in found.refusals] == [Rule.HELD]
    assert found.empty
    pruned = planned(files, old, a_project("bob"), before=free, removed=frozenset({"acme"}))
    assert Rule.HELD not in [one.rule for one in pruned.refusals]


def test_a_project_stays_held_that_another_tenant_pins_beside_the_held_one() -> None:
    """Somebody gave it the name of that one, so that both tenants are not in conflict about it."""
    taking = a_tenant("bob", project_id="p-acme", overrides=Overrides(quota={"active_time_seconds": HOUR}))
    found = planned(a_fleet(HELD, taking), a_project(name="myapp-bob"))
    assert (Rule.HELD, ("bob",)) in [(one.rule, one.tenants) for one in found.refusals]


def test_a_tenant_is_held_whose_project_has_the_annotation_of_its_earlier_name() -> None:
    held = a_fleet(replace(HELD, name="zed", previously=("acme",)), a_tenant("bob"))
    old = an_unused_project()
    found = planned(a_fleet(a_tenant("bob")), old, a_project("bob"), before=held, removed=frozenset({"acme"}))
    assert [(one.rule, one.tenants) for one in found.refusals] == [(Rule.HELD, ("acme",))]
    assert found.empty


@pytest.mark.parametrize(
    "hold", [None, Hold(NOON - timedelta(days=1), "an earlier dispute")], ids=["none", "ended"]
)
def test_a_hold_at_a_base_that_is_ahead_counts_for_files_that_do_not_know_it(hold: Hold | None) -> None:
    """A branch that was cut before the hold reduces something in a commit of its own."""
    lowered = a_fleet(a_tenant(hold=hold, overrides=Overrides(quota={"active_time_seconds": HOUR})))
    fork, ahead = a_fleet(a_tenant(hold=hold)), a_fleet(HELD)
    assert len(list(planned(lowered, a_project(), before=fork).actions)) == 1
    behind = planned(lowered, a_project(), before=ahead, fork=fork)
    assert behind.empty
    assert [one.rule for one in behind.refusals] == [Rule.HELD]
    tried = {"acme": (Baseline(ahead, fork),)}
    assert planned(lowered, a_project(), before=fork, tried=tried).empty


def test_a_document_that_renames_a_tenant_whose_file_is_gone_ends_no_hold() -> None:
    now = a_fleet(a_tenant("zed", previously=("acme",), overrides=Overrides(quota={"active_time_seconds": HOUR})))
    for files, held in ((a_fleet(), True), (a_fleet(a_tenant()), False)):
        found = planned(now, a_project(), before=a_fleet(HELD), files=files, documents=frozenset({"zed"}))
        assert [one.rule for one in found.refusals] == [Rule.HELD] * held, "a commit ended it otherwise"
        assert found.empty == held


@pytest.mark.parametrize("pinned", [False, True], ids=["found by its annotation", "pinned at the base"])
@pytest.mark.parametrize(
    "change", [{"absent": True}, {"overrides": Overrides(quota={"active_time_seconds": HOUR})}]
)
def test_a_project_that_is_handed_over_stays_held(change: dict[str, Any], *, pinned: bool) -> None:
    """A commit removes the file of a held tenant, and pins its project in that of another one."""
    project = a_project()
    if pinned:
        project = replace(project, name="theirs", branches=(a_branch(annotations={}),))
    held = replace(HELD, project_id=project.id if pinned else None)
    now = a_fleet(a_tenant("zed", project_id=project.id, **change))
    found = planned(now, project, before=a_fleet(held), removed=frozenset({"acme"}))
    assert found.empty
    assert [(one.rule, one.tenants) for one in found.refusals] == [(Rule.HELD, ("zed",))]
    assert planned(now, project, before=a_fleet(held), at=DISPUTE.until).tenants


@pytest.mark.parametrize("pinned", [False, True], ids=["by its annotation", "pinned"])
def test_a_project_stays_held_whose_tenant_only_a_tried_commit_knew(*, pinned: bool) -> None:
    """Its creation is half done: neither the common base nor its own one declares the tenant."""
    project = an_unused_project()
    if pinned:
        project = replace(project, name="theirs", branches=(a_branch(annotations={}),))
    held = a_fleet(replace(HELD, project_id=project.id if pinned else None))
    known: dict[str, Any] = {"owed": {"acme": Baseline(a_fleet())}, "tried": {"acme": (Baseline(held),)}}
    handed_over = a_fleet(a_tenant("zed", project_id=project.id, absent=True))
    found = planned(handed_over, project, before=a_fleet(), **known)
    assert found.empty
    assert [(one.rule, one.tenants) for one in found.refusals] == [(Rule.HELD, ("zed",))]
    if not pinned:
        bob = a_fleet(a_tenant("bob"))
        pruned = planned(bob, project, a_project("bob"), before=bob, removed=frozenset({"acme"}), **known)
        assert [one.rule for one in pruned.refusals] == [Rule.HELD]


def test_a_commit_that_knows_the_hold_at_the_base_ends_it() -> None:
    lowered = a_fleet(a_tenant(overrides=Overrides(quota={"active_time_seconds": HOUR})))
    assert len(list(planned(lowered, a_project(), before=a_fleet(HELD)).actions)) == 1
    assert len(list(planned(lowered, a_project(), before=a_fleet(HELD), fork=a_fleet(HELD)).actions)) == 1


def test_the_end_of_a_boost_waits_for_the_end_of_the_hold() -> None:
    boosted = replace(HELD, boosts=(Boost(NOON, {"active_time_seconds": 500 * HOUR}),))
    files, raised = a_fleet(boosted), a_project(quota=replace(FREE_QUOTA, active_time_seconds=500 * HOUR))
    assert planned(files, raised, before=files, permissions=Permissions()).empty
    later = planned(files, raised, before=files, at=DISPUTE.until, permissions=Permissions())
    assert len(list(later.actions)) == 1


def test_a_held_tenant_takes_no_place_below_a_threshold() -> None:
    ended = (Boost(NOON, {"active_time_seconds": 500 * HOUR}),)
    one = Policy(Thresholds(disruptive=Threshold(1, 0)))
    files = a_fleet(replace(HELD, boosts=ended), a_tenant("bob", boosts=ended), policy=one).at(NOON)
    raised = replace(FREE_QUOTA, active_time_seconds=500 * HOUR)
    live, history = a_view(a_project(quota=raised), a_project("bob", quota=raised)), History(files)
    for name, expected in (("bob", 1), ("acme", 0)):
        chosen = Selection(tenants=(name,))
        judged = guarded_plan(files, live, history=history, selection=chosen)
        assert len(list(judged.actions)) == expected, name
