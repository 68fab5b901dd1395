"""The consumption history over HTTP: frames, metrics, pages, and who gets none."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.metering.usage import Workload
from reconciler.simulator.seed import BranchSeed as Branch
from reconciler.simulator.seed import ProjectSeed, SnapshotSeed
from tests.unit.simulator.account import Account, account

NOW, HOUR, DAY = DEMO_EPOCH_SECONDS, 3600, 86_400
"""2026-11-23T09:00:00Z."""
BUSY = Workload(0.5, 2, written_bytes_per_hour=1000, transferred_bytes_per_hour=10)
DAILY = {"from": "2026-11-20T15:30:00Z", "to": "2026-11-23T08:00:00Z", "granularity": "daily"}
HOURLY = {"from": "2026-11-23T09:10:00Z", "to": "2026-11-23T12:59:00Z", "granularity": "hourly"}
V2, BRANCHES, LEGACY = "v2/projects", "v2/branches", "projects"
COMPUTE = {"metrics": "compute_unit_seconds"}


def asked(neon: Account, path: str, **query: Any) -> str:
    return f"/consumption_history/{path}?{urlencode({'org_id': neon.free, **query}, doseq=True)}"


def history(neon: Account, path: str, **query: Any) -> Any:
    return neon.get(asked(neon, path, **query))


def used(frames: list[Any]) -> list[dict[str, int]]:
    return [{each["metric_name"]: each["value"] for each in frame["metrics"]} for frame in frames]


def a_project(neon: Account, name: str = "acme", **members: Any) -> str:
    """One that is a day old, so that its compute is idle."""
    return neon.simulator.add_project("free", ProjectSeed(name, **{"created_at": NOW - DAY, **members})).project_id


def test_what_a_workload_consumes_is_told_by_the_hour() -> None:
    with account() as neon:
        project_id = a_project(neon, workload=BUSY, storage_bytes=500)
        neon.wait(4 * HOUR)
        metrics = "compute_unit_seconds,public_network_transfer_bytes,root_branch_bytes_month"
        found = history(neon, V2, metrics=metrics, **HOURLY)
        (project,) = found["projects"]
        (period,) = project["periods"]
        frames = period["consumption"]
        assert (project["project_id"], found["pagination"]) == (project_id, {"cursor": project_id})
        assert (period["period_start"], period["period_plan"]) == ("2026-11-01T00:00:00Z", "agent")
        assert "period_end" not in period
        assert [frame["timeframe_start"][11:16] for frame in frames] == ["09:00", "10:00", "11:00"]
        assert used(frames) == [{"compute_unit_seconds": HOUR, **TRANSFER, **STORED}] * 3


TRANSFER = {"public_network_transfer_bytes": 10}
STORED = {"root_branch_bytes_month": 500}


def test_frames_are_rounded_and_fall_into_billing_periods() -> None:
    with account() as neon:
        a_project(neon, workload=BUSY)
        neon.wait(20 * DAY)
        span = {"from": "2026-11-29T23:00:00Z", "to": "2026-12-02T01:00:00Z", "granularity": "daily"}
        periods = history(neon, V2, **span, **COMPUTE)["projects"][0]["periods"]
        starts = [[frame["timeframe_start"][5:10] for frame in period["consumption"]] for period in periods]
        assert starts == [["11-29", "11-30"], ["12-01"]]
        assert periods[0]["period_end"] == "2026-12-01T00:00:00Z"
        assert "period_end" not in periods[1]
        months = history(
            neon,
            V2,
            **COMPUTE,
            granularity="monthly",
            **{"from": "2026-11-05T00:00:00Z", "to": "2026-12-10T00:00:00Z"},
        )
        (november,) = used(months["projects"][0]["periods"][0]["consumption"])
        assert november == {"compute_unit_seconds": 2 * (7 * DAY + 15 * HOUR) / 2}


def test_consumption_is_reported_after_a_while() -> None:
    with account(behaviour=Behaviour(consumption_lag_seconds=2 * HOUR)) as neon:
        a_project(neon, workload=BUSY)
        neon.wait(4 * HOUR)
        frames = history(neon, V2, **COMPUTE, **HOURLY)["projects"][0]["periods"][0]["consumption"]
        assert used(frames) == [{"compute_unit_seconds": HOUR}, {"compute_unit_seconds": HOUR}, {}]


def test_what_no_flow_consumes_is_told_too() -> None:
    with account(behaviour=Behaviour(consumption_lag_seconds=0)) as neon:
        project_id = a_project(neon, storage_bytes=100, snapshots=[SnapshotSeed("v1")])
        neon.simulator.add_branch(project_id, Branch("dev", with_compute=False))
        neon.wait(2 * HOUR)
        metrics = ["child_branch_bytes_month", "extra_branches_month", "snapshot_storage_bytes_month"]
        span = {**HOURLY, "to": "2026-11-23T10:00:00Z"}
        (frame,) = history(neon, V2, metrics=metrics, **span)["projects"][0]["periods"][0]["consumption"]
        assert used([frame]) == [dict(zip(metrics, (100, 1, 100), strict=True))]


def test_what_was_written_counts_for_as_long_as_it_can_be_restored() -> None:
    with account(behaviour=Behaviour(consumption_lag_seconds=0)) as neon:
        a_project(neon, usage={"written_data_bytes": 600}, created_at=NOW - 3 * HOUR, restore_window_seconds=HOUR)
        span = {"from": "2026-11-23T06:00:00Z", "to": "2026-11-23T08:00:00Z", "granularity": "hourly"}
        frames = history(neon, V2, metrics="instant_restore_bytes_month", **span)["projects"][0]["periods"][0]
        assert used(frames["consumption"]) == [{}, {"instant_restore_bytes_month": 600}]


def test_a_counter_that_is_set_is_consumed_at_that_moment() -> None:
    with account() as neon:
        project_id = a_project(neon)
        neon.wait(HOUR)
        neon.simulator.set_usage(project_id, compute_time_seconds=7200)
        neon.wait(3 * HOUR)
        frames = history(neon, V2, **COMPUTE, **HOURLY)["projects"][0]["periods"][0]["consumption"]
        assert used(frames) == [{}, {"compute_unit_seconds": 7200}, {}]
        assert neon.get(f"/projects/{project_id}")["project"]["compute_time_seconds"] == 7200


def test_branches_have_a_history_of_their_own() -> None:
    with account() as neon:
        project_id = a_project(neon, workload=BUSY)
        branch_id = neon.simulator.add_branch(project_id, Branch("dev"))
        neon.wait(4 * HOUR)
        found = history(neon, BRANCHES, **COMPUTE, **HOURLY, project_ids=project_id)["branches"]
        by_id = {each["branch_id"]: used(each["periods"][0]["consumption"]) for each in found}
        assert by_id.pop(branch_id) == [{"compute_unit_seconds": 300 * 0.25}, {}, {}]
        assert list(by_id.values()) == [[{"compute_unit_seconds": HOUR}] * 3]
        only = history(neon, BRANCHES, **COMPUTE, **HOURLY, project_ids=project_id, branch_ids=[branch_id])
        assert [each["branch_id"] for each in only["branches"]] == [branch_id]


@pytest.mark.parametrize(("path", "name"), [(V2, "projects"), (BRANCHES, "branches")])
def test_pages_end_with_an_empty_one(path: str, name: str) -> None:
    with account() as neon:
        ids = [a_project(neon, f"p{number}", created_at=NOW - DAY + number) for number in range(3)]
        query: dict[str, Any] = {**DAILY, **COMPUTE, "limit": 2, "project_ids": ids}
        sizes: list[int] = []
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while not sizes or sizes[-1]:
            page = history(neon, path, **query, **cursor)
            sizes.append(len(page[name]))
            seen += [each["project_id"] for each in page[name]]
            cursor = page.get("pagination", {})
        assert sizes == [2, 1, 0]
        assert seen == (ids[::-1] if path == V2 else sorted(ids))
        assert cursor == {}


def test_a_list_of_ids_may_be_repeated_or_have_commas() -> None:
    with account() as neon:
        ids = [a_project(neon, f"p{number}") for number in range(3)]
        for listed in (ids[:2], ",".join(ids[:2])):
            found = history(neon, V2, **DAILY, **COMPUTE, project_ids=listed)["projects"]
            assert {each["project_id"] for each in found} == set(ids[:2])


@pytest.mark.parametrize(
    ("span", "status"),
    [
        ({"from": "2026-11-16T09:00:00Z", "to": "2026-11-17T00:00:00Z", "granularity": "hourly"}, 200),
        ({"from": "2026-11-16T08:00:00Z", "to": "2026-11-17T00:00:00Z", "granularity": "hourly"}, 406),
        ({"from": "2026-09-24T00:00:00Z", "to": "2026-11-17T00:00:00Z", "granularity": "daily"}, 200),
        ({"from": "2026-09-23T00:00:00Z", "to": "2026-11-17T00:00:00Z", "granularity": "daily"}, 406),
        ({"from": "2025-11-23T00:00:00Z", "to": "2026-11-17T00:00:00Z", "granularity": "monthly"}, 200),
        ({"from": "2025-10-23T00:00:00Z", "to": "2026-11-17T00:00:00Z", "granularity": "monthly"}, 406),
        ({"from": "2026-11-20T00:00:00Z", "to": "2026-11-19T00:00:00Z", "granularity": "daily"}, 406),
        ({"from": "2026-11-20T00:00:00Z", "to": "2026-11-25T00:00:00Z", "granularity": "daily"}, 406),
        ({"from": "yesterday", "to": "2026-11-25T00:00:00Z", "granularity": "daily"}, 400),
        ({"from": "2026-11-20T00:00:00Z", "to": "2026-11-22T00:00:00Z", "granularity": "yearly"}, 400),
    ],
)
def test_a_granularity_reaches_back_so_far(span: dict[str, str], status: int) -> None:
    with account(refusals_allowed=True) as neon:
        a_project(neon)
        assert neon.ask("GET", asked(neon, V2, **span, **COMPUTE)).status_code == status


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (V2, {"metrics": "active_time_seconds"}),
        (BRANCHES, {"metrics": "extra_branches_month", "project_ids": "quiet-lake-1"}),
        (BRANCHES, {"metrics": "compute_unit_seconds"}),
        (V2, {"metrics": "compute_unit_seconds", "project_ids": "No Id"}),
        (V2, {"metrics": "compute_unit_seconds", "cursor": "quiet-lake-1"}),
        (V2, {}),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(path: str, query: dict[str, str]) -> None:
    with account(refusals_allowed=True) as neon:
        assert neon.ask("GET", asked(neon, path, **DAILY, **query)).status_code == 400


def test_an_organization_is_closed_to_the_key_of_another_and_to_plans_without_a_history() -> None:
    with account(behaviour=Behaviour(consumption_refused_to=("paid",))) as neon:
        paid = asked(neon, V2, **DAILY, **COMPUTE).replace(neon.free, neon.paid)
        assert neon.ask("GET", paid).status_code == 404
        key = neon.simulator.organization_keys["paid"]
        assert neon.refused("GET", paid, key=key)[0] == 403


def test_the_legacy_history_is_offered_only_where_a_switch_says_so() -> None:
    with account() as neon:
        assert neon.refused("GET", asked(neon, LEGACY, **DAILY))[0] == 403
    with account(behaviour=Behaviour(legacy_consumption=True)) as neon:
        a_project(neon, workload=BUSY, storage_bytes=50)
        neon.wait(4 * HOUR)
        (project,) = history(neon, LEGACY, **HOURLY, include_v1_metrics="true")["projects"]
        frame = project["periods"][0]["consumption"][0]
        assert frame == {
            "timeframe_start": "2026-11-23T09:00:00Z",
            "timeframe_end": "2026-11-23T10:00:00Z",
            "active_time_seconds": HOUR // 2,
            "compute_time_seconds": HOUR,
            "written_data_bytes": 1000,
            "synthetic_storage_size_bytes": 50,
            "data_storage_bytes_hour": 50,
        }


def test_the_history_is_rate_limited_apart_from_everything_else() -> None:
    with account() as neon:
        statuses = []
        for _ in range(51):
            statuses.append(neon.ask("GET", asked(neon, V2, **DAILY, **COMPUTE)).status_code)
            neon.wait(0.1)
        assert statuses == [200] * 50 + [429]
        assert neon.ask("GET", "/projects").status_code == 200


def test_users_that_leave_consume_no_more() -> None:
    with account() as neon:
        project_id = a_project(neon, workload=BUSY)
        neon.wait(HOUR)
        neon.simulator.set_workload(project_id, Workload())
        neon.wait(3 * HOUR)
        frames = history(neon, V2, **COMPUTE, **HOURLY)["projects"][0]["periods"][0]["consumption"]
        assert used(frames) == [{"compute_unit_seconds": HOUR}, {}, {}]
