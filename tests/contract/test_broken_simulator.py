"""A simulator that broke the official description would not pass: the run of its own tests fails."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.contract import installed as official
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.drawn(1)]

TOUR: Final = "tests/contract/test_simulator_routes.py"

A_REQUIRED_KEY_DROPPED: Final = """
from reconciler.simulator import shapes

whole = shapes.project
shapes.project = lambda **given: {k: v for k, v in whole(**given).items() if k != "pg_version"}
"""
AN_UNKNOWN_FIELD_RETURNED: Final = """
from reconciler.simulator import shapes

declared = shapes.endpoint
shapes.endpoint = lambda **given: {**declared(**given), "surprise": 1}
"""
A_BAD_KEY_ACCEPTED: Final = """
from dataclasses import replace

from reconciler.simulator.call import Call

strict = Call.body

def lenient(call, kind):
    return strict(replace(call, content=call.content.replace(b',"surprise":1', b"")), kind)

Call.body = lenient
"""
AN_UNDECLARED_STATUS: Final = """
from reconciler.simulator.answer import Answer

whole = Answer.__init__

def other(answer, document=None, status=200, *others, **named):
    whole(answer, document, 202 if status == 201 else status, *others, **named)

Answer.__init__ = other
"""
UNBROKEN: Final = ""
FIRST_FINDING: Final = """
from hypothesis import Phase, settings

settings.register_profile("first finding", phases=[Phase.generate])
settings.load_profile("first finding")
"""
"""Nobody is to read the example: it need not be made smaller."""


def tour_of(breakage: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The tour of every route, on a simulator that was broken before it began."""
    (folder / "breakage.py").write_text(FIRST_FINDING + breakage, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "breakage", TOUR],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("breakage", "finding"),
    [
        (A_REQUIRED_KEY_DROPPED, '"pg_version" is a required property'),
        (AN_UNKNOWN_FIELD_RETURNED, "('surprise' was unexpected)"),
        (A_BAD_KEY_ACCEPTED, "('surprise' was unexpected)"),
        (AN_UNDECLARED_STATUS, "status 202: is not declared"),
    ],
    ids=["a required key dropped", "an unknown field returned", "a bad key accepted", "an undeclared status"],
)
def test_a_breach_fails_the_run(breakage: str, finding: str, tmp_path: Path) -> None:
    official.required()
    finished = tour_of(breakage, tmp_path)
    assert finished.returncode == 1, finished.stdout
    assert finding in finished.stdout
    assert not finished.stdout.splitlines()[-1].startswith("2 passed")


def test_the_same_run_passes_where_nothing_is_broken(tmp_path: Path) -> None:
    official.required()
    finished = tour_of(UNBROKEN, tmp_path)
    assert (finished.returncode, finished.stdout.splitlines()[-1][:8]) == (0, "2 passed"), finished.stdout
    assert ", 0 violations" in finished.stdout
