"""Rotated snapshots: one for each slot, the newest are kept, and no other snapshot goes for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.rotation import Rotation
from reconciler.desired.tenant import Snapshot
from reconciler.desired.tier import AtLimit, SnapshotMethod, SnapshotPolicy
from reconciler.live.project import LiveSnapshot
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_LIMITS,
    FREE_TIER,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_organization,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan

DAY = timedelta(days=1)
DAILY = Rotation("auto-{date}", 86_400, 2)
TODAY = f"auto-{NOON:%Y-%m-%d}"
METHODS = pytest.mark.parametrize("method", list(SnapshotMethod), ids=lambda method: method.value)


def fleet(
    rotation: Rotation | None = DAILY,
    *declared: str,
    limit: int = 10,
    method: SnapshotMethod = SnapshotMethod.API,
    at_limit: AtLimit = AtLimit.REFUSE,
    **tenant: Any,
) -> DesiredState:
    policy = SnapshotPolicy(at_limit, method, rotation)
    snapshots = tuple(map(Snapshot, declared)) or None
    return a_fleet(
        a_tenant(snapshots=snapshots, **tenant),
        organizations=(an_organization("free", limits=replace(FREE_LIMITS, snapshots=limit)),),
        tiers=(replace(FREE_TIER, snapshots=policy),),
    )


def daily(back: int, created: datetime | None = None) -> LiveSnapshot:
    """The rotated snapshot of so many days ago."""
    at = NOON - back * DAY
    return saved(f"auto-{at:%Y-%m-%d}", created or at)


def saved(name: str, at: datetime = NOON - 90 * DAY) -> LiveSnapshot:
    return LiveSnapshot(f"snap-{name}", name, "br-p-acme", at)


def live(*snapshots: LiveSnapshot, **fields: Any) -> LiveProject:
    return a_project(branches=(a_branch(),), **{"created_at": NOON - 99 * DAY, "snapshots": snapshots, **fields})


def plan(desired: DesiredState, project: LiveProject, now: datetime = NOON, **given: Any) -> Plan:
    history = given.pop("history", History(desired))
    return guarded_plan(
        desired, a_view(project), given.pop("permissions", Permissions()), history=history, now=now
    )


def told(found: Plan) -> list[str]:
    return [_told(action) for action in found.actions]


def _told(action: Action) -> str:
    match action:
        case CreateSnapshot():
            return f"+{action.snapshot}"
        case DeleteSnapshot():
            return f"-{action.snapshot}"
        case CreateBranch():
            return f"+{action.branch}"
        case DeleteBranch():
            return f"-{action.branch}"
        case _:
            return action.kind


class TestASlot:
    def test_begins_at_midnight_for_days_and_every_n_hours_for_shorter_ones(self) -> None:
        assert DAILY.slot(NOON + timedelta(hours=3)) == NOON.replace(hour=0)
        six = Rotation("a-{date}-{time}", 6 * 3600, 4)
        assert six.slot(NOON + timedelta(hours=5)) == NOON
        assert six.named(NOON) == f"a-{NOON:%Y-%m-%d}-1200"

    def test_is_told_by_the_name_and_by_no_other_one(self) -> None:
        rotation = Rotation("a.{date}-{time}", 3600, 4)
        assert rotation.moment(rotation.named(NOON)) == NOON
        for other in ("ax2031-01-30-1200", "a.2031-02-30-1200", "a.2031-01-30", "a.2031-01-30-2500", "b"):
            assert rotation.moment(other) is None


def test_the_snapshot_of_the_day_is_taken_once() -> None:
    desired = fleet()
    (take,) = plan(desired, live(daily(1))).actions
    assert isinstance(take, CreateSnapshot)
    assert (take.snapshot, take.at, take.changes[0].origin) == (TODAY, None, Origin.CONFIG)
    assert plan(desired, live(daily(1), daily(0))).empty


def test_the_plan_changes_only_when_a_slot_begins() -> None:
    desired, project = fleet(), live(daily(1))
    midnight = NOON.replace(hour=0)
    evening = plan(desired, project, midnight + timedelta(hours=23))
    assert plan(desired, project, midnight) == evening
    assert told(plan(desired, project, midnight + DAY)) != told(evening)


def test_the_oldest_rotated_one_goes_and_missed_slots_are_not_caught_up() -> None:
    assert told(plan(fleet(), live(daily(9), daily(5)))) == [f"+{TODAY}", f"-{daily(9).name}"]


def test_declared_and_hand_made_snapshots_never_rotate() -> None:
    pinned = daily(9)
    found = plan(fleet(DAILY, pinned.name), live(pinned, saved("mine"), daily(2), daily(1)))
    assert told(found) == [f"+{TODAY}", f"-{daily(2).name}"]


def test_a_snapshot_that_is_older_than_its_name_is_not_of_the_rotation() -> None:
    forged = daily(1, created=NOON - 9 * DAY)
    assert told(plan(fleet(replace(DAILY, keep=1)), live(forged))) == [f"+{TODAY}"]


def test_at_the_limit_only_a_rotated_one_gives_way() -> None:
    alone = replace(DAILY, keep=1)
    assert told(plan(fleet(alone, limit=1), live(daily(1)))) == [f"-{daily(1).name}", f"+{TODAY}"]
    for rule in AtLimit:
        full = plan(fleet(alone, limit=1, at_limit=rule), live(saved("mine")))
        assert full.empty
        assert f"snapshot '{TODAY}' is not taken" in full.notes[0].message
        assert "delete 'mine' in Neon's console" in full.notes[0].message


def test_a_declared_snapshot_takes_the_place_of_a_rotated_one_and_keeps_it() -> None:
    desired = fleet(replace(DAILY, keep=1), "v1", limit=1)
    before = History(fleet(replace(DAILY, keep=1), limit=1))
    assert told(plan(desired, live(daily(0)), history=before)) == [f"-{TODAY}", "+v1"]
    after = plan(desired, live(saved("v1", NOON)), history=before)
    assert after.empty
    assert not after.refusals


def test_a_new_project_begins_with_the_next_slot() -> None:
    project = live(created_at=NOON - timedelta(hours=1))
    assert plan(fleet(), project).empty
    assert told(plan(fleet(), project, NOON + DAY)) == [f"+auto-{NOON + DAY:%Y-%m-%d}"]
    assert [action.kind for action in make_plan(fleet(), a_view()).actions] == ["create_project"]


def test_a_surplus_goes_only_by_a_commit_that_lowers_the_number() -> None:
    four = live(daily(3), daily(2), daily(1), daily(0))
    held = plan(fleet(), four)
    assert held.empty
    assert [refusal.rule for refusal in held.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
    lowered = plan(fleet(), four, history=History(fleet(replace(DAILY, keep=4))))
    assert told(lowered) == [f"-{daily(3).name}", f"-{daily(2).name}"]


@METHODS
def test_the_one_that_an_interrupted_run_has_left_goes_in_the_same_slot_or_in_the_next(
    method: SnapshotMethod,
) -> None:
    desired, project = fleet(method=method), live()
    for back in (3, 2, 1):
        project = carried_out(project, plan(desired, project, NOON - back * DAY), NOON - back * DAY)
    take, remove = plan(desired, project).actions
    left = carried_out(project, [take], NOON)
    assert told(plan(desired, left)) == [_told(remove)]
    tomorrow = told(plan(desired, left, NOON + DAY))
    assert tomorrow == [f"+auto-{NOON + DAY:%Y-%m-%d}", f"-{daily(2).name}", f"-{daily(1).name}"]


def test_nothing_is_deleted_of_a_protected_tenant() -> None:
    assert told(plan(fleet(protect=True), live(daily(2), daily(1)))) == [f"+{TODAY}"]
    full = plan(fleet(limit=2, protect=True), live(daily(2), daily(1)))
    assert full.empty
    assert "none is deleted of a protected tenant" in full.notes[0].message


def test_of_a_default_branch_with_a_parent_none_is_taken_and_the_plan_says_so_without_refusing_anything() -> None:
    """A restore to a moment may have made it a child: otherwise every scheduled run would fail from then on."""
    project = a_project(
        branches=(a_branch(id="br-x", name="old", default=False), a_branch(parent_id="br-x")),
        created_at=NOON - 99 * DAY,
        snapshots=(),
    )
    found = plan(fleet(), project)
    assert found.empty
    assert not found.refusals
    (note,) = [note.message for note in found.notes if TODAY in note.message]
    assert "is not taken: its default branch 'main' has a parent branch" in note
    assert "snapshots: {method: branch}" in note
    assert "`reconciler restore TENANT --snapshot NAME` does, with the data of that snapshot" in note


def carried_out(project: LiveProject, found: Plan | Sequence[Action], now: datetime) -> LiveProject:
    """The project after the plan, or after a part of it, at that time."""
    for action in found if isinstance(found, Sequence) else found.actions:
        snapshots, branches = project.snapshots or (), project.branches or ()
        match action:
            case CreateSnapshot():
                snapshots = (*snapshots, LiveSnapshot(f"s-{len(snapshots)}-{now}", action.snapshot, "br", now))
            case DeleteSnapshot():
                snapshots = tuple(one for one in snapshots if one.id != action.snapshot_id)
            case CreateBranch():
                branches = (*branches, kept_as_branch(action.branch, now))
            case DeleteBranch():
                branches = tuple(one for one in branches if one.id != action.branch_id)
            case _:
                raise AssertionError(action.kind)
        project = replace(project, snapshots=snapshots, branches=branches)
    return project


def kept_as_branch(name: str, at: datetime) -> Any:
    notes = branch_annotations(fleet="prod", tenant="acme", run="r0", branch=name, purpose=Purpose.SNAPSHOT)
    return a_branch(
        id=f"br-{name}", name=name, default=False, parent_id="br-p-acme", annotations=notes, created_at=at
    )


@METHODS
@given(st.data())
def test_a_rotation_over_days_is_stable_and_takes_nothing_else(
    method: SnapshotMethod, data: st.DataObject
) -> None:
    keep = data.draw(st.integers(1, 4))
    hours = data.draw(st.sampled_from([6, 24, 48]))
    rotation = Rotation("auto-{date}-{time}", hours * 3600, keep)
    limit = data.draw(st.integers(keep, 6))
    rule = data.draw(st.sampled_from(AtLimit))
    desired = fleet(rotation, limit=limit, method=method, at_limit=rule)
    mine = {f"mine-{number}" for number in range(data.draw(st.integers(0, 3)))}
    project = live(*(saved(name) for name in sorted(mine)) if method is SnapshotMethod.API else ())
    now, seen = NOON, set[str]()
    for step in data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=12)):
        now += timedelta(hours=step)
        project = carried_out(project, found := plan(desired, project, now), now)
        again = plan(desired, project, now)
        assert again.empty
        assert again.refusals == found.refusals
        names = [one.name for one in project.snapshots or ()]
        names += [one.name for one in project.branches or () if not one.default]
        rotated = [name for name in names if name not in mine]
        assert len(rotated) <= keep
        assert len(set(names)) == len(names) <= max(limit, len(mine))
        assert method is SnapshotMethod.BRANCH or mine <= set(names)
        taken = {word[1:] for word in told(found) if word[0] == "+"}
        assert not taken & seen, "no slot's snapshot twice"
        seen |= taken
