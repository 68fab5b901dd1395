"""What is compiled before the workers of a parallel run start, they find compiled."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc

from tests.compiled import FOREIGN, compile_file, sources

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ASSERTION = "def test_one() -> None:\n    assert 1 + 1 == 2\n"


def test_a_test_is_compiled_with_its_assertions_rewritten(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    path = tmp_path / "test_one.py"
    path.write_text(ASSERTION)
    compile_file(path, pytestconfig)
    code = _read_pyc(path, path.parent / "__pycache__" / f"{path.stem}{PYC_TAIL}")
    assert code is not None
    assert "@pytest_ar" in code.co_names


def test_any_other_file_is_compiled_as_it_is(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    path = tmp_path / "one.py"
    path.write_text("ONE = 1\n")
    compile_file(path, pytestconfig)
    assert (tmp_path / "__pycache__" / importlib.util.cache_from_source("one.py").rpartition("/")[2]).exists()


def test_a_file_that_cannot_be_compiled_is_left_to_whoever_imports_it(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for name in ("one.py", "test_one.py"):
        (tmp_path / name).write_text("this is no program")
        compile_file(tmp_path / name, pytestconfig)
    assert list(tmp_path.rglob("*.pyc")) == []


def test_files_of_other_projects_and_data_of_tests_are_left_alone(tmp_path: Path) -> None:
    for folder in ("a", f"a/{FOREIGN}/b", "a/026-modules/b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "one.py").touch()
    assert [*sources(tmp_path)] == [tmp_path / "a" / "one.py"]
