"""JSON Schemas of the documents, with the descriptions of the types that they are derived from."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from reconciler.documents import shapes
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model.compute import Compute
from reconciler.model.problem import Location
from reconciler.plan import approval, change, outcome, plan
from reconciler.plan.action import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODULES: Final = (plan, outcome, approval, change)


def plan_schema() -> dict[str, Any]:
    """The schema of a plan, saved or printed."""
    return _schema(shapes.PLAN, "A plan: what apply would do")


def drift_schema() -> dict[str, Any]:
    """The schema of a drift report."""
    return _schema(shapes.DRIFT, "A drift report")


def report_schema() -> dict[str, Any]:
    """The schema of the report of an apply."""
    return _schema(shapes.REPORT, "The report of an apply")


def problems_schema() -> dict[str, Any]:
    """The schema of what validate finds."""
    return _schema(shapes.PROBLEMS, "What is wrong with the files")


def _schema(document: type[msgspec.Struct], title: str) -> dict[str, Any]:
    written = msgspec.json.schema(document)
    for name, definition in written["$defs"].items():
        definition.pop("title", None)
        told = _descriptions().get(name, {})
        for member, schema in definition.get("properties", {}).items():
            if len(schema.get("enum", ())) == 1:
                schema["const"] = schema.pop("enum")[0]
            if member in told:
                schema.setdefault("description", told[member])
    whole = written["$defs"].pop(document.__name__)
    return {"$schema": _DIALECT, **whole, "$defs": written["$defs"], "title": title}


def _descriptions() -> Mapping[str, Mapping[str, str]]:
    """What the docstring below each member of a type says, by the names of both."""
    types = [one for module in _MODULES for one in vars(module).values() if _is_of(one, module)]
    every = [*types, *get_args(Action), LiveProject, LiveSnapshot, Compute, Location]
    told = {of.__name__: {k: v for base in reversed(of.__mro__) for k, v in _told(base).items()} for of in every}
    return {**told, "PlanDocument": told["Plan"], "DriftDocument": told["Plan"], "ReportDocument": told["Report"]}


def _is_of(one: object, module: object) -> bool:
    return isinstance(one, type) and one.__module__ == getattr(module, "__name__", None)


def _told(of: type) -> dict[str, str]:
    """The docstrings of the members that a class itself declares."""
    if not of.__module__.startswith("reconciler."):
        return {}
    body = ast.parse(textwrap.dedent(inspect.getsource(of))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    pairs = pairwise(statements)
    return {
        member.target.id: inspect.cleandoc(str(text.value.value))
        for member, text in pairs
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }
