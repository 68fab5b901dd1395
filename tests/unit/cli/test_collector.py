"""How the process searches for garbage."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

CYCLE = dedent("""
    from reconciler.cli.collector import tune_collector

    class Found:
        def __del__(self):
            print("searched")

    {tuned}
    found = Found()
    found.itself = found
    del found
""")


def test_a_process_does_not_search_for_garbage_when_it_ends() -> None:
    assert printed("tune_collector()") == ""


def test_an_untuned_process_does() -> None:
    assert printed("") == "searched\n"


def printed(tuned: str) -> str:
    command = [sys.executable, "-c", CYCLE.format(tuned=tuned)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_what_was_loaded_is_not_searched() -> None:
    command = "import gc; from reconciler.cli.collector import loading\nwith loading(): print(gc.isenabled())\n"
    told = [sys.executable, "-c", f"{command}print(gc.get_freeze_count() > 1000, gc.isenabled())"]
    assert subprocess.run(told, check=True, capture_output=True, text=True).stdout == "False\nTrue True\n"
