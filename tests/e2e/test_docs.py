"""ARCHITECTURE.md speaks of everything that is there, and of nothing that is not."""

from __future__ import annotations

import re

import pytest

from tests.e2e.command_line import ROOT

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGES = sorted(path.parent.name for path in (ROOT / "reconciler").glob("*/__init__.py"))
TEST_FOLDERS = sorted(path.parent.name for path in (ROOT / "tests").glob("*/__init__.py"))
NAMED = sorted({name for name in re.findall(r"`([\w./-]+)`", ARCHITECTURE) if "/" in name or "." in name})
DOCUMENTS = ["SECURITY.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
STILL_TO_COME = ARCHITECTURE.partition("## What comes next")[2]


def exists(name: str) -> bool:
    """A path, in full or as the layers and their neighbours are called in the text."""
    return any((folder / name).exists() for folder in (ROOT, ROOT / "reconciler", ROOT / "reconciler/plan"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_layer_is_told_of(package: str) -> None:
    assert f"| `{package}/` |" in ARCHITECTURE


@pytest.mark.parametrize("folder", TEST_FOLDERS)
def test_every_folder_of_tests_is_told_of(folder: str) -> None:
    assert f"| `tests/{folder}` |" in ARCHITECTURE


@pytest.mark.parametrize("name", [name for name in NAMED if f"`{name}`" not in STILL_TO_COME])
def test_every_file_told_of_is_there(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:tests|reconciler|docs|bench)/[\w./-]+)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_files_are_told_of() -> None:
    assert len(NAMED) > 20
