"""A tombstone ends the project that existed when it was written, and none that came later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.model.values import replace
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from reconciler.plan.tombstones import Tombstones
from tests.harness.builders import (
    DAY,
    FREE_TIER,
    NOON,
    PRO_QUOTA,
    PRO_TIER,
    a_deleted,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.live.project import DeletedProject, LiveProject
    from reconciler.plan.plan import Plan

HOUR = timedelta(hours=1)
WRITTEN = NOON - 10 * HOUR
SCALE = replace(
    PRO_TIER, name="scale", quota=replace(PRO_QUOTA, active_time_seconds=PRO_QUOTA.active_time_seconds * 2)
)


def plan_of(
    project: LiveProject,
    tombstones: Tombstones,
    *deleted: DeletedProject,
    pinned: str | None = None,
    permissions: Permissions = Permissions(),
) -> Plan:
    desired = a_fleet(a_tenant(absent=True, project_id=pinned))
    history = History(a_fleet(a_tenant()))
    live = a_view(project, deleted={"free": deleted})
    return guarded_plan(desired, live, permissions, history=history, tombstones=tombstones)


def kinds(plan: Plan) -> list[str]:
    return [action.kind for action in plan.actions]


def project_created(at: datetime) -> LiveProject:
    return a_project(created_at=at, id="p-acme")


def written(at: datetime = WRITTEN, newest: datetime = NOON) -> Tombstones:
    return Tombstones({"acme": at}, newest)


class TestAProjectThatCameLater:
    def test_is_not_deleted_by_an_older_tombstone_and_the_way_out_is_told(self) -> None:
        plan = plan_of(project_created(WRITTEN + HOUR), written())
        assert plan.empty
        (refusal,) = plan.refusals
        assert (refusal.rule, refusal.tenants, refusal.asked_for) == (Rule.LATER_LIFE, ("acme",), True)
        assert "project p-acme was created on 2030-05-04 at 03:00 UTC" in refusal.message
        assert "written for an earlier one, on 2030-05-04 at 02:00 UTC" in refusal.message
        assert "add project_id: p-acme to the tombstone" in refusal.remedy

    def test_nor_where_a_person_permits_what_takes(self) -> None:
        later = project_created(WRITTEN + HOUR)
        assert plan_of(later, written(), permissions=Permissions(lowering=True, counts={"deletes": 1})).empty

    def test_is_deleted_where_the_tombstone_names_it(self) -> None:
        assert kinds(plan_of(project_created(WRITTEN + HOUR), written(), pinned="p-acme")) == ["delete_project"]

    def test_is_left_alone_where_the_tombstone_names_the_earlier_one(self) -> None:
        plan = plan_of(project_created(WRITTEN + HOUR), written(), pinned="p-earlier")
        assert plan.empty
        assert not plan.refusals
        assert not plan.conflicts

    @pytest.mark.parametrize("after_the_end", [timedelta(), timedelta(seconds=1), 3 * HOUR])
    def test_is_known_by_the_end_of_the_earlier_one_where_clocks_tell_nothing(
        self, after_the_end: timedelta
    ) -> None:
        earlier = a_deleted(a_project(id="p-earlier"))
        assert earlier.deleted_at is not None
        years_apart = written(earlier.deleted_at - 800 * 24 * HOUR, newest=NOON - 800 * 24 * HOUR)
        later = project_created(earlier.deleted_at + after_the_end)
        assert plan_of(later, years_apart, earlier).empty
        assert kinds(plan_of(later, years_apart)) == ["delete_project"]
        other = a_deleted(a_project("other"))
        assert kinds(plan_of(later, years_apart, other)) == ["delete_project"]


class TestATombstoneThatNoCommitContains:
    def test_does_not_delete_the_project_of_a_tenant_that_came_back(self) -> None:
        earlier = a_deleted(a_project(id="p-earlier"))
        assert earlier.deleted_at is not None
        later = project_created(earlier.deleted_at + HOUR)
        plan = plan_of(later, Tombstones(), earlier, permissions=Permissions(lowering=True))
        assert plan.empty
        (refusal,) = plan.refusals
        assert refusal.rule is Rule.LATER_LIFE
        assert "created after an earlier one of the tenant was deleted" in refusal.message
        assert "add project_id: p-acme to the tombstone" in refusal.remedy
        assert kinds(plan_of(later, Tombstones(), earlier, pinned="p-acme")) == ["delete_project"]

    def test_deletes_the_first_project_and_one_that_lived_beside_a_deleted_one(self) -> None:
        second = a_deleted(a_project(id="p-second"))
        assert second.deleted_at is not None
        assert kinds(plan_of(project_created(NOON), Tombstones())) == ["delete_project"]
        first = project_created(second.deleted_at - HOUR)
        assert kinds(plan_of(first, Tombstones(), second)) == ["delete_project"]

    def test_in_a_document_deletes_what_is_there_now(self) -> None:
        earlier = a_deleted(a_project(id="p-earlier"))
        assert earlier.deleted_at is not None
        later = project_created(earlier.deleted_at + HOUR)
        desired, live = a_fleet(a_tenant(absent=True)), a_view(later, deleted={"free": (earlier,)})
        history = History(a_fleet(a_tenant()), documents=frozenset({"acme"}))
        assert kinds(make_plan(desired, live, history=history)) == ["delete_project"]


class TestATombstoneOfTheFuture:
    """Of a machine whose clock is ahead: once its date has passed, the tenant's next project would look older."""

    AHEAD = written(NOON + HOUR, newest=NOON + HOUR)

    def test_deletes_nothing_before_its_date(self) -> None:
        plan = plan_of(project_created(WRITTEN), self.AHEAD, permissions=Permissions(lowering=True))
        assert plan.empty
        (refusal,) = plan.refusals
        assert refusal.rule is Rule.LATER_LIFE
        assert "dated 2030-05-04 at 13:00:00 UTC, in the future" in refusal.message
        assert refusal.remedy == (
            "add project_id: p-acme to the tombstone; or let a commit follow whose date is right: the tombstone "
            "is at least as old"
        )

    def test_deletes_the_project_that_it_names(self) -> None:
        assert kinds(plan_of(project_created(WRITTEN), self.AHEAD, pinned="p-acme")) == ["delete_project"]

    def test_is_one_of_now_within_a_minute(self) -> None:
        soon = NOON + timedelta(minutes=1)
        assert kinds(plan_of(project_created(WRITTEN), written(soon, newest=soon))) == ["delete_project"]


