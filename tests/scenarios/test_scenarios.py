"""Every scenario: a folder with files and a live state, and what has to come out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.scenarios import scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.mark.parametrize("name", scenario.names())
def test_a_scenario_comes_out_as_its_files_say(name: str, tmp_path: Path) -> None:
    outcome = scenario.play(name, tmp_path)
    expected = scenario.expected(name)
    for file, text in outcome.files.items():
        assert text == expected[file], f"{name}/{file}"
    scenario.check_settled(outcome)
