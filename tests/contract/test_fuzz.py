"""`make fuzz` notices what is wrong with a simulator; whether anything is, it says itself (.ci/run)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.contract import installed as official
from tests.contract.fuzz.spoils import Spoil

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venv-fuzz/bin/python"
pytestmark = [pytest.mark.slow, pytest.mark.drawn(1)]

ABSENT: Final = "schemathesis is not installed: make fuzz"


def fuzzed(*arguments: str) -> tuple[int, str]:
    """Try one operation, the one that a spoil breaks: exit code and last line."""
    official.required()
    if not PYTHON.exists():
        official.absent(ABSENT)
    command: list[str | Path] = [PYTHON, "-m", "tests.contract.fuzz", "--operation", "getProject", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.splitlines()[-1]


def test_a_simulator_that_keeps_to_the_description_passes() -> None:
    code, said = fuzzed()
    assert code == 0
    assert said.startswith("fuzz: 1 operations, 1 tried, 1 with success;")
    assert ", 0 failures;" in said
    assert said.endswith(" 0 violations")


@pytest.mark.parametrize(
    ("spoil", "schemathesis_sees_it", "judge_sees_it"),
    [
        (Spoil.SERVER_ERROR, True, False),  # any error may be answered, as far as the description goes
        (Spoil.MISSING_KEY, True, True),
        (Spoil.UNKNOWN_KEY, False, True),
    ],
)
def test_a_broken_simulator_fails(spoil: Spoil, *, schemathesis_sees_it: bool, judge_sees_it: bool) -> None:
    code, said = fuzzed("--spoil", spoil.value)
    assert code == 1
    assert (", 0 failures;" not in said) == schemathesis_sees_it
    assert (not said.endswith(" 0 violations")) == judge_sees_it
