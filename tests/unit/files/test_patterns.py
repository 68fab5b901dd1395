"""Patterns of files: what they match, and that none takes long."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.files.patterns import compiled
from tests.unit.files.builders import TIERS, load_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        (
            "tenants/**/*.yaml",
            ["tenants/a.yaml", "tenants/x/y/a.yaml"],
            ["tenants/a.yml", "a.yaml", "x/tenants/a.yaml"],
        ),
        ("a?c*e*g", ["abceg", "abc-e-e-g", "abcegeg"], ["ac-e-g", "abc/e/g", "abcgg"]),
        ("**/b/**/c/*", ["b/c/x", "a/b/c/x", "b/b/a/c/c/x"], ["c/b/x", "b/c", "b/c/x/y"]),
        ("x/**/y", ["x/y", "x/a/b/y"], ["x/a", "xy"]),
        ("*", ["a", ".b"], ["a/b"]),
        ("a.yaml", ["a.yaml"], ["aXyaml"]),
        ("**/**/a*b", ["ab", "x/aab"], ["x/a", "a/b"]),
    ],
)
def test_what_a_pattern_matches(pattern: str, matches: list[str], others: list[str]) -> None:
    found = compiled(pattern)
    assert [path for path in (*matches, *others) if found.fullmatch(path)] == matches


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("*a" * 40 + "*b", "a" * 255), ("**/a*/" * 12 + "b", "a/" * 31 + "a"), ("?*" * 60 + "b", "a" * 255)],
)
def test_no_pattern_takes_for_ever(pattern: str, path: str) -> None:
    """It would take longer than anybody waits; the test ends, or nothing does."""
    assert compiled(pattern).fullmatch(path) is None


def test_there_are_not_more_patterns_than_can_be_tried(tmp_path: Path) -> None:
    sources = "".join(f'  - {{files: "t{number}/*.yaml"}}\n' for number in range(101))
    assert "tenants: at most 100 entries are allowed, not 101" in str(
        load_files(tmp_path, {}, tiers=f"{TIERS}tenants:\n{sources}").problems
    ).replace("message='", "tenants: ")
    names = ", ".join(f'"old{number}-{{tenant}}"' for number in range(21))
    tiers = TIERS.replace('project: "myapp-{tenant}"', f'project: "myapp-{{tenant}}", previous: [{names}]')
    assert "at most 20 entries are allowed, not 21" in str(load_files(tmp_path, {}, tiers=tiers).problems)


def test_a_folder_of_several_patterns_is_looked_through_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = "".join(f'  - {{files: "tenants/{letter}*.yaml"}}\n' for letter in "abcdefgh")
    looked = 0
    scandir = os.scandir

    def counting(folder: int) -> Any:
        nonlocal looked
        looked += 1
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counting)
    load_files(tmp_path, {"tenants/acme.yaml": "tenant: acme\ntier: free\n"}, tiers=f"{TIERS}tenants:\n{sources}")
    assert looked == 1
