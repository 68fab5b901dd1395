"""What the docstring below each member of a class says."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def member_docstrings(of: type) -> Mapping[str, str]:
    """By the members' names, with those of the classes of this program that it inherits from.

    Read when needed, and not by pydantic when models are made: that would read every module in every run.
    """
    return {
        name: text
        for one in reversed(of.__mro__)
        if one.__module__.startswith("reconciler.")
        for name, text in _docstrings(one.__module__)[one.__name__].items()
    }


@cache
def _docstrings(module: str) -> Mapping[str, Mapping[str, str]]:
    """Those of the members that each class itself declares, by class and member.

    ``inspect.getsource`` of a class would parse its whole module once for each class.
    """
    parsed = ast.parse(inspect.getsource(import_module(module)))
    classes = (statement for statement in parsed.body if isinstance(statement, ast.ClassDef))
    return {declared.name: _of_members(declared) for declared in classes}


def _of_members(declared: ast.ClassDef) -> Mapping[str, str]:
    found = {}
    for member, below in pairwise(declared.body):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[member.target.id] = inspect.cleandoc(text)
    return found
