"""The docstrings below the members of a class."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from reconciler.model.docstrings import member_docstrings
from reconciler.plan import plan
from reconciler.plan.actions.project import CreateProject

if TYPE_CHECKING:
    import pytest


def test_a_member_is_told_with_what_stands_below_it_also_an_inherited_one() -> None:
    told = member_docstrings(CreateProject)
    assert set(told) <= {name for one in CreateProject.__mro__ for name in getattr(one, "__annotations__", ())}
    inherited = {name for name in told if name not in CreateProject.__annotations__}
    assert inherited
    assert all(text == text.strip() for text in told.values())


def test_a_class_of_another_program_tells_nothing() -> None:
    assert member_docstrings(dict) == {}


def test_a_module_is_parsed_once_for_all_of_its_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    parse = ast.parse

    def counted(source: str, *rest: Any) -> Any:
        parsed.append(source)
        return parse(source, *rest)

    monkeypatch.setattr(ast, "parse", counted)
    classes = [one for one in vars(plan).values() if isinstance(one, type) and one.__module__ == plan.__name__]
    assert len(classes) > 5
    for one in (*classes, *classes):
        member_docstrings(one)
    assert len(parsed) == len(set(parsed))
