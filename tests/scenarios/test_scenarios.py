"""Every scenario: a folder with files and a live state, and what has to come out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.documents.reader import parse_saved_plan
from reconciler.views.view import DriftView, PlanView
from tests.harness.facts import lacking
from tests.harness.repository import needs_git
from tests.scenarios import scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git


@pytest.mark.drawn(16)
@pytest.mark.parametrize("name", scenario.names())
def test_a_scenario_comes_out_as_its_files_say(name: str, tmp_path: Path) -> None:
    outcome = scenario.play(name, tmp_path)
    expected = scenario.expected(name)
    for file, text in outcome.files.items():
        assert text == expected[file], f"{name}/{file}"
    check_formats(outcome.first)
    scenario.check_settled(outcome)


def check_formats(document: Any) -> None:
    """Every format says of the plan, and of the same as drift, what text says."""
    saved = parse_saved_plan(json.dumps(document).encode(), "the plan")
    for view in (PlanView(saved.plan, saved.made), DriftView(saved.plan)):
        assert lacking(view) == {}
