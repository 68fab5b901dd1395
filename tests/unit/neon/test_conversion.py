"""Neon's words and ours: what an answer means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject, LiveSnapshot
from reconciler.model.compute import Compute
from reconciler.model.quota import Consumption, Quota
from reconciler.neon import conversion, wire
from reconciler.neon.operations import Operation
from tests.harness.scripted_api import branch, endpoint, project, snapshot


def decoded(**more: Any) -> LiveProject:
    answer = msgspec.json.decode(msgspec.json.encode(project("p1", "acme", **more)), type=wire.ProjectAnswer)
    return conversion.live_project(answer, "free")


def test_a_project_is_told_in_our_names_and_units() -> None:
    live = decoded(
        default_endpoint_settings={
            "autoscaling_limit_min_cu": 1,
            "autoscaling_limit_max_cu": 2.0,
            "suspend_timeout_seconds": -1,
        },
        settings={"quota": {"active_time_seconds": 5}, "allowed_ips": {"ips": ["1.2.3.4"]}},
        history_retention_seconds=86_400,
        synthetic_storage_size=10,
        compute_last_active_at="2026-02-01T01:00:00+01:00",
    )
    assert live == LiveProject(
        id="p1",
        name="acme",
        organization="free",
        region="aws-us-east-2",
        pg_version=17,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        quota=Quota(active_time_seconds=5),
        compute=Compute(1, 2, -1),
        restore_window_seconds=86_400,
        settings={"allowed_ips": {"ips": ["1.2.3.4"]}},
        storage_bytes=10,
        last_active_at=datetime(2026, 2, 1, tzinfo=UTC),
    )


def test_what_a_project_has_consumed_is_told_by_itself_and_by_no_list() -> None:
    assert decoded().consumption is None
    some = decoded(active_time_seconds=7, data_transfer_bytes=0)
    assert some.consumption == Consumption(7, None, None, 0)


def test_what_an_answer_leaves_out_was_not_observed() -> None:
    live = decoded()
    assert (live.quota, live.compute, live.restore_window_seconds, live.settings) == (None, None, None, None)


@pytest.mark.parametrize("quota", [None, {}, {"active_time_seconds": None}, {"written_data_bytes": 0}])
def test_a_quota_member_that_is_absent_is_unlimited_once_settings_are_there(quota: object) -> None:
    settings = {} if quota is None else {"quota": quota}
    assert decoded(settings=settings).quota == Quota()


@pytest.mark.parametrize(
    ("stated", "compute"),
    [
        ({"autoscaling_limit_min_cu": 0, "autoscaling_limit_max_cu": 0, "suspend_timeout_seconds": 0}, None),
        ({}, None),
        ({"suspend_timeout_seconds": 0}, None),
        ({"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 2}, Compute(0.25, 2, None)),
        ({"autoscaling_limit_max_cu": 2, "suspend_timeout_seconds": 0}, Compute(None, 2, 300)),
    ],
)
def test_compute_defaults_that_are_all_zero_were_not_observed(
    stated: dict[str, Any], compute: Compute | None
) -> None:
    assert decoded(default_endpoint_settings=stated).compute == compute


@pytest.mark.parametrize(
    "moment",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T02:00:00+02:00",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.0000001Z",
    ],
)
def test_every_moment_is_in_utc(moment: str) -> None:
    assert decoded(created_at=moment).created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert decoded(created_at=moment).created_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "end"),
    [("0001-01-01T00:00:00+10:00", datetime.min), ("9999-12-31T23:59:59-10:00", datetime.max)],  # noqa: DTZ901
)
def test_a_moment_that_the_calendar_of_utc_lacks_is_its_end(moment: str, end: datetime) -> None:
    assert decoded(created_at=moment).created_at == end.replace(tzinfo=UTC)


def test_a_moment_in_the_year_one_is_none_at_all() -> None:
    assert decoded(compute_last_active_at="0001-01-01T00:00:00Z").last_active_at is None
    assert decoded(consumption_period_end="0001-01-01T00:00:00Z", quota_reset_at="nonsense").name == "acme"


def test_a_project_of_the_list_knows_what_it_is_connected_to() -> None:
    page = {
        "projects": [project("p1"), project("p2")],
        "integrations": {"p1": ["vercel", "github"]},
        "applications": {"p1": ["vercel"]},
    }
    first, second = conversion.live_projects(msgspec.convert(page, wire.ProjectsPage), "free")
    assert (first.integrations, second.integrations) == (("github", "vercel"), ())


def test_a_branch_has_the_annotation_of_its_id() -> None:
    page = msgspec.convert(
        {
            "branches": [branch("br-1", logical_size=7), branch("br-2", "dev", default=False, parent_id="br-1")],
            "annotations": {"br-1": {"value": {"fleet": "prod"}, "object": {"type": "console/branch"}}},
        },
        wire.BranchesPage,
    )
    first, second = conversion.live_branches(page)
    created = datetime(2026, 1, 1, tzinfo=UTC)
    assert first == LiveBranch("br-1", "main", None, True, False, {"fleet": "prod"}, created, 7)
    assert (second.parent_id, second.default, dict(second.annotations)) == ("br-1", False, {})


@pytest.mark.parametrize(
    ("states", "active"),
    [
        ({"current_state": "active"}, True),
        ({"current_state": "idle"}, False),
        ({"current_state": "init"}, False),
        ({"current_state": "idle", "pending_state": "active"}, True),
    ],
)
def test_a_compute_that_runs_or_is_about_to_is_active(states: dict[str, str], active: bool) -> None:
    live = conversion.live_endpoint(msgspec.convert(endpoint("ep-1", "br-1", **states), wire.EndpointAnswer))
    assert live == LiveEndpoint("ep-1", "br-1", "read_write", Compute(0.25, 2, 300), active)


def test_an_operation_is_decoded_as_it_is_worded() -> None:
    told = {"id": "4f6b1c1e-6c4b-4a2e-9d5e-0a1b2c3d4e5f", "action": "start_compute", "status": "running", "new": 1}
    body = msgspec.json.encode({"operation": told})
    assert msgspec.json.decode(body, type=wire.OneOperation).operation == Operation(
        "4f6b1c1e-6c4b-4a2e-9d5e-0a1b2c3d4e5f", "start_compute", "running"
    )


def taken(**more: Any) -> LiveSnapshot:
    return conversion.live_snapshot(msgspec.convert(snapshot("snap-1", "v1", **more), wire.SnapshotAnswer))


def test_a_snapshot_is_told_in_our_names() -> None:
    created, expires = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    live = taken(expires_at="2026-02-01T01:00:00+01:00", full_size=1, lsn="0/1", timestamp="2026-01-01T00:00:00Z")
    assert live == LiveSnapshot("snap-1", "v1", "br-1", created, expires, True)
    assert taken(manual=False).manual is False
    assert taken(expires_at="0001-01-01T00:00:00Z").expires_at is None


def test_of_a_snapshot_only_id_name_and_birth_are_certain() -> None:
    bare = {"id": "snap-1", "name": "v1", "created_at": "2026-01-01T00:00:00Z"}
    live = conversion.live_snapshot(msgspec.convert(bare, wire.SnapshotAnswer))
    assert (live.source_branch_id, live.expires_at, live.manual) == (None, None, True)


def test_every_name_is_in_nfc() -> None:
    composed, in_two_signs = "caf\u00e9", "cafe\u0301"
    page = msgspec.convert({"branches": [branch("br-1", in_two_signs)]}, wire.BranchesPage)
    (found,) = conversion.live_branches(page)
    listed = msgspec.convert(project("p1", in_two_signs), wire.ProjectAnswer)
    kept = msgspec.convert(snapshot("s1", in_two_signs), wire.SnapshotAnswer)
    names = (conversion.live_project(listed, "free").name, found.name, conversion.live_snapshot(kept).name)
    assert names == (composed,) * 3
