"""What an answer says against what was asked."""

from __future__ import annotations

from reconciler.apply.address import Address
from reconciler.apply.calls.readback import (
    branch_fields,
    endpoint_fields,
    in_effect,
    requested_branch_fields,
    requested_snapshot_fields,
    shortfall,
    snapshot_fields,
)
from reconciler.live.project import LiveSnapshot
from reconciler.model.compute import Compute
from reconciler.model.values import JsonText, Value, replace
from reconciler.plan.change import FieldChange
from reconciler.plan.live_values import project_fields
from tests.harness.builders import (
    DAY,
    NOON,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    make_plan,
)
from tests.unit.apply.plans import make, mend, take

ADDRESS = Address.observed(a_project())
DEV = a_branch(id="br-dev", name="dev", parent_id="br-p-acme", default=False, expires_at=NOON)
V1 = LiveSnapshot("snap-1", "v1", "br-p-acme", NOON, expires_at=NOON)


def asked(path: str, value: Value) -> tuple[FieldChange, ...]:
    return (FieldChange(path, None, value),)


def test_an_answer_that_shows_every_value_falls_short_of_nothing() -> None:
    (create,) = make_plan(a_fleet(a_tenant(tier="pro")), a_view()).actions
    answer = project_fields(a_pro_project())
    assert shortfall(create.changes, answer) is None


def test_a_value_that_did_not_take_is_named_with_what_was_asked_and_got() -> None:
    changes = (*asked("restore_window_seconds", 7 * DAY), *asked("compute.max_cu", 2))
    error = shortfall(changes, project_fields(a_project(restore_window_seconds=DAY)))
    assert error is not None
    assert str(error) == "Neon accepted the call, but restore_window_seconds is 86400, requested 604800"


def test_a_field_that_the_answer_leaves_out_tells_nothing() -> None:
    bare = project_fields(a_project(quota=None, compute=None, restore_window_seconds=None, settings=None))
    changes = (*asked("quota.logical_size_bytes", 1), *asked("compute.max_cu", 2))
    assert shortfall(changes, bare) is None
    assert not in_effect(changes, bare)


def test_parts_that_the_api_adds_to_a_setting_are_no_difference() -> None:
    live = project_fields(a_project(settings={"allowed_ips": {"ips": ["b", "a"], "protected_only": False}}))
    wanted = asked("settings.allowed_ips", JsonText.of({"ips": ["a", "b"]}))
    assert in_effect(wanted, live)
    assert shortfall(asked("settings.allowed_ips", JsonText.of({"ips": ["c"]})), live)


def test_a_compute_is_compared_by_its_own_fields() -> None:
    stated = endpoint_fields(an_endpoint(compute=Compute(0.25, 2, 300)))
    assert in_effect((*asked("compute.max_cu", 2), *asked("compute.suspend_timeout_seconds", 300)), stated)
    assert not in_effect(asked("compute.max_cu", 4), stated)


def test_moments_are_compared_to_the_second() -> None:
    asked = requested_branch_fields(make(expires_at=NOON.replace(microsecond=900_000)), ADDRESS)
    assert in_effect(asked, branch_fields(DEV))
    later = requested_branch_fields(mend(expires_at=NOON.replace(second=1)), ADDRESS)
    error = shortfall(later, branch_fields(DEV))
    assert str(error).endswith("expires_at is 2030-05-04T12:00:00Z, requested 2030-05-04T12:00:01Z")


def test_a_branch_is_compared_as_far_as_something_was_asked_for() -> None:
    assert in_effect(requested_branch_fields(make(), ADDRESS), branch_fields(DEV))
    assert in_effect(requested_branch_fields(mend(rename_to="dev"), ADDRESS), branch_fields(DEV))
    assert not in_effect(requested_branch_fields(mend(rename_to="development"), ADDRESS), branch_fields(DEV))


def test_a_schema_alone_has_no_parent() -> None:
    root = branch_fields(replace(DEV, parent_id=None))
    assert in_effect(requested_branch_fields(make(schema_only=True), ADDRESS), root)
    assert str(shortfall(requested_branch_fields(make(), ADDRESS), root)).endswith(
        "parent is not set, requested br-p-acme"
    )


def test_a_snapshot_is_compared_with_its_branch_where_that_is_told() -> None:
    asked = requested_snapshot_fields(take("v1", expires_at=NOON), ADDRESS)
    assert in_effect(asked, snapshot_fields(V1))
    assert shortfall(asked, snapshot_fields(replace(V1, source_branch_id=None))) is None
    assert shortfall(asked, snapshot_fields(replace(V1, source_branch_id="br-other")))
    assert shortfall(asked, snapshot_fields(replace(V1, expires_at=None)))
