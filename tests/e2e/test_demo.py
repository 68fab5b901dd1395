"""The demonstration runs anywhere and at any time, shows what it says, and leaves nothing behind."""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.e2e.command_line import Shell

if TYPE_CHECKING:
    from pathlib import Path

CHAPTERS = (
    "1. The fleet",
    "2. The plan",
    "3. The apply",
    "4. The same plan again",
    "5. In sync",
    "6. Behind its back",
)
LATER = datetime(2037, 12, 30, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def own_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The repository's own fleet in a folder that is no git checkout, with a temporary folder of its own."""
    fleet, temporary = tmp_path / "fleet", tmp_path / "temporary"
    fleet.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    shell = Shell(fleet)
    shell.declare_the_fleet_of_the_repository()
    return shell


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_it_shows_each_chapter_and_ends_with_the_drift_that_it_caught(own_fleet: Shell) -> None:
    ended = own_fleet.run("demo")
    assert (ended.code, ended.err) == (0, "")
    rest = ended.out
    for chapter in CHAPTERS:
        _, found, rest = rest.partition(f"\n{chapter} ")
        assert found, chapter
    assert re.search(r"\nIn sync: \d+ tenants match the files", ended.out)
    assert re.search(r"\nDrift: 2 of \d+ tenants differ from the files", rest)


def test_it_leaves_no_file_behind(own_fleet: Shell) -> None:
    before = files_below(own_fleet.folder.parent)
    assert own_fleet.run("demo").code == 0
    assert files_below(own_fleet.folder.parent) == before


def test_no_date_in_it_goes_stale(own_fleet: Shell) -> None:
    own_fleet.clock = LATER.timestamp
    ended = own_fleet.run("demo")
    assert ended.code == 0, ended.err
    assert "recoverable until 2038-01-0" in ended.out


def test_a_fleet_that_is_too_small_for_it_is_told_so(own_fleet: Shell) -> None:
    shutil.rmtree(own_fleet.folder / "tenants")
    own_fleet.tenant("acme")
    ended = own_fleet.run("demo")
    assert ended.code == 1
    assert "two tenants" in ended.err
    assert "defect" not in ended.err
