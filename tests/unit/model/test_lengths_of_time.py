"""Lengths of time on the command line: a number without a unit is none of them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import reconciler.cli
from reconciler.model.units import parse_length


@pytest.mark.parametrize(("text", "seconds"), [("2h", 7200), ("90s", 90), ("1.5 d", 129_600)])
def test_it_is_read_in_seconds(text: str, seconds: int) -> None:
    assert parse_length(text) == seconds


@pytest.mark.parametrize("text", ["2031", "20", " 7 ", "1.0", "0"])
def test_a_number_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no unit: one of s, m, min, h, d"):
        parse_length(text)


def test_no_flag_reads_one_as_files_do() -> None:
    """`--to 2031` would go back by half an hour. Values of files may be plain seconds, and so may scenes."""
    folder = Path(reconciler.cli.__file__).parent
    readers = [path.stem for path in sorted(folder.rglob("*.py")) if "parse_seconds" in _imported(path)]
    assert readers == ["scene"]


def _imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {name.name for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
