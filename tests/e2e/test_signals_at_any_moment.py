"""Whenever a signal comes, a command ends with its own exit code or that of an interruption, and says nothing odd.

A moment is the number of an event of the process (``tests/harness/signalled.py``), not a time.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.errors import ExitCode
from tests import profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
COMMANDS: Final = {
    "version": ("--version",),
    "usage error": ("plan", "--no-such-flag"),
    "validate": ("validate",),
    "plan": ("plan", "--simulator", "new.db"),
    "apply": ("apply", "--simulator", "new.db", "--yes"),
}
LISTENS: Final = 100
"""By that event, signals are taken: what comes before it is the first call of the program."""
LAST: Final = 100
"""So many events, of some 60,000 to two million, follow the last word of a command."""
BEYOND: Final = 3_000
"""Events while Python ends, which nobody counts."""
MOMENTS: Final = profiles.size(1, 1, 50)
"""In each part of the life of the process."""
ODD: Final = ("Traceback", "Exception ignored", "defect")


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """The example fleet of this repository."""
    return copied(tmp_path)


def copied(folder: Path) -> Path:
    shutil.copy(ROOT / "tiers.yaml", folder)
    shutil.copytree(ROOT / "tenants", folder / "tenants")
    return folder


def run(
    folder: Path, words: tuple[str, ...], event: int, number: signal.Signals
) -> tuple[subprocess.CompletedProcess[str], int]:
    """The command in a new process that gets the signal at this event, and how many events it had."""
    told = folder / "events"
    command = (sys.executable, "-m", "tests.harness.signalled", str(event), number.name, str(told), *words)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environ)
    for left in folder.glob("new.db*"):
        left.unlink()
    return done, int(told.read_text(encoding="utf-8")) if told.exists() else 0


@cache
def undisturbed(name: str) -> tuple[int, int]:
    """The exit code of the command, and the number of its events."""
    with TemporaryDirectory() as folder:
        done, events = run(copied(Path(folder)), COMMANDS[name], 0, signal.SIGTERM)
        assert done.returncode == (ExitCode.INVALID if name == "usage error" else ExitCode.DONE), done
        return done.returncode, events


def moments(name: str) -> Iterator[int]:
    """Some of its start, of all of it, of its end, and of the end of Python."""
    _, events = undisturbed(name)
    parts = {
        "start": range(LISTENS, 10 * LISTENS),
        "life": range(LISTENS, events),
        "end": range(events - LAST, events),
        "beyond": range(events, events + BEYOND),
    }
    for part, those in parts.items():
        yield from profiles.drawn(f"{name} {part}", those, MOMENTS)


@pytest.mark.drawn(1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_ends_a_command_with_one_of_two_exit_codes(
    fleet: Path, name: str, number: signal.Signals
) -> None:
    own, _ = undisturbed(name)
    wrong = []
    for event in moments(name):
        done, _ = run(fleet, COMMANDS[name], event, number)
        odd = [words for words in ODD if words in done.stderr]
        if done.returncode not in (own, ExitCode.INTERRUPTED) or odd:
            wrong.append(f"event {event}: {done.returncode}, {done.stderr}")
    assert wrong == []


@pytest.mark.drawn(1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_last_word_does_not_end_the_process_by_the_signal(
    fleet: Path, number: signal.Signals
) -> None:
    own, events = undisturbed("usage error")
    codes = {
        run(fleet, COMMANDS["usage error"], event, number)[0].returncode
        for event in range(events - LAST, events, LAST // 12)
    }
    assert codes <= {own, ExitCode.INTERRUPTED}
    assert own in codes
