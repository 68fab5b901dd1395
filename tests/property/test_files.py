"""Loading is total: whatever the files hold, the answer is a fleet or problems that lie within the files."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reconciler.files.events import parse
from reconciler.files.load import Loaded, OnInvalid, parse_tenants
from reconciler.files.plain_values import NULLS
from reconciler.files.positions import read_positions
from reconciler.model.units import (
    BYTE_UNITS,
    SECOND_UNITS,
    format_bytes,
    format_seconds,
    parse_bytes,
    parse_seconds,
)
from tests import figures
from tests.fuzz.answers import SECRET
from tests.fuzz.files import check_loaded, check_tenant_kept
from tests.unit.files.builders import TIERS, load_files

if TYPE_CHECKING:
    from collections.abc import Iterable

WORDS = st.sampled_from(
    [
        "tenant", "tier", "free", "pro", "acme", "labels", "overrides", "quota", "compute", "max_cu", "snapshots",
        "dev_branches", "name", "parent", "at", "expires_at", "protect", "state", "absent", "settings", "region",
        "active_time", "restore_window", "5GiB", "1d", "0", "1e999", "true", "~", "2031-01-01T00:00:00Z", SECRET,
        "", " ", "\ud7ff", "é", "a" * 300, "{tenant}", "${X}",
    ]
)  # fmt: skip
SIGNS = st.sampled_from([*":,-?#&*!|>'\"%@`[]{}\n\t \0\x85\ufeff", ": ", "- ", "\n  ", "---\n", "...\n", "\r\n"])
YAML_ISH = st.lists(st.one_of(WORDS, SIGNS), max_size=40).map("".join)
VALUES = st.recursive(
    st.one_of(WORDS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=6)),
    max_leaves=20,
)
TENANT = "tenant: acme\ntier: free\n"
FIGURE = "generated files"
"""What the cases of these properties are counted as."""


def load_text(tenant: bytes, tiers: bytes = TIERS.encode()) -> Loaded:
    """A fleet of one file."""
    with TemporaryDirectory() as folder:
        return load_files(Path(folder), {"tenants/acme.yaml": tenant}, tiers=tiers, on_invalid=OnInvalid.SKIP)


def check(loaded: Loaded, *texts: bytes) -> None:
    """What is promised of any files; here there is one tenant's."""
    check_loaded(loaded, *texts)
    check_tenant_kept(loaded, "acme", *texts)


@given(st.one_of(st.binary(max_size=80), YAML_ISH.map(lambda text: text.encode())))
@example(b"tenant: acme\ntier: free\nlabels: {a: *x}\n")
def test_any_bytes_give_a_fleet_or_problems(data: bytes) -> None:
    with figures.counted(FIGURE):
        check(load_text(data), data)


@given(VALUES)
def test_any_tenant_gives_a_fleet_or_problems(value: object) -> None:
    data = yaml.safe_dump({"tenant": "acme", "tier": "free", "overrides": value}, allow_unicode=True).encode()
    with figures.counted(FIGURE):
        check(load_text(data), data)


@given(st.sampled_from(TIERS.splitlines()), YAML_ISH)
def test_any_price_list_gives_a_fleet_or_problems(line: str, change: str) -> None:
    tiers = TIERS.replace(line, line[: len(line) // 2] + change, 1).encode()
    with figures.counted(FIGURE):
        check(load_text(TENANT.encode(), tiers), tiers)


@given(st.one_of(YAML_ISH, VALUES.map(json.dumps), st.text(max_size=60)))
def test_any_text_on_stdin_gives_tenants_or_problems(text: str) -> None:
    fleet = load_text(TENANT.encode()).desired
    assert fleet is not None
    with figures.counted(FIGURE):
        loaded = parse_tenants(text, "-", fleet)
        assert (loaded.desired is None) == bool(loaded.problems)


@given(YAML_ISH)
def test_what_is_read_is_what_pyyaml_reads(text: str) -> None:
    parsed = parse(text.encode(), "f")
    assume(not parsed.problems)
    expected = yaml.load_all(text.encode(), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    with figures.counted(FIGURE):
        assert stated(document.value for document in parsed.documents) == stated(expected)


def stated(values: Iterable[object]) -> list[object]:
    """The documents that say something."""
    return [value for value in map(nulled, values) if value is not None]


def nulled(value: object) -> object:
    """A value without the difference between quoted and plain text, which PyYAML's base loader does not make."""
    if isinstance(value, dict):
        return {key: nulled(member) for key, member in value.items()}
    if isinstance(value, list):
        return [nulled(member) for member in value]
    return None if value in NULLS else value


@given(YAML_ISH.map(lambda text: text.encode()))
def test_every_document_finds_its_places(data: bytes) -> None:
    with figures.counted(FIGURE):
        parsed = parse(data, "f")
        roots = {of_document.values[()] for of_document in read_positions(data) if () in of_document.values}
        assert {(document.line, document.column) for document in parsed.documents} <= roots


@given(st.integers(0, 2**63 - 1))
def test_sizes_and_durations_survive_being_written(amount: int) -> None:
    assert parse_bytes(format_bytes(amount)) == amount
    assert parse_seconds(format_seconds(amount)) == amount


@given(st.integers(0, 10**6), st.sampled_from([*BYTE_UNITS]))
def test_sizes_are_exact_in_every_unit(amount: int, unit: str) -> None:
    assert parse_bytes(f"{amount}{unit}") == amount * BYTE_UNITS[unit]


@given(st.integers(0, 10**6), st.sampled_from([*SECOND_UNITS]))
def test_durations_are_exact_in_every_unit(amount: int, unit: str) -> None:
    assert parse_seconds(f"{amount} {unit}") == amount * SECOND_UNITS[unit]


@pytest.mark.parametrize("text", ["", "x", "-1", "1e3", "1..5", "5 GBs", "9" * 20, "0.5s", "1_000"])
def test_what_is_no_amount_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|unknown unit|not a whole number|too large"):
        parse_seconds(text)
