"""Every member of a project, compute, branch or snapshot that a request can set, by the official description."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tests.contract.installed import required

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

OPERATIONS: Final = (
    "createProject",
    "updateProject",
    "createProjectEndpoint",
    "updateProjectEndpoint",
    "createProjectBranch",
    "updateProjectBranch",
    "createSnapshot",
    "updateSnapshot",
)
"""POST and PATCH of projects, endpoints, branches and snapshots."""


@dataclass(frozen=True, slots=True)
class Member:
    """One place in a request. The entries of a list of objects are written ``[]``."""

    operation: str
    path: str
    """``project.settings.quota.active_time_seconds``; the name of a query parameter stands alone."""

    def __str__(self) -> str:
        return f"{self.operation} {self.path}"


@cache
def settable() -> dict[Member, Schema]:
    """Every member with its schema, references followed. Maps and lists of plain values are one member."""
    document = required().document
    found: dict[Member, Schema] = {}
    for item in document["paths"].values():
        for operation in (one for one in item.values() if isinstance(one, dict)):
            if operation.get("operationId") in OPERATIONS:
                found.update(_of_operation(document, operation))
    return found


def _of_operation(document: Schema, operation: Schema) -> Iterator[tuple[Member, Schema]]:
    name = operation["operationId"]
    for parameter in (_resolved(document, one) for one in operation.get("parameters", ())):
        if parameter["in"] == "query":
            yield Member(name, parameter["name"]), _resolved(document, parameter["schema"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for path, schema in _leaves(document, content["schema"], ()):
            yield Member(name, ".".join(path)), schema


def _leaves(document: Schema, node: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    schema = _resolved(document, node)
    parts = [schema, *(_resolved(document, part) for part in schema.get("allOf", ()))]
    properties = {name: member for part in parts for name, member in part.get("properties", {}).items()}
    for name, member in properties.items():
        yield from _leaves(document, member, (*path, name))
    if properties:
        return
    items = _resolved(document, schema.get("items", {}))
    if "properties" in items or "allOf" in items:
        yield from _leaves(document, items, (*path, "[]"))
    else:
        yield path, schema


def _resolved(document: Schema, node: Schema) -> Schema:
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].split("/")[1:]:
            target = target[step]
        node = target
    if len(parts := node.get("allOf", ())) == 1 and "properties" not in node:
        return {**_resolved(document, parts[0]), **{key: value for key, value in node.items() if key != "allOf"}}
    return node
