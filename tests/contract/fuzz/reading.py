"""The official description as the judge reads it: only what the simulator has, and no key that is not named."""

from __future__ import annotations

import re
from typing import Any

from reconciler.simulator.app import ROUTES
from reconciler.simulator.contract.description import METHODS

Node = dict[str, Any]


def read_as_the_judge_does(document: Node) -> None:
    """Take away, in place, the operations that the simulator does not have, and close the bodies of the others."""
    declared = {(method, _shape(path)) for method, path, _ in ROUTES}
    for path, item in list(document["paths"].items()):
        for method in METHODS:
            if (method.upper(), _shape(path)) not in declared:
                item.pop(method, None)
        operations = [item[method] for method in METHODS if method in item]
        if not operations:
            del document["paths"][path]
        for operation in operations:
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["schema"] = closed(document, content["schema"])


def _shape(path: str) -> str:
    """``path`` without the names of what stands in it."""
    return re.sub(r"{\w+}", "{}", path)


def closed(document: Node, schema: Node) -> Node:
    """``schema`` without references, its parts made one, in which every object names all of its keys."""
    if "$ref" in schema:
        return closed(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    parts = [closed(document, part) for part in schema.get("allOf", ())]
    whole = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        whole = _joined(part, whole)
    if "items" in whole:
        whole["items"] = closed(document, whole["items"])
    if "properties" in whole:
        whole["properties"] = {name: closed(document, member) for name, member in whole["properties"].items()}
        whole.setdefault("additionalProperties", False)
    return whole


def _joined(one: Node, other: Node) -> Node:
    properties = {**one.get("properties", {}), **other.get("properties", {})}
    required = [*one.get("required", ()), *other.get("required", ())]
    return {**one, **other, "properties": properties, **({"required": required} if required else {})}
