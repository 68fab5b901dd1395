"""ARCHITECTURE.md speaks of everything that is there, and of nothing that is not."""

from __future__ import annotations

import re

import pytest

from reconciler.cli.schema import SCHEMAS
from reconciler.documents.schema import events_schema
from reconciler.plan.plan import ONLY_REPORTED, Rule
from tests.harness.shell import ROOT

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SAFETY = (ROOT / "docs/safety.md").read_text(encoding="utf-8")
CI = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
PACKAGES = sorted(path.parent.name for path in (ROOT / "reconciler").glob("*/__init__.py"))
TEST_FOLDERS = sorted(path.parent.name for path in (ROOT / "tests").glob("*/__init__.py"))
NAMED = sorted({name for name in re.findall(r"`([\w./-]+)`", ARCHITECTURE) if "/" in name or "." in name})
DOCUMENTS = ["SECURITY.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
TESTED = ["SECURITY.md", "docs/reliability.md", "docs/safety.md"]
"""What makes promises, each in a row of a table whose last column is called ``tests``."""
LINKED_TEST = re.compile(r'\]\((?:\.\./)?(tests/[\w./-]+)(?: "(?:\w+::)*(\w+)")?\)')
"""A numbered link to the file of a test, with the name of the test as its title."""
STILL_TO_COME = ARCHITECTURE.partition("## What comes next")[2]


def exists(name: str) -> bool:
    """A path, in full or as the layers, and the packages of the largest ones, are called in the text."""
    return any(
        (ROOT / folder / name).exists() for folder in ("", "reconciler", "reconciler/plan", "reconciler/apply")
    )


def test_every_rule_has_a_row_with_its_meaning_and_what_allows_it() -> None:
    rows = re.findall(r'^\| <a id="([\w-]+)"></a>`([\w-]+)`\*? \| (.+) \| (.+) \|$', SAFETY, re.MULTILINE)
    assert [anchor for anchor, *_ in rows] == [name for _, name, *_ in rows]
    assert [name for _, name, *_ in rows] == sorted(rule.value for rule in Rule)


def test_rules_that_only_report_are_marked() -> None:
    assert set(re.findall(r"</a>`([\w-]+)`\* \|", SAFETY)) == {rule.value for rule in ONLY_REPORTED}


def test_every_schema_is_listed() -> None:
    listed = CI.partition("`reconciler schema NAME`")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([\w-]+)`", listed)) == set(SCHEMAS)


def test_every_event_has_a_row_with_what_it_tells() -> None:
    rows = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \|", CI.partition("### Events")[2].partition("\n### ")[0], re.MULTILINE
    )
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told - {"event"} == set(events_schema()["discriminator"]["mapping"])


def test_every_layer_is_told_of() -> None:
    assert [package for package in PACKAGES if f"| `{package}/` |" not in ARCHITECTURE] == []


def test_every_folder_of_tests_is_told_of() -> None:
    assert [folder for folder in TEST_FOLDERS if f"| `tests/{folder}` |" not in ARCHITECTURE] == []


def test_every_file_told_of_is_there() -> None:
    assert [name for name in NAMED if f"`{name}`" not in STILL_TO_COME and not exists(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:tests|reconciler|docs|bench)/[\w./-]+)(?:::\w+)?`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", TESTED)
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    linked = LINKED_TEST.findall(text)
    assert linked
    for path, name in linked:
        assert (ROOT / path).exists(), path
        source = (ROOT / path).read_text(encoding="utf-8") if name else ""
        assert re.search(rf"^(?: *(?:async )?def {name}\(|class {name}\b)", source, re.MULTILINE) or not name, name


@pytest.mark.parametrize("document", TESTED)
def test_every_promise_names_a_test(document: str) -> None:
    rows = promises((ROOT / document).read_text(encoding="utf-8"))
    assert len(rows) > 5
    assert [row for row in rows if not LINKED_TEST.search(row.rpartition(" | ")[2])] == []


def promises(text: str) -> list[str]:
    """The rows of every table whose last column is called ``tests``."""
    tables = re.findall(r"^\|[^\n]*\| tests \|\n\|[-|]+\|\n((?:\|.*\n?)+)", text, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()]


def test_files_are_told_of() -> None:
    assert len(NAMED) > 20
