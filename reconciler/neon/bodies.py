"""What our requests say: where each value has its place in Neon's words."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.fields.field import Patch
from reconciler.model.fields.table import FIELDS
from reconciler.model.moments import rfc3339
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.model.compute import Compute
    from reconciler.model.values import Json, Value

CREATE_PLACES: Final[Mapping[str, tuple[str, ...]]] = {field.path: field.creation for field in FIELDS}
"""Neon: ProjectCreateRequest."""

PATCH_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    field.path: field.creation for field in FIELDS if field.patch is not Patch.NEVER
}
"""Neon: ProjectUpdateRequest. Region, version and organization cannot be patched."""

ENDPOINT_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    field.path: field.compute for field in FIELDS if field.compute is not None
}

SETTINGS_PREFIX: Final = "settings."


def create_body(values: Mapping[str, Value], annotations: Mapping[str, str], organization_id: str) -> Json:
    """POST /projects. Neon: annotations can be set at creation only."""
    project = _placed(values, CREATE_PLACES)
    project["org_id"] = organization_id
    if annotations:
        branch = project.setdefault("branch", {})
        branch["annotations"] = dict(annotations)
    return {"project": project}


def patch_body(values: Mapping[str, Value]) -> Json:
    """PATCH /projects/{id}."""
    return {"project": _placed(values, PATCH_PLACES)}


def endpoint_body(values: Mapping[str, Value]) -> Json:
    """PATCH /projects/{id}/endpoints/{id}."""
    return {"endpoint": _placed(values, ENDPOINT_PLACES)}


def new_branch_body(
    *,
    name: str,
    parent_id: str,
    at: datetime | None,
    expires_at: datetime | None,
    schema_only: bool,
    endpoints: Sequence[Json],
    annotations: Mapping[str, str],
) -> Json:
    """POST /projects/{id}/branches. Neon: annotations stand beside the branch, and can be set at creation only."""
    branch: dict[str, Json] = {"name": name, "parent_id": parent_id}
    if at is not None:
        branch["parent_timestamp"] = rfc3339(at)
    if expires_at is not None:
        branch["expires_at"] = rfc3339(expires_at)
    if schema_only:
        branch["init_source"] = "schema-only"
    body: dict[str, Json] = {"branch": branch}
    if endpoints:
        body["endpoints"] = list(endpoints)
    if annotations:
        body["annotation_value"] = dict(annotations)
    return body


def new_endpoint(compute: Compute | None) -> Json:
    """One read-write compute; what is not stated comes from the project's defaults (Neon)."""
    stated = {} if compute is None else asdict(compute)
    sizes = _placed({f"compute.{member}": value for member, value in stated.items()}, ENDPOINT_PLACES)
    return {"type": "read_write", **sizes}


def branch_body(*, name: str | None, expires_at: datetime | None, expires_no_more: bool = False) -> Json:
    """PATCH /projects/{id}/branches/{id}. Neon: what is absent stays as it is; a null removes the expiry."""
    branch: dict[str, Json] = {}
    if name is not None:
        branch["name"] = name
    if expires_at is not None:
        branch["expires_at"] = rfc3339(expires_at)
    elif expires_no_more:
        branch["expires_at"] = None
    return {"branch": branch}


def new_snapshot_query(
    *, name: str, at: datetime | None, expires_at: datetime | None
) -> dict[str, str | int | bool]:
    """POST /projects/{id}/branches/{id}/snapshot, which takes no body (Neon)."""
    query: dict[str, str | int | bool] = {"name": name}
    if at is not None:
        query["timestamp"] = rfc3339(at)
    if expires_at is not None:
        query["expires_at"] = rfc3339(expires_at)
    return query


def _placed(values: Mapping[str, Value], places: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The values, each in its place. A None states nothing and is left out."""
    body: dict[str, Any] = {}
    for path, value in values.items():
        if value is None:
            continue
        *parents, last = _place(path, places)
        inner = body
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value.value if isinstance(value, JsonText) else value
    return body


def _place(path: str, places: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if path in places:
        return places[path]
    if path.startswith(SETTINGS_PREFIX) and places is not ENDPOINT_PLACES:
        return ("settings", path.removeprefix(SETTINGS_PREFIX))
    raise ValueError(f"{path!r} has no place in this call")
