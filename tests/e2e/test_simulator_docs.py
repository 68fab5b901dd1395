"""docs/simulator.md speaks of every switch, page, fault and attribute, and its examples run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, get_args

import pytest

from reconciler.simulator.behaviour import Behaviour, as_json
from reconciler.simulator.faults import AnyEffect
from reconciler.simulator.pytest_plugin import ServedSimulator
from reconciler.simulator.routes.admin import Admin
from tests import switches
from tests.harness.account import a_simulator
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (ROOT / "docs/simulator.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PLATFORM = '''
"""What somebody's platform may look like."""

import time
import httpx

def sign_up(name, *, api, key):
    headers = {"Authorization": f"Bearer {key}"}
    for _ in range(3):
        answer = httpx.post(f"{api}/projects", json={"project": {"name": name}}, headers=headers, trust_env=False)
        if answer.status_code != 423:
            break
        time.sleep(0.01)
    return answer.is_success and answer.json()["connection_uris"][0]["connection_uri"]
'''


def first_cells(heading: str) -> list[str]:
    """The names in the first column of the table below a line of the document."""
    rows = re.findall(r"^\| (.*?) \|", TEXT.partition(heading)[2].partition("\n\n")[0], re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_switch_is_explained_with_its_values_and_its_default() -> None:
    table = TEXT.partition("| switch | values | default |")[2].partition("\n\n")[0].splitlines()[2:]
    told = [tuple(cell.strip() for cell in row.strip("|").split(" | ")) for row in table]
    defaults = as_json(Behaviour())
    assert [row[:3] for row in told] == [
        (f"`{field.name}`", switches.words(field), f"`{json.dumps(defaults[field.name])}`")
        for field in fields(Behaviour)
    ]
    assert all(len(row) == 4 and row[3].endswith(".") for row in told)


def table(heading: str) -> list[list[str]]:
    """The rows of the table with this heading, without the heading."""
    lines = TEXT.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_assumption_has_a_switch_and_every_switch_is_about_one() -> None:
    rows = table("| assumption | if it is otherwise | switch |")
    switched = [name for row in rows for name in re.findall(r"`(\w+)`", row[2])]
    assert all(len(row) == 3 and row[0].endswith(".") and "`" in row[2] for row in rows)
    assert sorted(switched) == sorted(field.name for field in fields(Behaviour))


def test_every_question_without_a_switch_says_why_it_needs_none() -> None:
    rows = table("| question | why it needs none |")
    assert rows
    assert all(len(row) == 2 and row[0].endswith("?") and row[1].endswith(".") for row in rows)


def test_every_page_is_explained_with_its_methods() -> None:
    table = TEXT.partition("lists them.\n\n")[2].partition("\n\n")[0]
    told = dict(re.findall(r"^\| `(.*?)` \| (.*?) \|", table, re.MULTILINE))
    with a_simulator() as simulator:
        pages = {
            path: ", ".join(methods)
            for path, _, methods in Admin(
                simulator.world, simulator.faults, simulator.requests, None, simulator.reset
            ).pages
            if path != "/"
        }
    assert told == pages


def test_every_effect_of_a_fault_is_explained() -> None:
    assert first_cells("`x-simulator-fault`.\n\n") == [effect.__name__ for effect in get_args(AnyEffect)]


def test_every_attribute_of_the_fixture_is_explained() -> None:
    public = {name for name in dir(ServedSimulator) if not name.startswith("_")}
    told = {name.partition("(")[0] for name in first_cells("on a free port of 127.0.0.1:\n\n")}
    assert told == public


@pytest.mark.drawn(1)
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_is_a_test_that_passes(number: int, tmp_path: Path) -> None:
    (tmp_path / "my_platform.py").write_text(PLATFORM, encoding="utf-8")
    (tmp_path / "test_example.py").write_text(EXAMPLES[number], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_example.py"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
    assert "1 passed" in finished.stdout
