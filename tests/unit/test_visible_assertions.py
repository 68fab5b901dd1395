"""Every test shows what it asserts: by ``assert``, an expected exception, or a function that is named for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS: Final = Path(__file__).parents[1]
NEXT: Final = r"(?:@|(?:async )?def |class |[A-Z_]+[ :])"
TEST: Final = re.compile(rf"^( *)(?:async )?def (test_\w+)\(.*\n(?:(?!(?:\1)?{NEXT}).*\n)*", re.MULTILINE)
"""A test with all lines up to the next definition beside or above it."""
SHOWN: Final = re.compile(r"\bassert |\bpytest\.raises\(|\bdoes_not_raise\(|\b_?(?:assert|check)(?:_\w+)?\(")


def silent(source: str) -> Iterator[str]:
    """Yield the tests of a module in which no assertion can be seen."""
    return (test[2] for test in TEST.finditer(source) if not SHOWN.search(test[0]))


def test_every_test_shows_what_it_asserts() -> None:
    found = {
        file.relative_to(TESTS).as_posix(): names
        for file in sorted(TESTS.rglob("test_*.py"))
        if "node_modules" not in file.parts and (names := [*silent(file.read_text(encoding="utf-8"))])
    }
    assert found == {}


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("assert plan() == 1", True),
        ("with pytest.raises(KeyError):", True),
        ("with does_not_raise():", True),
        ("assert_in_sync(shell)", True),
        ("shell.check_load()", True),
        ("plan()", False),
        ("refused(shell)", False),
    ],
)
def test_a_test_without_an_assertion_is_found(line: str, seen: bool) -> None:
    function = f'def test_one(\n    a: int,\n) -> None:\n    text = """\n...\n"""\n\n    {line}\n        pass\n'
    method = f"class TestOne:\n    def test_one(self) -> None:\n        {line}\n"
    other = "\n\n@fixture\ndef other():\n    assert 1\n"
    assert ([*silent(function + other)] == []) is seen
    assert ([*silent(method + other)] == []) is seen
