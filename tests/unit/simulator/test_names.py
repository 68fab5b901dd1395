"""A name of the simulator means one thing: no two modules define a function or a class of the same name."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from reconciler import simulator

FOLDER = Path(simulator.__file__).parent
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def shared(texts: list[str]) -> list[str]:
    """Names that are defined at the top of more than one module. Methods and nested functions do not count."""
    found = Counter(node.name for text in texts for node in ast.parse(text).body if isinstance(node, DEFINITIONS))
    return sorted(name for name, times in found.items() if times > 1)


def test_no_two_modules_define_the_same_name() -> None:
    assert shared([path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.py"))]) == []


def test_a_name_in_two_modules_is_found() -> None:
    assert shared(
        ["def read(): ...", "class A:\n    def write(self): ...", "def read(): ...\ndef write(): ..."]
    ) == ["read"]
