"""How fields and values are worded."""

from __future__ import annotations

import pytest

from reconciler.model.values import JsonText, Value
from reconciler.views.safe_text import printable
from reconciler.views.values import Edit, ItemDifference, differences, label, worded


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("quota.data_transfer_bytes", 5_368_709_120, "5GiB"),
        ("quota.data_transfer_bytes", 5_000_000_001, "5000000001B"),
        ("quota.data_transfer_bytes", 0, "unlimited"),
        ("quota.active_time_seconds", 0, "unlimited"),
        ("quota.active_time_seconds", 360_000, "100h"),
        ("restore_window_seconds", 604_800, "7d"),
        ("restore_window_seconds", 0, "0s"),
        ("compute.suspend_timeout_seconds", -1, "never"),
        ("compute.suspend_timeout_seconds", 300, "5m"),
        ("compute.min_cu", 0.25, "0.25 CU"),
        ("compute.max_cu", 2.0, "2 CU"),
        ("pg_version", 17, "17"),
        ("name", "myapp-acme", "myapp-acme"),
        ("settings.enable_logical_replication", JsonText.of(True), "true"),
        ("settings.allowed_ips", JsonText.of({"ips": ["10.0.0.1"]}), '{"ips":["10.0.0.1"]}'),
        ("settings.flag", False, "false"),
        ("compute.max_cu", None, "not set"),
    ],
)
def test_a_value_is_worded_with_its_unit(path: str, value: Value, words: str) -> None:
    assert worded(path, value) == words


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("quota.data_transfer_bytes", "quota.data_transfer"),
        ("compute.suspend_timeout_seconds", "compute.suspend_timeout"),
        ("restore_window_seconds", "restore_window"),
        ("compute.max_cu", "compute.max_cu"),
        ("settings.allowed_ips", "settings.allowed_ips"),
    ],
)
def test_a_label_leaves_the_unit_to_the_value(path: str, name: str) -> None:
    assert label(path) == name


def test_structured_values_are_compared_item_by_item() -> None:
    before = JsonText.of({"ips": ["10.0.0.1", "10.0.0.2"], "protected_only": True})
    after = JsonText.of({"ips": ["10.0.0.1", "10.0.0.3", "10.0.0.4"], "primary_only": None})
    assert differences(before, after) == (
        ItemDifference(Edit.CHANGED, "ips[1]", '"10.0.0.2"', '"10.0.0.3"'),
        ItemDifference(Edit.ADDED, "ips[2]", "", '"10.0.0.4"'),
        ItemDifference(Edit.ADDED, "primary_only", "", "null"),
        ItemDifference(Edit.REMOVED, "protected_only", "true", ""),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, JsonText.of({"a": 1})),
        (JsonText.of([1]), JsonText.of({"a": 1})),
        (JsonText.of(1), JsonText.of(2)),
        (1, 2),
    ],
)
def test_values_without_a_common_structure_are_shown_whole(before: Value, after: Value) -> None:
    assert differences(before, after) == ()


def test_what_could_steer_a_terminal_is_written_out() -> None:
    assert printable("a\x1b[31mb\nc\u202ed\x9be\udcff é 日本") == r"a\x1b[31mb\nc\u202ed\x9be\udcff é 日本"


def test_no_member_is_passed_over_whatever_it_is_called() -> None:
    before, after = JsonText.of({"a": 1, "__b__": 1}), JsonText.of({"a": 2, "__b__": 2})
    assert [item.item for item in differences(before, after)] == ["__b__", "a"]
