"""Files that the operator names, in whose place a pull request has put something else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.apply.journals.journal import Journal
from reconciler.cli.documents import write
from reconciler.cli.embedded_neon import open_account
from reconciler.cli.show import read_saved_plan
from reconciler.cli.sinks import ConnectionsFile, DotenvFile
from reconciler.errors import InvalidInputError, JournalError, ReconcilerError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.simulator.clock import LoopTime
from tests.harness.builders import NOON, a_fleet
from tests.unit.apply.test_journal import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable

USES: Final[dict[str, Callable[[Path], object]]] = {
    "--output": lambda path: write(path, "document"),
    "--journal": lambda path: Journal.open(path, HEADER, lambda: NOON),
    "--connections-to": ConnectionsFile,
    "--dotenv": lambda path: DotenvFile(path, direct=False),
    "a saved plan": read_saved_plan,
    "--simulator": lambda path: open_account(path, a_fleet(), LoopTime(NOON.timestamp())),
}


@pytest.fixture
def work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which a pull request fills."""
    folder = tmp_path / "work-tree"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("canary")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.symlink_to("../outside/file"), "symbolic link"),
        (lambda path: path.symlink_to("../outside/new"), "symbolic link"),
        (lambda path: path.symlink_to("/dev/zero"), "symbolic link"),
        (os.mkfifo, "a pipe"),
        (lambda path: path.mkdir(), "(?i)a (folder|directory)"),
    ],
    ids=["a link", "a link to what is not there", "a link to a device", "a pipe", "a folder"],
)
def test_nothing_but_a_file_is_used(use: str, make: Callable[[Path], None], what: str, work_tree: Path) -> None:
    path = work_tree / "regular_files.md"
    make(path)
    for named_so in (Path("regular_files.md"), path, work_tree / ".." / "work-tree" / "regular_files.md"):
        with pytest.raises(ReconcilerError, match=what) as caught:
            USES[use](named_so)
        assert "canary" not in str(caught.value)
    assert (work_tree.parent / "outside/file").read_text() == "canary"
    assert not (work_tree.parent / "outside/new").exists()


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("absolute", [True, False])
def test_no_folder_on_the_way_is_a_strangers_link(use: str, work_tree: Path, *, absolute: bool) -> None:
    (work_tree / "reports").symlink_to("../outside")
    path = Path("reports/file")
    with pytest.raises(ReconcilerError, match="reports is a symbolic link"):
        USES[use](path.absolute() if absolute else path)
    assert (work_tree.parent / "outside/file").read_text() == "canary"


def test_a_repository_elsewhere_is_a_strangers_too(work_tree: Path) -> None:
    repository = work_tree.parent / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "reports").symlink_to("../outside")
    with pytest.raises(InvalidInputError, match="reports is a symbolic link"):
        write(repository / "reports/plan.md", "document")


def test_links_that_no_pull_request_makes_are_followed(work_tree: Path) -> None:
    """As /tmp is one on some systems."""
    (work_tree.parent / "link").symlink_to("outside")
    write(work_tree.parent / "link/plan.md", "document")
    assert (work_tree.parent / "outside/plan.md").read_text() == "document\n"
    (work_tree.parent / "plan.json").symlink_to("outside/plan.md")
    assert regular_files.read(work_tree.parent / "plan.json", 100) == b"document\n"


def test_a_file_is_written_anew_or_appended_to(work_tree: Path) -> None:
    path = work_tree / "plan.md"
    for text in ("a long document", "short"):
        write(path, text)
    assert path.read_text() == "short\n"
    descriptor = regular_files.open_to_write(path, append=True)
    os.write(descriptor, b"more")
    os.close(descriptor)
    assert path.read_text() == "short\nmore"


@pytest.mark.parametrize("handed", ["<(cat plan.json)", "/dev/stdin < plan.json", "/dev/stdin < <(cat plan.json)"])
def test_the_shell_may_hand_over_a_pipe(work_tree: Path, handed: str) -> None:
    (work_tree / "plan.json").write_text("[" + "1," * 100_000 + "1]")
    code = "import sys, pathlib; from reconciler.files import regular_files; "
    code += "print(len(regular_files.read(pathlib.Path(sys.argv[1]), 10**6)))"
    command = f"{sys.executable} -c '{code}' {handed}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ended.stdout == "200003\n", ended.stderr


def test_a_pipe_without_end_is_bounded(work_tree: Path) -> None:
    code = (
        "import pathlib; from reconciler.files import regular_files; "
        "regular_files.read(pathlib.Path('/dev/stdin'), 10**6)"
    )
    command = f'yes | {sys.executable} -c "{code}"'
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "UnreadableError: the file is larger than 1,000,000 bytes" in ended.stderr


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_device_is_no_plan(device: str) -> None:
    with pytest.raises(UnreadableError, match="is a device, not a file"):
        regular_files.read(Path(device), 100)


def test_a_device_that_is_named_is_opened() -> None:
    os.close(regular_files.open_to_write(Path("/dev/null")))
    with pytest.raises(JournalError, match="No space left"):
        Journal.open(Path("/dev/full"), HEADER, lambda: NOON)
