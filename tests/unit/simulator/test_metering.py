"""Meters and quotas over HTTP: what is counted, and what a quota that is reached stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.metering.usage import Workload
from reconciler.simulator.seed import BranchSeed, ProjectSeed
from reconciler.simulator.types import Quota
from tests.unit.simulator.account import EASY, Account, account

HOUR, DAY = 3600, 86_400
LONG_AGO = DEMO_EPOCH_SECONDS - DAY
BUSY = Workload(0.5, 2, written_bytes_per_hour=1000, transferred_bytes_per_hour=10, growth_bytes_per_hour=100)
TOLD_AT_ONCE = replace(EASY, counters_lag_seconds=0.0)
"""For a count that no second may be added to: it is read right when it ends."""
COUNTERS = ("active_time_seconds", "compute_time_seconds", "written_data_bytes", "data_transfer_bytes")


def a_project(neon: Account, **members: Any) -> str:
    """One that is a day old, so that its compute is idle."""
    seed = ProjectSeed("acme", created_at=LONG_AGO, **members)
    return neon.simulator.add_project("free", seed).project_id


def told(neon: Account, project_id: str) -> tuple[int, ...]:
    """The counters as Neon tells them."""
    project = neon.get(f"/projects/{project_id}")["project"]
    return tuple(project[name] for name in COUNTERS)


def counters(neon: Account, project_id: str) -> tuple[int, ...]:
    """The counters of this moment: they are told later."""
    neon.wait(neon.simulator.world.behaviour.counters_lag_seconds)
    return told(neon, project_id)


def limit(neon: Account, project_id: str, **quota: int) -> None:
    neon.done("PATCH", f"/projects/{project_id}", {"project": {"settings": {"quota": quota}}})


def states(neon: Account, project_id: str) -> list[str]:
    return [each["current_state"] for each in neon.get(f"/projects/{project_id}/endpoints")["endpoints"]]


def test_a_new_compute_runs_until_it_is_idle() -> None:
    with account() as neon:
        project_id = neon.create()["project"]["id"]
        neon.wait(HOUR)
        assert counters(neon, project_id) == (300, 75, 0, 0)


def test_a_workload_is_counted_and_the_branch_grows() -> None:
    with account() as neon:
        project_id = a_project(neon, workload=BUSY, storage_bytes=1000)
        neon.wait(2 * HOUR)
        project = neon.get(f"/projects/{project_id}")["project"]
        assert (project["synthetic_storage_size"], project["data_storage_bytes_hour"]) == (1200, 2200)
        (branch,) = neon.get(f"/projects/{project_id}/branches")["branches"]
        assert branch["logical_size"] == 1200
        assert counters(neon, project_id) == (HOUR, 2 * HOUR, 2000, 20)
        project = neon.get(f"/projects/{project_id}")["project"]
        assert project["compute_last_active_at"] == "2026-11-23T11:00:00Z"


def test_counters_may_lag() -> None:
    with account(behaviour=Behaviour(counters_lag_seconds=HOUR)) as neon:
        project_id = a_project(neon, workload=BUSY)
        neon.wait(2 * HOUR)
        assert told(neon, project_id) == (HOUR / 2, HOUR, 1000, 10)
        assert neon.get(f"/projects/{project_id}")["project"]["compute_last_active_at"] == "2026-11-23T10:00:00Z"
        new = neon.create()["project"]["id"]
        neon.wait(HOUR / 2)
        assert "compute_last_active_at" not in neon.get(f"/projects/{new}")["project"]
        assert told(neon, new) == (0, 0, 0, 0)


def test_what_was_used_before_a_project_was_made_by_hand_is_known_and_later_use_is_late() -> None:
    with account(behaviour=Behaviour(counters_lag_seconds=HOUR)) as neon:
        seen = DEMO_EPOCH_SECONDS - 2 * HOUR
        project_id = a_project(neon, usage={"active_time_seconds": 60}, last_active_at=seen)
        neon.simulator.set_usage(project_id, active_time_seconds=600)
        assert told(neon, project_id)[0] == 60
        assert neon.get(f"/projects/{project_id}")["project"]["compute_last_active_at"] == timestamp(seen)
        neon.wait(HOUR)
        assert told(neon, project_id)[0] == 600


def test_a_list_shows_what_a_meter_says() -> None:
    with account() as neon:
        project_id = a_project(neon, workload=BUSY, usage={"active_time_seconds": 100})
        neon.wait(2 * HOUR)
        (item,) = neon.get("/projects")["projects"]
        assert (item["id"], item["active_time"], item["synthetic_storage_size"]) == (project_id, HOUR + 100, 200)


def test_counters_start_again_with_the_month_in_a_list_too() -> None:
    with account() as neon:
        project_id = a_project(neon, usage={"active_time_seconds": 100, "written_data_bytes": 5})
        assert counters(neon, project_id) == (100, 0, 5, 0)
        neon.wait(8 * DAY)
        assert counters(neon, project_id) == (0, 0, 0, 0)
        (item,) = neon.get("/projects")["projects"]
        assert item["active_time"] == 0
        period = neon.get(f"/projects/{project_id}")["project"]
        assert period["consumption_period_start"] == "2026-12-01T00:00:00Z"
        assert period["consumption_period_end"] == "2027-01-01T00:00:00Z"


def test_looking_and_writing_change_no_count() -> None:
    with account() as neon:
        project_id = a_project(neon, workload=BUSY)
        for _ in range(4):
            neon.wait(HOUR / 2 - 1)
            neon.done("PATCH", f"/projects/{project_id}", {"project": {"name": "renamed"}})
        assert counters(neon, project_id) == (HOUR, 2 * HOUR, 2000, 20)


def test_a_compute_that_suspends_never_runs_on_until_a_quota_stops_it() -> None:
    with account() as neon:
        project_id = a_project(neon, active=True, quota=Quota(active_time_seconds=2 * HOUR))
        neon.wait(HOUR)
        assert states(neon, project_id) == ["active"]
        neon.wait(2 * HOUR)
        assert states(neon, project_id) == ["idle"]
        assert counters(neon, project_id)[0] == 2 * HOUR
        (compute,) = neon.get(f"/projects/{project_id}/endpoints")["endpoints"]
        assert compute["suspended_at"] == "2026-11-23T11:00:00Z"


REACHED = Quota(active_time_seconds=10)


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_no_compute_starts_until_the_quota_is_raised_or_lifted_or_the_month_ends(verb: str) -> None:
    with account() as neon:
        ids = [a_project(neon, quota=REACHED, usage={"active_time_seconds": 10}) for _ in range(3)]
        paths = []
        for project_id in ids:
            (compute,) = neon.get(f"/projects/{project_id}/endpoints")["endpoints"]
            paths.append(f"/projects/{project_id}/endpoints/{compute['id']}")
            status, message = neon.refused("POST", f"{paths[-1]}/{verb}")
            assert (status, "active_time_seconds quota" in message) == (422, True)
            assert "2026-12-01T00:00:00Z" in message
        limit(neon, ids[0], active_time_seconds=1000)
        limit(neon, ids[1], active_time_seconds=0)
        for path in paths[:2]:
            neon.done("POST", f"{path}/{verb}")
        neon.wait(8 * DAY)
        neon.done("POST", f"{paths[2]}/{verb}")


def test_a_quota_below_what_is_used_suspends_at_once() -> None:
    with account() as neon:
        project_id = a_project(neon, active=True, usage={"written_data_bytes": 50})
        limit(neon, project_id, written_data_bytes=40)
        assert states(neon, project_id) == ["idle"]


def test_what_a_write_starts_in_spite_of_a_quota_is_suspended_with_it() -> None:
    with account() as neon:
        project_id = a_project(neon, quota=Quota(data_transfer_bytes=5), usage={"data_transfer_bytes": 5})
        (compute,) = neon.get(f"/projects/{project_id}/endpoints")["endpoints"]
        size = {"endpoint": {"autoscaling_limit_max_cu": 2}}
        neon.done("PATCH", f"/projects/{project_id}/endpoints/{compute['id']}", size)
        neon.done("POST", f"/projects/{project_id}/branches", {"endpoints": [{"type": "read_write"}]})
        assert states(neon, project_id) == ["idle", "idle"]
        assert counters(neon, project_id) == (0, 0, 0, 5)


def test_usage_that_is_set_counts_against_the_quota() -> None:
    with account() as neon:
        project_id = a_project(neon, active=True, quota=Quota(compute_time_seconds=100))
        neon.simulator.set_usage(project_id, compute_time_seconds=100)
        assert states(neon, project_id) == ["idle"]


def test_a_full_branch_is_written_to_no_more_and_its_compute_still_starts() -> None:
    with account() as neon:
        project_id = a_project(neon, workload=BUSY, storage_bytes=1000, quota=Quota(logical_size_bytes=1100))
        neon.wait(5 * HOUR)
        (branch,) = neon.get(f"/projects/{project_id}/branches")["branches"]
        assert branch["logical_size"] == 1100
        assert counters(neon, project_id)[2:] == (1000, 50)
        (compute,) = neon.get(f"/projects/{project_id}/endpoints")["endpoints"]
        neon.done("POST", f"/projects/{project_id}/endpoints/{compute['id']}/start")


def test_a_deleted_project_and_an_expired_branch_consume_nothing() -> None:
    with account(behaviour=TOLD_AT_ONCE) as neon:
        expired = a_project(neon)
        neon.simulator.add_branch(expired, BranchSeed("dev", expires_at=DEMO_EPOCH_SECONDS + 100))
        deleted = a_project(neon, active=True, workload=BUSY)
        neon.wait(HOUR)
        assert counters(neon, expired)[0] == 100
        neon.done("DELETE", f"/projects/{deleted}")
        neon.wait(HOUR)
        neon.done("POST", f"/projects/{deleted}/recover")
        assert counters(neon, deleted)[0] == HOUR
        assert states(neon, deleted) == ["idle"]
