"""What an answer says against what was asked."""

from __future__ import annotations

from reconciler.apply.readback import carried, endpoint_fields, project_fields, shortfall
from reconciler.live.project import Compute
from reconciler.plan.change import FieldChange, JsonText, Value
from reconciler.plan.planner import make_plan
from tests.builders import DAY, a_fleet, a_pro_project, a_project, a_tenant, a_view, an_endpoint


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
    assert str(error) == "Neon answered as if done, but restore_window_seconds is 86400, asked for 604800"


def test_a_field_that_the_answer_leaves_out_tells_nothing() -> None:
    bare = project_fields(a_project(quota=None, compute=None, restore_window_seconds=None, settings=None))
    changes = (*asked("quota.logical_size_bytes", 1), *asked("compute.max_cu", 2))
    assert shortfall(changes, bare) is None
    assert not carried(changes, bare)


def test_parts_that_the_api_adds_to_a_setting_are_no_difference() -> None:
    live = project_fields(a_project(settings={"allowed_ips": {"ips": ["b", "a"], "protected_only": False}}))
    wanted = asked("settings.allowed_ips", JsonText.of({"ips": ["a", "b"]}))
    assert carried(wanted, live)
    assert shortfall(asked("settings.allowed_ips", JsonText.of({"ips": ["c"]})), live)


def test_a_compute_is_compared_by_its_own_fields() -> None:
    stated = endpoint_fields(an_endpoint(compute=Compute(0.25, 2, 300)))
    assert carried((*asked("compute.max_cu", 2), *asked("compute.suspend_timeout_seconds", 300)), stated)
    assert not carried(asked("compute.max_cu", 4), stated)
