"""The official OpenAPI description of the Neon API, as it lies in the npm package ``@neondatabase/api-client``."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import jsonschema_rs
import yaml

from reconciler.simulator.contract.operation import Content, Operation, Parameter
from reconciler.simulator.contract.strict import DOCUMENT, Checker, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILE: Final = "@neondatabase/api-client/public-v2-for-users.gen.yaml"
"""Where it lies below ``node_modules``."""
PACKAGE: Final = "@neondatabase/api-client@2.7.3"
SHA256: Final = "dacf72ea2d63110b3694c705313e0b2104e9652ae1be3fc01ceebe7b17059c44"
METHODS: Final = ("get", "put", "post", "delete", "patch")
JSON: Final = "application/json"

Node = dict[str, Any]


class DescriptionError(Exception):
    """The description cannot be read, or is another version."""


class PlainLoader(yaml.CSafeLoader):
    """YAML as JSON would have it: a timestamp stays the text that was written."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class Description:
    """Every operation of the API, found by method and path."""

    def __init__(self, document: Node) -> None:
        self._document = document
        schemas = {name: opened(schema) for name, schema in document["components"]["schemas"].items()}
        self._registry = jsonschema_rs.Registry([(DOCUMENT, {"components": {"schemas": schemas}})])
        self._prefix = urlsplit(document["servers"][0]["url"]).path
        self._routes = sorted(self._read_routes(), key=lambda route: route[0].template.count("{"))
        self._alike: dict[tuple[str, int], list[tuple[Operation, re.Pattern[str]]]] = {}
        """The routes of a method whose paths have as many parts, in the same order."""
        for route in self._routes:
            self._alike.setdefault((route[0].method, route[0].template.count("/")), []).append(route)

    @property
    def document(self) -> Node:
        """The description as it was read, with its references."""
        return self._document

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All operations; those with the fewest parameters in their path come first."""
        return tuple(operation for operation, _ in self._routes)

    def find(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """The operation that ``method`` and the still encoded ``path`` name, with the values in the path."""
        if not path.startswith(f"{self._prefix}/"):
            return None
        below = path.removeprefix(self._prefix)
        for operation, pattern in self._alike.get((method, below.count("/")), ()):
            if match := pattern.fullmatch(below):
                return operation, {name: unquote(text) for name, text in match.groupdict().items()}
        return None

    def _read_routes(self) -> Iterator[tuple[Operation, re.Pattern[str]]]:
        for template, item in self._document["paths"].items():
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
            for method in METHODS:
                if method in item:
                    yield self._read_operation(template, method, item), pattern

    def _read_operation(self, template: str, method: str, item: Node) -> Operation:
        node = item[method]
        listed = [*item.get("parameters", ()), *node.get("parameters", ())]
        parameters = [self._resolved(parameter) for parameter in listed]
        answers = {str(code): self._content(self._resolved(answer)) for code, answer in node["responses"].items()}
        error = answers.pop("default")
        return Operation(
            name=node["operationId"],
            method=method.upper(),
            template=template,
            path_parameters={p["name"]: self._parameter(p) for p in parameters if p["in"] == "path"},
            query_parameters={p["name"]: self._parameter(p) for p in parameters if p["in"] == "query"},
            body=self._content(node.get("requestBody", {})),
            body_required=node.get("requestBody", {}).get("required", False),
            answers={int(code): content for code, content in answers.items()},
            error=error,
        )

    def _parameter(self, node: Node) -> Parameter:
        kind = self._resolved(node["schema"]).get("type", "string")
        return Parameter(node["name"], node.get("required", False), kind, self._checker(node["schema"]))

    def _content(self, node: Node) -> Content | None:
        for media_type, content in node.get("content", {}).items():
            return Content(media_type, self._checker(content["schema"]) if media_type == JSON else None)
        return None

    def _checker(self, schema: Node) -> Checker:
        return Checker(schema, self._registry)

    def _resolved(self, node: Node) -> Node:
        while "$ref" in node:
            _, *steps = node["$ref"].split("/")
            node = self._document
            for step in steps:
                node = node[step]
        return node


def read_description(path: Path) -> Description:
    """The description in a file. Raises DescriptionError if it cannot be read or is another version."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DescriptionError(f"{path}: {error.strerror}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise DescriptionError(
            f"{path} is not the description that the simulator is checked against (sha256 {digest})"
        )
    return Description(PlainLoader(content).get_single_data())
