"""JSON Schemas of what people write, for editors: made from the models that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema

from reconciler.files.policy_schema import PolicyDocument
from reconciler.files.tenant_schema import TenantDocument
from reconciler.files.tiers_schema import TiersDocument
from reconciler.model.docstrings import member_docstrings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema, core_schema

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def tenant_schema() -> dict[str, Any]:
    """The schema of one tenant's document."""
    return _schema(TenantDocument, "A tenant of a fleet of Neon projects")


def policy_schema() -> dict[str, Any]:
    """The schema of one policy."""
    return _schema(PolicyDocument, "A policy of a fleet of Neon projects")


def tiers_schema() -> dict[str, Any]:
    """The schema of tiers.yaml."""
    return _schema(TiersDocument, "The price list of a fleet of Neon projects")


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    written = model.model_json_schema(schema_generator=_AsWritten)
    return {"$schema": _DIALECT} | written | {"title": title}


class _AsWritten(GenerateJsonSchema):
    """Each member with the docstring below it. Without titles, which repeat the keys, and without null and
    defaults, which are not values of these files.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        known = member_docstrings(schema["cls"])
        for name, field in schema["cls"].model_fields.items():
            member = written.get("properties", {}).get(field.alias or name)
            if member is not None and name in known:
                member["description"] = known[name]
        return written

    def field_title_should_be_set(self, schema: CoreSchema | object) -> bool:  # noqa: ARG002 (pydantic's signature)
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])
