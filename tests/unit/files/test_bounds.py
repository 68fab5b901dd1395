"""A file cannot exhaust the machine: its size, its lines, its depth and what is said of it are bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.files.collection import MOST_PROBLEMS
from reconciler.files.git import load_at
from reconciler.files.load import load
from reconciler.files.sources import MOST_BROKEN_LINES
from reconciler.files.tree import MAX_FILE_BYTES
from reconciler.model.strict_json import MAX_DEPTH
from tests.unit.files.builders import TIERS, load_files
from tests.unit.files.test_git import repository

if TYPE_CHECKING:
    from pathlib import Path

ACME: Final = "tenant: acme\ntier: free\n"
LINES: Final = f"{TIERS}tenants: [{{ndjson: fleet.ndjson}}]\n"
MANY: Final = 5000
FULL: Final[dict[str, str]] = {
    "keys that are written twice": "tier: pro\n" * MANY,
    "aliases": "labels:\n" + "".join(f"  k{number}: *x\n" for number in range(MANY)),
    "anchors": "labels:\n" + "".join(f"  k{number}: &x a\n" for number in range(MANY)),
    "tags": "labels:\n" + "".join(f"  k{number}: !x a\n" for number in range(MANY)),
    "keys that are no text": "labels:\n" + "  ? [a]\n  : b\n" * MANY,
    "documents": f"---\n{ACME}x: 1\n" * MANY,
}


@pytest.mark.drawn(2)
@pytest.mark.parametrize("mistakes", FULL.values(), ids=FULL)
def test_a_file_full_of_mistakes_makes_a_bounded_number_of_problems(mistakes: str, tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"tenants/acme.yaml": ACME + mistakes})
    assert loaded.desired is None
    assert len(loaded.problems) == MOST_PROBLEMS + 1
    assert "more problems in this file" in loaded.problems[-1].message


def test_unknown_keys_are_told_up_to_a_number(tmp_path: Path) -> None:
    unknown = "".join(f"k{number}: 1\n" for number in range(MANY))
    assert 0 < len(load_files(tmp_path, {"tenants/acme.yaml": ACME + unknown}).problems) <= MOST_PROBLEMS + 1


def test_a_file_of_broken_lines_makes_a_bounded_number_of_problems(tmp_path: Path) -> None:
    problems = load_files(tmp_path, {"fleet.ndjson": "{\n" * 2 * MOST_BROKEN_LINES}, tiers=LINES).problems
    assert MOST_BROKEN_LINES <= len(problems) <= MOST_BROKEN_LINES + 1


def test_no_file_of_a_tenant_is_read_beyond_its_size(tmp_path: Path) -> None:
    """In the work tree and in a commit alike: the base is read from one."""
    root = repository(tmp_path, {"tenants/acme.yaml": ACME + "#" * MAX_FILE_BYTES})
    now, then = load(root), load_at(root, "HEAD")
    for loaded in (now, then):
        assert "larger than 1 MiB" in str(loaded.problems)
    assert now.desired is None
    assert then.desired is not None
    assert then.desired.unread == {"tenants/acme.yaml"}


def test_no_line_is_read_beyond_its_length(tmp_path: Path) -> None:
    tenant = json.dumps({"tenant": "a", "tier": "free", "labels": {"a": "x" * MAX_FILE_BYTES}})
    assert "longer than 1 MiB" in str(load_files(tmp_path, {"fleet.ndjson": tenant}, tiers=LINES).problems)


def test_nothing_nests_deeper_than_allowed(tmp_path: Path) -> None:
    nested = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    line = f'{{"tenant": "a", "tier": "free", "labels": {nested}}}'
    for path, text, tiers in (
        ("tenants/acme.yaml", f"{ACME}labels: {nested}", TIERS),
        ("fleet.ndjson", line, LINES),
    ):
        problems = load_files(tmp_path, {path: text}, tiers=tiers).problems
        assert f"nested more than {MAX_DEPTH} levels" in str(problems)
