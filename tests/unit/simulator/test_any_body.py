from __future__ import annotations

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from tests.unit.simulator.account import account

KEYS: Final = (
    *("project", "branch", "endpoint", "endpoints", "name", "type", "settings", "quota", "active_time_seconds"),
    *("default_endpoint_settings", "autoscaling_limit_min_cu", "autoscaling_limit_max_cu"),
    *("suspend_timeout_seconds", "history_retention_seconds", "pg_version", "protected", "expires_at"),
    *("parent_timestamp", "parent_id", "branch_id", "annotation_value", "org_id"),
    *(
        "destination_org_id",
        "project_ids",
        "role",
        "no_login",
        "database",
        "owner_name",
        "key_name",
        "project_id",
        "email",
    ),
    *("source_branch_id", "source_timestamp", "source_lsn"),
    *("preserve_under_name", "target_branch_id", "finalize_restore"),
    *("schedule", "frequency", "hour", "day", "retention_seconds"),
)

WRAPPERS: Final = ("project", "branch", "endpoint", "role", "database", None)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**64),
    st.floats(0, 64, allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["2026-11-24T00:00:00Z", "9999-12-31T23:59:59-23:59", "main", "read_write"]),
)
keys = st.sampled_from(KEYS)
documents = st.dictionaries(
    keys,
    st.recursive(scalars, lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=2)),
    max_size=4,
)


@given(members=documents, wrapper=st.sampled_from(WRAPPERS))
def test_any_body_is_answered_in_the_documented_shape(members: dict[str, Any], wrapper: str | None) -> None:
    body = members if wrapper is None else {wrapper: members}
    with account(behaviour=Behaviour(rate_limit=None, backup_schedules=True), refusals_allowed=True) as neon:
        seed = ProjectSeed("acme", snapshots=(SnapshotSeed("nightly"),), branches=(BranchSeed("dev"),))
        seeded = neon.simulator.add_project("free", seed)
        path = f"/projects/{seeded.project_id}"
        for method, where in (
            ("POST", "/projects"),
            ("PATCH", path),
            ("POST", f"{path}/branches"),
            ("PATCH", f"{path}/branches/{seeded.branch_id}"),
            ("POST", f"{path}/branches/{seeded.branch_ids[0]}/restore"),
            ("POST", f"{path}/branches/{seeded.branch_id}/finalize_restore"),
            ("PUT", f"{path}/branches/{seeded.branch_id}/backup_schedule"),
            ("POST", f"{path}/snapshots/{seeded.snapshot_ids[0]}/restore"),
            ("POST", f"{path}/endpoints"),
            ("PATCH", f"{path}/endpoints/{seeded.endpoint_id}"),
            ("POST", f"{path}/branches/{seeded.branch_id}/roles"),
            ("POST", f"{path}/branches/{seeded.branch_id}/databases"),
            ("PATCH", f"{path}/branches/{seeded.branch_id}/databases/neondb"),
            ("POST", "/api_keys"),
            ("POST", f"{path}/permissions"),
            ("POST", f"/organizations/{neon.free}/api_keys"),
            ("POST", f"/organizations/{neon.free}/projects/transfer"),
        ):
            assert neon.ask(method, where, body, key=neon.simulator.personal_key).status_code < 500
            neon.wait(1)
