"""Whether a run lives, as its journal tells: never is a living run taken for dead."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.apply.journals.dead_runs import run_statuses
from reconciler.apply.journals.journal import Header, Journal
from reconciler.live.state import RunState, RunStatus
from tests.harness.builders import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDING: Final = """
import sys, time
from datetime import datetime, UTC
from pathlib import Path
from reconciler.apply.journals.journal import Header, Journal
now = lambda: datetime.now(UTC)
journal = Journal.open(Path(sys.argv[1]), Header("r1", "prod", "a test", None, "0", now()), now)
print("open", flush=True)
time.sleep(600)
"""


def opened(path: Path, run: str = "r1") -> Journal:
    return Journal.open(path, Header(run, "prod", "a test", None, "0", NOON), lambda: NOON)


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """One that holds the journal, and is killed at the latest at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def life(path: Path, *said: str) -> RunState:
    return run_statuses(["r1"], [path], said)["r1"].state


def test_a_run_of_another_process_is_at_work_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    with another_process(path) as process:
        assert life(tmp_path) is RunState.RUNNING
        assert life(tmp_path, "r1") is RunState.RUNNING, "no word of a person makes a living run dead"
        process.kill()
        process.wait()
    assert life(tmp_path) is RunState.DEAD


def test_a_run_is_dead_once_its_journal_is_closed(tmp_path: Path) -> None:
    with opened(tmp_path / "r1.jsonl"):
        assert life(tmp_path) is RunState.RUNNING
    assert run_statuses(["r1"], [tmp_path], ()) == {
        "r1": RunStatus(
            RunState.DEAD, f"no process holds the lock on its journal {tmp_path / 'r1.jsonl'}", frozenset()
        )
    }


def test_runs_that_share_a_file_are_at_work_as_long_as_one_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    opened(path).close()
    with opened(path, "r2"):
        assert life(path) is RunState.RUNNING
    assert life(path) is RunState.DEAD


def test_whoever_asks_does_not_keep_a_run_from_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    opened(path).close()
    assert life(path) is RunState.DEAD
    with opened(path), opened(path, "r2"):
        assert life(path) is RunState.RUNNING


def test_a_copy_proves_no_death(tmp_path: Path) -> None:
    with opened(tmp_path / "original.jsonl"):
        shutil.copy(tmp_path / "original.jsonl", tmp_path / "r1.jsonl")
        assert life(tmp_path / "r1.jsonl") is RunState.UNKNOWN
    assert life(tmp_path / "r1.jsonl") is RunState.UNKNOWN
    assert life(tmp_path / "r1.jsonl", "r1") is RunState.DEAD


@pytest.mark.parametrize("member", ["boot", "device", "inode"])
def test_a_journal_of_another_machine_or_start_proves_no_death(tmp_path: Path, member: str) -> None:
    path = tmp_path / "r1.jsonl"
    opened(path).close()
    header = json.loads(path.read_text())
    header["file"][member] = "another"
    path.write_text(json.dumps(header) + "\n")
    assert life(path) is RunState.UNKNOWN


@pytest.mark.parametrize("file", [None, {}, [], "x"])
def test_a_journal_that_does_not_say_which_file_it_is_proves_no_death(tmp_path: Path, file: object) -> None:
    path = tmp_path / "r1.jsonl"
    path.write_text(json.dumps({"line": "run", "run": "r1", "file": file}) + "\n")
    assert life(path) is RunState.UNKNOWN


def test_what_a_run_called_the_tenants_is_told(tmp_path: Path) -> None:
    with opened(tmp_path / "r1.jsonl") as journal:
        journal.keep("r1", "acme", "p-1")
    assert run_statuses(["r1"], [tmp_path], ())["r1"].kept == frozenset({"p-1"})


def test_a_copy_is_believed_in_what_its_run_kept_and_not_in_what_it_did_not(tmp_path: Path) -> None:
    with opened(tmp_path / "original.jsonl") as journal:
        shutil.copy(tmp_path / "original.jsonl", tmp_path / "r1.jsonl")
        assert run_statuses(["r1"], [tmp_path], ["r1"])["r1"].kept is None
        journal.keep("r1", "acme", "p-1")
        shutil.copy(tmp_path / "original.jsonl", tmp_path / "r1.jsonl")
    assert run_statuses(["r1"], [tmp_path], ["r1"])["r1"].kept == frozenset({"p-1"})


def test_what_another_run_of_the_file_kept_is_its_own_matter(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with opened(path) as one, opened(path, "r2") as other:
        other.keep("r2", "acme", "p-2")
        one.keep("r1", "zed", "p-1")
    known = run_statuses(["r1", "r2"], [path], ())
    assert (known["r1"].kept, known["r2"].kept) == (frozenset({"p-1"}), frozenset({"p-2"}))


def test_a_line_that_its_run_died_on_takes_nothing_from_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    opened(path).close()
    with path.open("a") as file:
        file.write('{"line": "intent", "kind": "crea')
    assert life(path) is RunState.DEAD


@pytest.mark.parametrize("spoilt", ["no json\n", "[]\n", "\n", "[" * 100_000 + "\n"])
def test_a_line_that_cannot_be_read_proves_nothing(tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / "r1.jsonl"
    opened(path).close()
    with path.open("a") as file:
        file.write(spoilt)
    assert life(path) is RunState.UNKNOWN


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r1.jsonl")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/r1.jsonl").mkdir()
    places = [tmp_path, tmp_path / "folder", tmp_path / "missing", tmp_path / "r1.jsonl"]
    assert run_statuses(["r1"], places, ()) == {"r1": RunStatus()}


def test_nobody_asks_for_journals_where_no_run_is_in_question(tmp_path: Path) -> None:
    assert run_statuses([], [tmp_path], ["r1"]) == {}
