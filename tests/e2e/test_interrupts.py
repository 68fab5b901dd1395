"""A signal ends a command at any moment, also where Python ignores the exception that it makes of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

IN_A_CALLBACK = """
import signal, sys, time
from reconciler.cli import interrupts

signal.signal(signal.SIGINT, signal.SIG_DFL)
interrupts.listen()

class Collected:
    def __del__(self):
        signal.raise_signal(getattr(signal, sys.argv[1]))

try:
    Collected()
    time.sleep(float(sys.argv[2]))
except KeyboardInterrupt:
    print("interrupted")
"""
TWICE = """
import os, signal, sys
from reconciler.cli import main

class Answered:
    def find_spec(self, name, *_):
        if name == "reconciler.views.console":
            os.kill(os.getpid(), signal.SIGINT)
        if name == "reconciler.cli.validate":
            os.kill(os.getpid(), getattr(signal, sys.argv.pop()))

sys.meta_path.insert(0, Answered())
main()
"""
"""A signal comes during a command, and another one before it has said that it was interrupted."""
IMPORTING = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
"""In the place of a library: a signal comes while the program is imported."""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_in_a_callback_that_raises_nothing_interrupts_all_the_same(name: str) -> None:
    words = sys.executable, "-c", IN_A_CALLBACK, name, str(PATIENCE_SECONDS)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_an_interrupt_while_the_program_is_imported_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(IMPORTING)
    words = sys.executable, "-m", "reconciler", "--version"
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (8, "", "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_second_signal_ends_a_command_that_ends_without_a_traceback(name: str, tmp_path: Path) -> None:
    words = sys.executable, "-c", TWICE, "validate", name
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (8, "", "")
