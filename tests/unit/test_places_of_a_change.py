"""The table "To add" of ARCHITECTURE.md, held against an example of each row: a thing that exists.

The files of ``reconciler/`` that name the example are found in the syntax trees, prose aside, and equal those of
the row. A file of the row outside of ``reconciler/`` names it too.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = ROOT / "reconciler"


@dataclass(frozen=True)
class Example:
    """What stands for a thing in code."""

    identifiers: frozenset[str] = frozenset()
    """Names of classes, members and constants."""
    strings: frozenset[str] = frozenset()
    """Whole strings."""
    module: str = ""
    """The file of its own, below ``reconciler/``."""

    def named_in(self, path: Path) -> bool:
        """Whether the file of the product names it. One in which none of the words stands is not parsed."""
        if path.relative_to(PRODUCT).as_posix() == self.module:
            return True
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in self.identifiers | self.strings):
            return False
        identifiers, strings = spelled_in(path)
        return not (self.identifiers.isdisjoint(identifiers) and self.strings.isdisjoint(strings))


@cache
def spelled_in(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The identifiers and the strings of a file."""
    nodes = list(ast.walk(ast.parse(path.read_bytes())))
    strings = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return frozenset(name for node in nodes for name in _identifiers(node)), frozenset(strings)


def _identifiers(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.ClassDef(name=name) | ast.alias(name=name):
            yield name
        case ast.keyword(arg=str(name)):
            yield name


EXAMPLES: Final = {
    "`audit_log_level`": Example(frozenset({"audit_log_level"}), frozenset({"audit_log_level"})),
    "`AdoptProject`": Example(frozenset({"AdoptProject", "ADOPT_PROJECT"})),
    "`markdown`": Example(strings=frozenset({"markdown"}), module="views/markdown.py"),
    "`stale-revision`": Example(frozenset({"STALE_REVISION"}), frozenset({"stale-revision"})),
    "`observe`": Example(strings=frozenset({"observe"}), module="cli/observe.py"),
    "`set_schedule`": Example(frozenset({"set_schedule", "SetBackupSchedule"})),
    "`empty_schedule_allowed`": Example(frozenset({"empty_schedule_allowed"})),
    "`Truncate`": Example(frozenset({"Truncate"}), frozenset({"Truncate"})),
}
ROW: Final = re.compile(r"^\| (?P<added>an? [a-z ]+) \| (?P<files>.+) \| (?P<example>`[^`]+`) \|$", re.MULTILINE)
MOST: Final = {
    "a scalar field": 6,
    "an action": 7,
    "an operation of the simulator": 3,
    "a switch of the simulator": 4,
    "a fault": 3,
}
"""Files at most in which the product, its tests and its docs name such a thing."""
ROWS: Final = {row["example"]: row for row in ROW.finditer((ROOT / "ARCHITECTURE.md").read_text())}


def test_every_row_has_an_example() -> None:
    assert ROWS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_files_of_a_row_are_those_that_name_its_example(example: str) -> None:
    stated = set(re.findall(r"`([^`]+)`", ROWS[example]["files"]))
    outside = {file for file in stated if not (PRODUCT / file).exists()}
    found = {p.relative_to(PRODUCT).as_posix() for p in PRODUCT.rglob("*.py") if EXAMPLES[example].named_in(p)}
    assert stated - outside == found
    for file in outside:
        named = rf"""[`".]{example.strip("`")}[`"]"""
        assert re.search(named, (ROOT / file).read_text()), file


@pytest.mark.parametrize("added", MOST)
def test_a_thing_that_is_added_often_stands_in_few_files(added: str) -> None:
    files = next(row["files"] for row in ROWS.values() if row["added"] == added)
    assert len(re.findall(r"`([^`]+)`", files)) <= MOST[added]
