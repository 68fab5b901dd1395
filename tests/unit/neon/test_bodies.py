"""Where a value goes in a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.model.compute import Compute
from reconciler.model.values import JsonText, Value
from reconciler.neon import bodies

EVERYTHING: dict[str, Value] = {
    "name": "acme",
    "region": "aws-us-east-2",
    "pg_version": 17,
    "database": "neondb",
    "role": "owner",
    "branch": "main",
    "quota.active_time_seconds": 1,
    "quota.compute_time_seconds": 0,
    "quota.written_data_bytes": 2,
    "quota.data_transfer_bytes": 3,
    "quota.logical_size_bytes": 4,
    "compute.min_cu": 0.25,
    "compute.max_cu": 2.0,
    "compute.suspend_timeout_seconds": 300,
    "restore_window_seconds": 86_400,
    "settings.allowed_ips": JsonText.of({"ips": ["1.2.3.4"]}),
}


def test_every_value_of_a_create_has_its_place() -> None:
    assert bodies.create_body(EVERYTHING, {"fleet": "prod"}, "org-1") == {
        "project": {
            "org_id": "org-1",
            "name": "acme",
            "region_id": "aws-us-east-2",
            "pg_version": 17,
            "history_retention_seconds": 86_400,
            "branch": {
                "name": "main",
                "database_name": "neondb",
                "role_name": "owner",
                "annotations": {"fleet": "prod"},
            },
            "settings": {
                "quota": {
                    "active_time_seconds": 1,
                    "compute_time_seconds": 0,
                    "written_data_bytes": 2,
                    "data_transfer_bytes": 3,
                    "logical_size_bytes": 4,
                },
                "allowed_ips": {"ips": ["1.2.3.4"]},
            },
            "default_endpoint_settings": {
                "autoscaling_limit_min_cu": 0.25,
                "autoscaling_limit_max_cu": 2.0,
                "suspend_timeout_seconds": 300,
            },
        }
    }


def test_a_patch_holds_only_what_was_given() -> None:
    assert bodies.patch_body({"compute.max_cu": 4.0}) == {
        "project": {"default_endpoint_settings": {"autoscaling_limit_max_cu": 4.0}}
    }
    assert bodies.endpoint_body({"compute.max_cu": 4.0, "compute.min_cu": None}) == {
        "endpoint": {"autoscaling_limit_max_cu": 4.0}
    }


@pytest.mark.parametrize("path", ["region", "pg_version", "branch", "organization", "quota", "quota.tables"])
def test_what_a_patch_cannot_change_has_no_place_in_it(path: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        bodies.patch_body({path: "x"})


@pytest.mark.parametrize("path", ["name", "settings.allowed_ips", "quota.active_time_seconds"])
def test_only_compute_fields_have_a_place_in_an_endpoint(path: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        bodies.endpoint_body({path: "x"})


def test_a_new_branch_says_only_what_is_stated() -> None:
    body = bodies.new_branch_body(
        name="dev",
        parent_id="br-1",
        at=None,
        expires_at=None,
        schema_only=False,
        endpoints=[],
        annotations={},
    )
    assert body == {"branch": {"name": "dev", "parent_id": "br-1"}}


def test_moments_go_out_in_utc_to_the_second() -> None:
    summer = datetime(2026, 7, 1, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert bodies.branch_body(name=None, expires_at=summer) == {"branch": {"expires_at": "2026-07-01T12:00:00Z"}}
    assert bodies.new_snapshot_query(name="v1", at=summer, expires_at=None) == {
        "name": "v1",
        "timestamp": "2026-07-01T12:00:00Z",
    }


def test_a_branch_patch_never_clears_what_it_does_not_name() -> None:
    assert bodies.branch_body(name="dev", expires_at=None) == {"branch": {"name": "dev"}}
    lasting = bodies.branch_body(name=None, expires_at=None, expires_no_more=True)
    assert lasting == {"branch": {"expires_at": None}}
    assert bodies.branch_body(name=None, expires_at=datetime(2026, 7, 1, tzinfo=UTC)) == {
        "branch": {"expires_at": "2026-07-01T00:00:00Z"}
    }


@pytest.mark.parametrize(
    ("compute", "sizes"),
    [
        (None, {}),
        (Compute(max_cu=1), {"autoscaling_limit_max_cu": 1}),
        (
            Compute(0.25, 0.5, 300),
            {"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 0.5, "suspend_timeout_seconds": 300},
        ),
    ],
)
def test_a_new_compute_states_only_the_sizes_it_is_given(compute: Compute | None, sizes: dict[str, float]) -> None:
    assert bodies.new_endpoint(compute) == {"type": "read_write", **sizes}