class TestAProjectThatWasThere:
    @pytest.mark.parametrize("before", [-timedelta(minutes=1), timedelta(), HOUR, 2000 * HOUR])
    def test_is_deleted(self, before: timedelta) -> None:
        assert kinds(plan_of(project_created(WRITTEN - before), written())) == ["delete_project"]

    def test_is_deleted_where_one_of_its_name_was_deleted_before_the_tombstone(self) -> None:
        earlier = a_deleted(a_project(id="p-earlier"))
        assert earlier.deleted_at is not None
        since = project_created(earlier.deleted_at + HOUR)
        plan = plan_of(since, written(earlier.deleted_at + 2 * HOUR), earlier)
        assert kinds(plan) == ["delete_project"]
        assert not plan.notes

    def test_is_deleted_where_a_second_one_was_deleted_while_it_lived(self) -> None:
        second = a_deleted(a_project(id="p-second"))
        assert second.deleted_at is not None
        first = project_created(second.deleted_at - 3 * HOUR)
        assert kinds(plan_of(first, written(second.deleted_at - HOUR), second)) == ["delete_project"]

    def test_is_deleted_where_nobody_knows_when_the_tombstone_was_written(self) -> None:
        assert kinds(plan_of(project_created(NOON), Tombstones())) == ["delete_project"]


class TestAProjectThatSomebodyGaveMoreSince:
    """A checkout of a customer who came back before the deletion, or support."""

    MOVED = a_pro_project(created_at=WRITTEN - HOUR)
    RAISED = a_pro_project(created_at=WRITTEN - HOUR, quota=SCALE.quota)

    def ending(self, project: LiveProject, before: str, pinned: str | None = None) -> Plan:
        tiers = (FREE_TIER, PRO_TIER, SCALE)
        desired = a_fleet(a_tenant(absent=True, project_id=pinned), tiers=tiers)
        history, live = History(a_fleet(a_tenant(tier=before), tiers=tiers)), a_view(project)
        return guarded_plan(desired, live, Permissions(lowering=True), history=history, tombstones=written())

    @pytest.mark.parametrize(
        ("project", "before", "told"),
        [
            (MOVED, "free", "is in paid, and the earlier files have it in free"),
            (RAISED, "pro", "has the values of another tier than the earlier files declare"),
        ],
    )
    def test_is_not_deleted_before_the_tombstone_names_it(
        self, project: LiveProject, before: str, told: str
    ) -> None:
        plan = self.ending(project, before)
        assert plan.empty
        (refusal,) = plan.refusals
        assert (refusal.rule, refusal.asked_for) == (Rule.LATER_LIFE, True)
        assert told in refusal.message
        assert kinds(self.ending(project, before, pinned="p-acme")) == ["delete_project"]

    def test_is_deleted_where_a_single_value_differs(self) -> None:
        kept = replace(self.RAISED, restore_window_seconds=DAY)
        assert kinds(self.ending(kept, "pro")) == ["delete_project"]
        assert kinds(self.ending(self.MOVED, "pro")) == ["delete_project"]


class TestADocumentOfATenantWhoseFileIsATombstone:
    def asked(self, project: LiveProject, tombstones: Tombstones, pinned: str | None = None) -> Plan:
        files = a_fleet(a_tenant(absent=True, project_id=pinned))
        history = History(a_fleet(a_tenant()), files=files, documents=frozenset({"acme"}))
        desired = a_fleet(a_tenant(tier="pro"))
        return make_plan(desired, a_view(project), history=history, tombstones=tombstones)

    def test_gets_no_project_that_the_next_apply_deletes(self) -> None:
        for plan in (
            self.asked(project_created(WRITTEN - HOUR), written()),
            self.asked(project_created(NOON), Tombstones(), pinned="p-acme"),
        ):
            assert plan.empty
            (conflict,) = plan.conflicts
            assert conflict.message == (
                "tenants/acme.yaml:1 says state: absent: the next apply deletes project p-acme"
            )

    def test_gets_one_that_was_created_later(self) -> None:
        assert not self.asked(project_created(WRITTEN + HOUR), written()).conflicts
        assert not self.asked(project_created(NOON), written(), pinned="p-earlier").conflicts
        assert not self.asked(project_created(NOON), Tombstones()).conflicts
