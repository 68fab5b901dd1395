"""OpenAPI 3.0 schemas read strictly, as JSON Schema 2020-12: a key that no schema names is a finding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

DOCUMENT: Final = "urn:neon:description"
"""The name under which schemas refer to those of the whole description."""

MAX_FINDINGS: Final = 5
MAX_TEXT_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the description forbids: where in the exchange, and what is wrong there."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def closed(schema: Schema) -> Schema:
    """``schema`` where a value is held against it: keys that none of its parts names fail, under allOf too."""
    return opened(schema) | {"unevaluatedProperties": False}


def opened(schema: Schema) -> Schema:
    """``schema`` as a part of others: the place that uses it decides about the keys it does not name."""
    part = {key: value for key, value in schema.items() if key not in ("nullable", "discriminator", "example")}
    if "$ref" in part:
        part["$ref"] = f"{DOCUMENT}{part['$ref']}"
    if "properties" in part:
        part["properties"] = {name: closed(member) for name, member in part["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(part.get(key), dict):
            part[key] = closed(part[key])
    for key in ("allOf", "anyOf", "oneOf"):
        if key in part:
            part[key] = [opened(member) for member in part[key]]
    return or_null(part) if schema.get("nullable") else part


def or_null(schema: Schema) -> Schema:
    """``schema``, or null; a plain type stays one, because its findings are easier to read."""
    if schema.keys() & {"allOf", "anyOf", "oneOf", "enum", "$ref"}:
        return {"anyOf": [{"type": "null"}, schema]}
    return schema | {"type": [schema["type"], "null"]}


class Checker:
    """A schema that is compiled at its first use; most operations are never called."""

    def __init__(self, schema: Schema, registry: jsonschema_rs.Registry) -> None:
        self._schema = schema
        self._registry = registry

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(
            closed(self._schema), registry=self._registry, validate_formats=True
        )

    def findings(self, value: object, where: str) -> Iterator[Finding]:
        """What is wrong with ``value``, at most ``MAX_FINDINGS``; ``where`` says what the value is."""
        if self._validator.is_valid(value):
            return
        for error in islice(self._validator.iter_errors(value), MAX_FINDINGS):
            path = "".join(f"/{step}" for step in error.instance_path)
            yield Finding(f"{where} {path}".rstrip(), shortened(error.message))


def shortened(text: str) -> str:
    """``text``, cut where it would fill the screen."""
    return text if len(text) <= MAX_TEXT_LENGTH else f"{text[:MAX_TEXT_LENGTH]}…"
