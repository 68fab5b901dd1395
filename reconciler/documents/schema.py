"""JSON Schemas of the documents, with the descriptions of the types that they are derived from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from reconciler.adopt import proposals, results
from reconciler.documents import lines, shapes
from reconciler.live import registered
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model import diagnosis
from reconciler.model.compute import Compute
from reconciler.model.docstrings import member_docstrings
from reconciler.model.problem import Location
from reconciler.plan import (
    approval,
    change,
    event,
    explained,
    outcome,
    plan,
    plan_cost,
    registration,
    return_points,
)
from reconciler.plan.action import Action
from reconciler.usage import cost, usage

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODULES: Final = (
    plan,
    plan_cost,
    outcome,
    event,
    approval,
    change,
    return_points,
    explained,
    usage,
    cost,
    registered,
    registration,
    lines,
    diagnosis,
    proposals,
    results,
)


def plan_schema() -> dict[str, Any]:
    """The schema of a plan, saved or printed."""
    return _schema(shapes.PLAN, "A plan: what apply would do")


def drift_schema() -> dict[str, Any]:
    """The schema of a drift report."""
    return _schema(shapes.DRIFT, "A drift report")


def diff_schema() -> dict[str, Any]:
    """The schema of what a change of the files asks for."""
    return _schema(shapes.DIFF, "What a change of the files asks for")


def report_schema() -> dict[str, Any]:
    """The schema of the report of an apply."""
    return _schema(shapes.REPORT, "The report of an apply")


def history_schema() -> dict[str, Any]:
    """The schema of the moments that a tenant can be restored to."""
    return _schema(shapes.HISTORY, "The moments that a tenant can be restored to")


def explained_schema() -> dict[str, Any]:
    """The schema of where each value of a tenant comes from."""
    return _schema(shapes.EXPLAINED, "Where each value of a tenant comes from")


def registry_schema() -> dict[str, Any]:
    """The schema of the rows of the registry."""
    return _schema(shapes.REGISTRY, "The rows of the registry")


def row_changes_schema() -> dict[str, Any]:
    """The schema of what a rebuild of the registry changes."""
    return _schema(shapes.ROW_CHANGES, "What a rebuild of the registry changes")


def problems_schema() -> dict[str, Any]:
    """The schema of what validate finds."""
    return _schema(shapes.PROBLEMS, "What is wrong with the files")


def usage_schema() -> dict[str, Any]:
    """The schema of the usage."""
    return _schema(shapes.USAGE, "What tenants use of their quotas")


def audit_schema() -> dict[str, Any]:
    """The schema of the writes that journals contain."""
    return _schema(shapes.AUDIT, "The writes that journals contain")


def doctor_schema() -> dict[str, Any]:
    """The schema of what doctor finds."""
    return _schema(shapes.DOCTOR, "What is wrong with the set-up, and what to do")


def adoption_schema() -> dict[str, Any]:
    """The schema of what adopt has done."""
    from reconciler.documents.adoptions import ADOPTION  # noqa: PLC0415 - for this schema only

    return _schema(ADOPTION, "What was adopted")


def collected_schema() -> dict[str, Any]:
    """The schema of what collect has done."""
    from reconciler.documents.adoptions import COLLECTED  # noqa: PLC0415 - for this schema only

    return _schema(COLLECTED, "The sign-ups that were collected")


def cost_schema() -> dict[str, Any]:
    """The schema of what a month costs."""
    return _schema(shapes.COST, "What a month costs")


def events_schema() -> dict[str, Any]:
    """The schema of one line of the events of an apply."""
    from reconciler.documents.events import EVENT  # noqa: PLC0415 - for this schema only

    written = _described(EVENT)
    return {"$schema": _DIALECT, **written, "title": "An event of an apply: one line of the stream"}


def journal_schema() -> dict[str, Any]:
    """The schema of one line of a journal."""
    return {"$schema": _DIALECT, **_described(lines.JOURNAL), "title": "A line of the journal of a run"}


def connections_schema() -> dict[str, Any]:
    """The schema of one line of ``--connections-to`` and ``--to-command``."""
    return _schema(lines.ConnectionLine, "How to connect to a tenant's database: one line")


def observation_schema() -> dict[str, Any]:
    """The schema of a recorded observation, without the compression."""
    from reconciler.documents.observation import json_schema  # noqa: PLC0415 - pydantic is slow to import

    return {"$schema": _DIALECT, **json_schema(), "title": "What `observe` has recorded"}


def _schema(document: type[msgspec.Struct], title: str) -> dict[str, Any]:
    written = _described(document)
    definition = written["$defs"].pop(document.__name__)
    return {"$schema": _DIALECT, **definition, "$defs": written["$defs"], "title": title}


def _described(document: Any) -> dict[str, Any]:
    """The schema that msgspec derives, with the descriptions of the members."""
    written, descriptions = msgspec.json.schema(document), _descriptions()
    for name, definition in written["$defs"].items():
        definition.pop("title", None)
        described = descriptions.get(name, {})
        for member, schema in definition.get("properties", {}).items():
            if len(schema.get("enum", ())) == 1:
                schema["const"] = schema.pop("enum")[0]
            if member in described:
                schema.setdefault("description", described[member])
    return written


@cache
def _descriptions() -> Mapping[str, Mapping[str, str]]:
    """What the docstring below each member of a type says, by the names of both."""
    types = [one for module in _MODULES for one in vars(module).values() if _is_of(one, module)]
    every = [*types, *get_args(Action), LiveProject, LiveSnapshot, Compute, Location]
    described = {of.__name__: member_docstrings(of) for of in every}
    definition = {"Plan": "Plan", "Drift": "Plan", "Report": "Report", "Usage": "Usage", "Cost": "Cost"}
    definition |= {"Adoption": "AdoptionResult", "Collected": "CollectionResult"}
    return {**described, **{f"{document}Document": described[of] for document, of in definition.items()}}


def _is_of(one: object, module: object) -> bool:
    return isinstance(one, type) and one.__module__ == getattr(module, "__name__", None)
