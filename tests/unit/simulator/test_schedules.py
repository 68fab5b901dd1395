"""Schedules of snapshots, where the plan has them, and what they make as time passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.schedules import due
from reconciler.simulator.seed import BranchSeed, ProjectSeed
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.unit.simulator.account import Account

DAY_SECONDS: Final = 86_400
WEEK: Final = 7 * DAY_SECONDS
MONDAY: Final = datetime.fromtimestamp(DEMO_EPOCH_SECONDS, UTC)
"""Nine o'clock on Monday, 23 November 2026."""
DAILY: Final = {"frequency": "daily", "hour": 3, "retention_seconds": WEEK}


def offered(**behaviour: Any) -> AbstractContextManager[Account]:
    return account(behaviour=Behaviour(backup_schedules=True, empty_schedule_allowed=True, **behaviour))


class Project:
    """A project of ``free``: one manual snapshot."""

    def __init__(self, neon: Account, **members: Any) -> None:
        self.neon, self.seeded = neon, neon.simulator.add_project("free", ProjectSeed("acme", **members))
        self.path = f"/projects/{self.seeded.project_id}"
        self.main = f"{self.path}/branches/{self.seeded.branch_id}"
        self.schedule = f"{self.main}/backup_schedule"

    def put(self, *items: dict[str, Any]) -> None:
        assert self.neon.done("PUT", self.schedule, {"schedule": list(items)}) == {}

    def snapshots(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.neon.get(f"{self.path}/snapshots")["snapshots"]
        return found

    def taken(self) -> list[str]:
        """When each snapshot was taken, the oldest first: day of the month and hour."""
        moments = [datetime.fromisoformat(each["created_at"]) for each in reversed(self.snapshots())]
        return [f"{moment:%d %H}" for moment in moments]


def test_a_plan_without_schedules_refuses_them() -> None:
    with account() as neon:
        project = Project(neon)
        assert neon.refused("GET", project.schedule)[0] == 403
        assert neon.refused("PUT", project.schedule, {"schedule": []})[0] == 403
        assert neon.refused("GET", f"{project.path}/branches/br-nowhere-1/backup_schedule")[0] == 404


def test_a_schedule_is_replaced_as_a_whole_and_an_empty_one_is_none() -> None:
    with offered() as neon:
        project = Project(neon)
        assert neon.get(project.schedule) == {"schedule": []}
        weekly = {"frequency": "weekly", "day": 2}
        project.put(DAILY, weekly)
        assert neon.get(project.schedule) == {"schedule": [DAILY, weekly]}
        project.put({"frequency": "monthly"})
        assert neon.get(project.schedule) == {"schedule": [{"frequency": "monthly"}]}
        project.put()
        assert neon.get(project.schedule) == {"schedule": []}


@pytest.mark.parametrize(
    "item",
    [
        {"frequency": "hourly"},
        {"frequency": "yearly", "month": 1, "day": 1},
        {"frequency": "sometimes"},
        {"frequency": "daily", "hour": 24},
        {"frequency": "daily", "day": 1},
        {"frequency": "weekly", "day": 8},
        {"frequency": "monthly", "month": 1},
        {"frequency": "daily", "retention_seconds": 3599},
        {"frequency": "daily", "retention_seconds": 3_024_001},
        {"hour": 3},
        {"frequency": "daily", "minute": 3},
    ],
)
def test_an_item_that_cannot_be_is_refused_and_the_schedule_stays(item: dict[str, Any]) -> None:
    with account(behaviour=Behaviour(backup_schedules=True), refusals_allowed=True) as neon:
        project = Project(neon)
        project.put(DAILY)
        assert neon.refused("PUT", project.schedule, {"schedule": [item]})[0] == 400
        assert neon.get(project.schedule) == {"schedule": [DAILY]}


def test_only_a_root_branch_has_a_schedule() -> None:
    with offered() as neon:
        project = Project(neon, branches=(BranchSeed("dev"),))
        path = f"{project.path}/branches/{project.seeded.branch_ids[0]}/backup_schedule"
        assert neon.refused("PUT", path, {"schedule": [DAILY]})[0] == 422
        assert neon.get(path) == {"schedule": []}


def test_a_schedule_waits_for_running_operations() -> None:
    with offered() as neon:
        project = Project(neon)
        neon.ask("POST", f"{project.path}/branches")
        assert neon.refused("PUT", project.schedule, {"schedule": [DAILY]})[0] == 423


@pytest.mark.parametrize(
    ("item", "days", "expected"),
    [
        ({"frequency": "daily", "hour": 3}, 3, ["24 03", "25 03", "26 03"]),
        ({"frequency": "daily", "hour": 9}, 2, ["24 09", "25 09"]),
        ({"frequency": "daily"}, 1, ["24 00"]),
        ({"frequency": "weekly", "hour": 10}, 14, ["23 10", "30 10"]),
        ({"frequency": "weekly", "day": 7}, 14, ["29 00", "06 00"]),
        ({"frequency": "monthly"}, 40, ["01 00", "01 00"]),
        ({"frequency": "monthly", "day": 31, "hour": 1}, 100, ["30 01", "31 01", "31 01", "28 01"]),
    ],
)
def test_an_item_is_due_at_its_hours_and_days(item: dict[str, Any], days: int, expected: list[str]) -> None:
    moments = due(item, DEMO_EPOCH_SECONDS, (MONDAY + timedelta(days=days)).timestamp())
    assert [f"{datetime.fromtimestamp(moment, UTC):%d %H}" for moment in moments] == expected


def test_snapshots_appear_by_the_clock_and_go_when_their_time_is_over() -> None:
    with offered() as neon:
        project = Project(neon, storage_bytes=5)
        project.put(DAILY)
        assert project.taken() == []
        neon.wait(2 * DAY_SECONDS)
        assert project.taken() == ["24 03", "25 03"]
        newest = project.snapshots()[0]
        assert (newest["manual"], newest["full_size"]) == (False, 5)
        assert newest["source_branch_id"] == project.seeded.branch_id
        assert newest["created_at"] == newest["timestamp"] == "2026-11-25T03:00:00Z"
        assert newest["expires_at"] == "2026-12-02T03:00:00Z"
        neon.wait(28 * DAY_SECONDS)
        assert project.taken() == ["17 03", "18 03", "19 03", "20 03", "21 03", "22 03", "23 03"]


@pytest.mark.parametrize(
    ("longest_seconds", "expected"), [(3_024_000, ["30 00", "07 00", "14 00", "21 00", "28 00"]), (None, 10)]
)
def test_a_snapshot_without_a_retention_is_kept_for_35_days_or_for_ever(
    longest_seconds: int | None, expected: list[str] | int
) -> None:
    with offered(longest_backup_retention_seconds=longest_seconds) as neon:
        project = Project(neon)
        project.put({"frequency": "weekly"})
        neon.wait(5 * WEEK)
        assert len(project.taken()) == 5
        neon.wait(5 * WEEK)
        assert len(project.taken()) == (10 if longest_seconds is None else 5)
        assert all(("expires_at" in each) is (longest_seconds is not None) for each in project.snapshots())


def test_what_a_list_shows_is_what_later_writes_find() -> None:
    with offered() as neon:
        project = Project(neon)
        project.put(DAILY, {**DAILY, "frequency": "weekly", "day": 3})
        neon.wait(5 * DAY_SECONDS)
        shown = project.snapshots()
        assert len({each["id"] for each in shown}) == len(shown) == 6
        neon.done("PATCH", f"{project.path}/snapshots/{shown[0]['id']}", {"snapshot": {"name": "keep"}})
        assert project.snapshots() == [{**shown[0], "name": "keep"}, *shown[1:]]
        neon.done("DELETE", f"{project.path}/snapshots/{shown[2]['id']}")
        assert [each["id"] for each in project.snapshots()] == [each["id"] for each in (*shown[:2], *shown[3:])]
        restored = neon.done("POST", f"{project.path}/snapshots/{shown[1]['id']}/restore")["branch"]
        assert restored["restored_from"] == shown[1]["id"]


def test_every_process_sees_the_same_snapshots_without_a_write(tmp_path: Path) -> None:
    with account(behaviour=Behaviour(backup_schedules=True), path=tmp_path / "neon.db") as neon:
        project = Project(neon)
        project.put(DAILY)
        neon.simulator.clock.advance(3 * DAY_SECONDS)
        shown = project.snapshots()
        with account(behaviour=Behaviour(), path=tmp_path / "neon.db") as other:
            assert other.get(f"{project.path}/snapshots")["snapshots"] == shown
        assert len(shown) == 3


def test_scheduled_snapshots_do_not_count_against_the_plan() -> None:
    with offered() as neon:
        project = Project(neon)
        project.put(DAILY)
        neon.wait(3 * DAY_SECONDS)
        neon.done("POST", f"{project.main}/snapshot?name=mine")
        assert neon.refused("POST", f"{project.main}/snapshot") == (422, "snapshots limit exceeded, limit:1")
        assert len(project.taken()) == 4


def test_what_was_taken_stays_when_the_schedule_ends() -> None:
    with offered() as neon:
        project = Project(neon)
        project.put(DAILY)
        neon.wait(2 * DAY_SECONDS)
        project.put()
        neon.wait(2 * DAY_SECONDS)
        assert project.taken() == ["24 03", "25 03"]


def test_what_was_taken_keeps_its_name_when_the_branch_gets_another() -> None:
    with offered() as neon:
        project = Project(neon)
        project.put(DAILY)
        neon.wait(DAY_SECONDS)
        before = project.snapshots()
        neon.done("PATCH", project.main, {"branch": {"name": "trunk"}})
        assert [each["name"] for each in project.snapshots()] == [each["name"] for each in before]


@pytest.mark.parametrize("query", ["", "?hard_delete=true"])
def test_a_branch_that_is_gone_is_not_taken_again(query: str) -> None:
    with offered() as neon:
        project = Project(neon, branches=(BranchSeed("root", schema_only=True),))
        root = f"{project.path}/branches/{project.seeded.branch_ids[0]}"
        neon.done("PUT", f"{root}/backup_schedule", {"schedule": [DAILY]})
        neon.wait(DAY_SECONDS)
        neon.done("DELETE", f"{root}{query}")
        neon.wait(3 * DAY_SECONDS)
        assert project.taken() == ["24 03"]


def test_a_schedule_of_a_branch_that_expires_ends_with_it_and_goes_on_after_its_recovery() -> None:
    with offered(soft_deletion=True) as neon:
        expires_at = DEMO_EPOCH_SECONDS + DAY_SECONDS
        project = Project(neon, branches=(BranchSeed("root", schema_only=True, expires_at=expires_at),))
        root = f"{project.path}/branches/{project.seeded.branch_ids[0]}"
        neon.done("PUT", f"{root}/backup_schedule", {"schedule": [DAILY]})
        neon.wait(3 * DAY_SECONDS)
        assert project.taken() == ["24 03"]
        neon.done("POST", f"{root}/recover")
        neon.wait(DAY_SECONDS)
        assert project.taken() == ["24 03", "27 03"]


def test_a_deleted_project_is_not_taken_until_it_is_recovered() -> None:
    with offered() as neon:
        project = Project(neon)
        project.put(DAILY)
        neon.wait(DAY_SECONDS)
        neon.done("DELETE", project.path)
        neon.wait(2 * DAY_SECONDS)
        neon.done("POST", f"{project.path}/recover")
        neon.wait(DAY_SECONDS)
        assert project.taken() == ["24 03", "27 03"]


def test_a_replaced_branch_keeps_its_schedule_and_what_it_took() -> None:
    with offered() as neon:
        project = Project(neon)
        project.put(DAILY)
        neon.wait(DAY_SECONDS)
        (snapshot,) = project.snapshots()
        path = f"{project.path}/snapshots/{snapshot['id']}/restore"
        main = neon.done("POST", path, {"finalize_restore": True})["branch"]["id"]
        assert neon.get(f"{project.path}/branches/{main}/backup_schedule") == {"schedule": []}
        assert neon.get(project.schedule) == {"schedule": [DAILY]}
        assert project.taken() == ["24 03"]


def test_a_branch_that_is_no_root_any_more_is_not_taken_again() -> None:
    with offered() as neon:
        project = Project(neon)
        project.put(DAILY)
        neon.wait(DAY_SECONDS)
        body = {"source_branch_id": project.seeded.branch_id, "preserve_under_name": "kept"}
        neon.done("POST", f"{project.main}/restore", {**body, "source_timestamp": "2026-11-24T08:00:00Z"})
        neon.wait(2 * DAY_SECONDS)
        assert project.taken() == ["24 03"]
