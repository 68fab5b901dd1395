"""The demonstration runs anywhere and at any time, shows what it says, and leaves nothing behind."""

from __future__ import annotations

import re
import tempfile
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.cli.demo_parts import SCENE
from reconciler.fleet import read
from tests.harness.shell import Shell
from tests.rows import driver

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.drawn(2)

CHAPTERS = (
    "1. The fleet",
    "2. The plan",
    "3. The apply",
    "4. The same plan again",
    "5. In sync",
    "6. Drift",
)
LATER = datetime(2037, 12, 30, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """An empty folder that is no git checkout, with a temporary folder of its own."""
    folder, temporary = tmp_path / "empty", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return Shell(folder)


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_it_shows_each_chapter_and_ends_with_the_drift_that_it_caught(anywhere: Shell) -> None:
    ended = anywhere.run("demo")
    assert (ended.code, ended.err) == (0, "")
    rest = ended.out
    for chapter in CHAPTERS:
        _, found, rest = rest.partition(f"\n{chapter} ")
        assert found, chapter
    assert re.search(r"\nIn sync: \d+ tenants match the files", ended.out)
    assert re.search(r"\nDrift: 2 of \d+ tenants differ from the files", rest)


def test_it_leaves_no_file_behind(anywhere: Shell) -> None:
    before = files_below(anywhere.folder.parent)
    assert anywhere.run("demo").code == 0
    assert files_below(anywhere.folder.parent) == before


def test_no_date_in_it_goes_stale(anywhere: Shell) -> None:
    anywhere.clock = LATER.timestamp
    ended = anywhere.run("demo")
    assert ended.code == 0, ended.err
    assert "recoverable until 2038-01-0" in ended.out


def test_it_names_each_tenant_of_its_files_and_how_it_differs(anywhere: Shell) -> None:
    differences = yaml.safe_load((SCENE / "differences.yaml").read_text(encoding="utf-8"))
    with chdir(SCENE):
        assert sorted(read(Path()).tenants) == list(differences)
    first, _, _ = anywhere.run("demo").out.partition("\n2. The plan")
    for tenant, difference in differences.items():
        assert re.search(rf"\n  {tenant} +{re.escape(difference)}\n", first + "\n")


@pytest.fixture
def open_to_all(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """As ``anywhere``, in folders that every user can enter: run by root, the databases belong to another one."""
    with tempfile.TemporaryDirectory() as made:
        for folder in (Path(made), Path(made, "empty"), Path(made, "temporary")):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", str(Path(made, "temporary")))
        yield Shell(Path(made, "empty"))


def test_undo_shows_the_rows_written_lost_and_back(open_to_all: Shell) -> None:
    driver()
    before = files_below(open_to_all.folder.parent)
    ended = open_to_all.run("demo", "--undo")
    assert (ended.code, ended.err) == (0, "")
    written, lost, back = re.findall(r'\$ psql "\$DATABASE_URL"\n\n((?:  \d .+\n)+)', ended.out)
    assert written == back == "  1  call the bank\n  2  order paper\n  3  invite Ada\n"
    assert lost == "  3  x\n"
    assert files_below(open_to_all.folder.parent) == before
