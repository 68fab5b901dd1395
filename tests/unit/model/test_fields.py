"""The table of fields: which change takes something, how values are worded, and that the table is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_type_hints

import pytest

from reconciler.files.sections import FORMS
from reconciler.files.tenant_schema import DevBranchDocument, SnapshotDocument
from reconciler.model.compute import Compute
from reconciler.model.fields.field import Effect, Patch, Unit
from reconciler.model.fields.table import (
    BY_PATH,
    ENTRY_BY_PATH,
    ENTRY_FIELDS,
    FIELDS,
    field_of,
    made_as,
    of,
    unit_of,
)
from reconciler.model.quota import Quota
from reconciler.model.values import Json, JsonText, Value

if TYPE_CHECKING:
    from pydantic import BaseModel

HOUR, DAY = 3_600, 86_400


def takes(path: str, before: Value | Json, after: Value | Json) -> bool:
    """Whether the change takes something from the tenant; settings are structured values."""
    if path.startswith("settings."):
        stated = [None if value is None else JsonText.of(value) for value in (before, after)]  # type: ignore[arg-type]
        return BY_PATH[path].ranking.takes(stated[0], stated[1])
    return BY_PATH[path].ranking.takes(before, after)  # type: ignore[arg-type]


def ips(*addresses: str, protected: bool = False) -> Json:
    return {"ips": list(addresses), "protected_branches_only": protected}


@pytest.mark.parametrize(
    ("path", "more", "less"),
    [
        ("quota.active_time_seconds", 200 * HOUR, 100 * HOUR),
        ("quota.data_transfer_bytes", 0, 2**60),
        ("quota.logical_size_bytes", None, 1),
        ("compute.min_cu", 0.5, 0.25),
        ("compute.max_cu", 2, 1),
        ("compute.suspend_timeout_seconds", 300, 60),
        ("compute.suspend_timeout_seconds", -1, 604_800),
        ("restore_window_seconds", 7 * DAY, DAY),
        ("settings.enable_logical_replication", True, False),
        ("settings.hipaa", True, False),
        ("settings.audit_log_level", "full", "base"),
        ("settings.preload_libraries", {"enabled_libraries": ["a", "b"]}, {"enabled_libraries": ["b"]}),
        ("settings.preload_libraries", {"use_defaults": True}, {"use_defaults": False}),
    ],
)
def test_less_takes_and_more_does_not(path: str, more: Value | Json, less: Value | Json) -> None:
    assert takes(path, more, less)
    assert not takes(path, less, more)
    assert not takes(path, less, less)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("settings.allowed_ips", ips("10.0.0.0/8"), ips()),
        ("settings.allowed_ips", ips("10.0.0.0/8"), ips("10.1.0.0/16")),
        ("settings.allowed_ips", ips("10.0.0.1"), ips("10.0.0.1", protected=True)),
        ("settings.block_public_connections", False, True),
        ("settings.block_vpc_connections", False, True),
    ],
)
def test_access_is_taken_from_clients_or_protection_from_the_tenant(path: str, one: Json, other: Json) -> None:
    assert takes(path, one, other)
    assert takes(path, other, one)


def test_an_unknown_value_may_be_more_than_any() -> None:
    assert takes("restore_window_seconds", None, DAY)
    assert takes("settings.allowed_ips", None, ips("10.0.0.0/8")), "without a list everybody is let in"
    assert not takes("settings.allowed_ips", None, ips())
    assert not takes("settings.block_public_connections", None, False), "a switch that is not set is off"
    assert takes("settings.preload_libraries", None, {"enabled_libraries": ["a"]}), "Neon may load its defaults"
    assert not takes("settings.preload_libraries", None, {"enabled_libraries": ["a"], "use_defaults": True})


def test_another_way_to_write_a_list_of_addresses_takes_nothing() -> None:
    assert not takes("settings.allowed_ips", ips("10.0.0.0/8"), ips("10.1.2.3", "10.0.0.0/8"))
    assert not takes("settings.allowed_ips", ips("10.0.0.0-10.0.0.255"), ips("10.0.0.0/24"))


def test_what_has_no_order_takes_nothing() -> None:
    assert not takes("settings.maintenance_window", {"weekdays": [1]}, {"weekdays": [2]})
    assert not takes("name", "a", "b")


def test_every_member_of_a_quota_and_of_a_compute_is_in_the_table() -> None:
    assert [field.name for field in of("quota")] == list(Quota.__struct_fields__)
    assert [field.name for field in of("compute")] == list(Compute.__struct_fields__)


def test_each_field_is_declared_once_and_described_in_a_sentence() -> None:
    assert len(BY_PATH) == len(FIELDS) == len({(field.creation, field.branch) for field in FIELDS})
    assert len(ENTRY_BY_PATH) == len({(field.branch, field.snapshot) for field in ENTRY_FIELDS})
    for field in (*FIELDS, *ENTRY_FIELDS):
        assert field.source
        for sentence in (field.description, *(member.description for member in field.members)):
            assert sentence.endswith("."), sentence
            assert sentence[0].isupper(), sentence


def test_what_cannot_be_turned_off_is_a_switch_that_restarts() -> None:
    assert [field.path for field in FIELDS if field.one_way] == [
        "settings.enable_logical_replication",
        "settings.hipaa",
    ]
    assert all(field.effect is Effect.RESTARTS for field in FIELDS if field.one_way)
    assert all(field.patch is Patch.MERGES for field in FIELDS if field.one_way)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("compute.max_cu", "compute.max_cu"),
        ("dev_branches.a.b.compute.max_cu", "compute.max_cu"),
        ("tiers.pro.quota.data_transfer_bytes", "quota.data_transfer_bytes"),
        ("dev_branches.max_cu", None),
        ("settings.anything", None),
        ("", None),
    ],
)
def test_a_path_ends_in_a_field(path: str, field: str | None) -> None:
    found = field_of(path)
    assert (None if found is None else found.path) == field


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("quota.data_transfer_bytes", Unit.BYTES),
        ("dev_branches.x.compute.suspend_timeout_seconds", Unit.SECONDS),
        ("guards.prune.min_age_seconds", Unit.SECONDS),
        ("organizations.paid.limits.max_cu", Unit.CU),
        ("pg_version", Unit.NONE),
    ],
)
def test_a_number_has_its_unit(path: str, unit: Unit) -> None:
    assert unit_of(path) is unit


def test_an_earlier_end_takes_and_a_later_one_does_not() -> None:
    for path in ("dev_branches.expires_at", "snapshots.expires_at"):
        ranking = ENTRY_BY_PATH[path].ranking
        assert ranking.takes("2026-12-02T00:00:00Z", "2026-12-01T00:00:00Z")
        assert ranking.takes(None, "2026-12-01T00:00:00Z")
        assert not ranking.takes("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")
        assert not ranking.takes("2026-12-01T00:00:00Z", None)


def test_what_a_copy_is_made_as_is_what_no_patch_changes() -> None:
    assert made_as("dev_branches") == ("parent", "at", "schema_only")
    assert made_as("snapshots") == ("at",)


@pytest.mark.parametrize(
    ("group", "document"), [("dev_branches", DevBranchDocument), ("snapshots", SnapshotDocument)]
)
def test_the_files_have_every_field_of_a_copy_in_the_form_of_the_table(
    group: str, document: type[BaseModel]
) -> None:
    hints = get_type_hints(document, include_extras=True)
    for field in of(group):
        form = FORMS[field.form]
        assert hints[field.key] in (form, form | None), field.path
        assert document.model_fields[field.key].description == field.description
