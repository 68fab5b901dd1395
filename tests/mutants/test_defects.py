"""Every planted defect still fits the program, and the runner tells the found from the others."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.mutants.__main__ import Copy, End, drawn, run
from tests.mutants.defects import ROOT, Defect, GoneError, defects

if TYPE_CHECKING:
    from pathlib import Path

DEFECTS = defects()
PROGRAM = "def double(number):\n    return number + number\n"
TEST = "from program import double\n\n\ndef test_it():\n    assert double(3) == 6\n"
DEFECT = Defect("3 doubled is 6.", "page", "program.py", "number + number", "number", "test_program.py")


def test_each_defect_fits_its_file_and_its_test_exists() -> None:
    for defect in DEFECTS:
        text = (ROOT / defect.file).read_text(encoding="utf-8")
        planted = defect.planted(text)
        ast.parse(planted)
        assert planted != text, defect
        path, _, test = defect.test.partition("::")
        tests = (ROOT / path).read_text(encoding="utf-8")
        *containers, function = test.split("::")
        assert f"def {function or 'test_'}" in tests, defect
        assert all(f"class {container}" in tests for container in containers), defect
        assert containers or not function or f"\ndef {function}(" in tests, defect


@pytest.mark.parametrize("page", ["docs/reliability.md", "SECURITY.md"])
def test_each_page_has_twenty_defects_or_more(page: str) -> None:
    assert sum(defect.page == page for defect in DEFECTS) >= 20


def test_each_promise_is_made_false_once() -> None:
    assert len({defect.promise for defect in DEFECTS}) == len(DEFECTS)


def test_a_seed_draws_the_same_defects_again() -> None:
    assert drawn(7, 20) == drawn(7, 20) != drawn(8, 20)
    assert len(set(drawn(7, 20))) == 20


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "test_program.py").write_text(TEST, encoding="utf-8")
    return Copy(tmp_path)


@pytest.mark.parametrize(
    ("defect", "end"),
    [
        pytest.param(DEFECT, End.FOUND, id="found"),
        pytest.param(replace(DEFECT, new="2 * number"), End.SURVIVED, id="not found"),
        pytest.param(replace(DEFECT, old="number"), End.GONE, id="in several places"),
        pytest.param(replace(DEFECT, test="test_other.py"), End.BROKEN, id="no such test"),
        pytest.param(replace(DEFECT, new="number +"), End.BROKEN, id="no program"),
    ],
)
def test_the_runner_tells_what_became_of_a_defect(copy: Copy, defect: Defect, end: End) -> None:
    assert copy.tried(defect) is end
    assert (copy.folder / "program.py").read_text(encoding="utf-8") == PROGRAM


def test_one_survivor_fails_the_run(copy: Copy) -> None:
    said: list[str] = []
    assert run(copy, [DEFECT, replace(DEFECT, new="2 * number")], said.append) == 1
    assert said[-1] == "1 of 2 planted defects were found"


def test_nothing_is_found_where_the_test_fails_without_a_defect(copy: Copy) -> None:
    (copy.folder / "program.py").write_text("double = str\n", encoding="utf-8")
    said: list[str] = []
    assert run(copy, [DEFECT], said.append) == 1
    assert said[0].startswith("the tests fail without any defect")


def test_a_defect_whose_text_is_gone_cannot_be_planted() -> None:
    with pytest.raises(GoneError, match=r"program\.py has 0 times"):
        DEFECT.planted("")
