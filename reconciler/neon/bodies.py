"""The bodies of requests: the place of each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.model.fields.field import Patch
from reconciler.model.fields.table import FIELDS, of
from reconciler.model.moments import rfc3339
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.model.compute import Compute
    from reconciler.model.values import Json, Value

CREATE_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    field.path: field.creation for field in FIELDS if field.creation is not None
}
"""Neon: ProjectCreateRequest."""

PATCH_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    field.path: field.creation for field in FIELDS if field.creation is not None and field.patch is not Patch.NEVER
}
"""Neon: ProjectUpdateRequest. Region, version and organization cannot be patched."""

ENDPOINT_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    field.path: field.compute for field in FIELDS if field.compute is not None
}

BRANCH_PLACES: Final = {field.key: field.branch for field in of("dev_branches") if field.branch is not None}
SNAPSHOT_PLACES: Final = {field.key: field.snapshot for field in of("snapshots") if field.snapshot is not None}
SCHEMA_ONLY: Final = "schema-only"
SETTINGS_PREFIX: Final = "settings."
ENDPOINT_SETTINGS_PREFIX: Final = "endpoint.settings."


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
    protected: bool = False,
    endpoints: Sequence[Json],
    annotations: Mapping[str, str],
) -> Json:
    """POST /projects/{id}/branches. Neon: annotations are a member beside the branch, set at creation only."""
    values: dict[str, Value] = {
        "name": name,
        "parent": parent_id,
        "at": _time(at),
        "expires_at": _time(expires_at),
        "schema_only": SCHEMA_ONLY if schema_only else None,
        "protected": protected or None,
    }
    body: dict[str, Json] = {"branch": _placed(values, BRANCH_PLACES)}
    if endpoints:
        body["endpoints"] = list(endpoints)
    if annotations:
        body["annotation_value"] = dict(annotations)
    return body


def new_endpoint(compute: Compute | None) -> Json:
    """One read-write compute. Neon takes absent values from the project's defaults."""
    return {"type": "read_write", **_sizes(compute)}


def new_replica_body(*, branch_id: str, name: str, compute: Compute | None) -> Json:
    """POST /projects/{id}/endpoints: a read replica. Neon takes absent values from the project's defaults."""
    return {"endpoint": {"branch_id": branch_id, "type": "read_only", "name": name, **_sizes(compute)}}


def _sizes(compute: Compute | None) -> dict[str, Any]:
    names = () if compute is None else compute.__struct_fields__
    return _placed({f"compute.{name}": getattr(compute, name) for name in names}, ENDPOINT_PLACES)


def branch_body(
    *, name: str | None, expires_at: datetime | None, expires_no_more: bool = False, protected: bool | None = None
) -> Json:
    """PATCH /projects/{id}/branches/{id}. Neon: an absent member is unchanged; null removes the expiry."""
    values: dict[str, Value] = {"name": name, "expires_at": _time(expires_at), "protected": protected}
    branch = _placed(values, BRANCH_PLACES)
    if expires_no_more and expires_at is None:
        branch["expires_at"] = None
    return {"branch": branch}


def restore_body(*, source_id: str, at: datetime | None, keep_as: str | None) -> Json:
    """POST /projects/{id}/branches/{id}/restore. Neon: without a time, from the current state of the source."""
    body: dict[str, Json] = {"source_branch_id": source_id}
    if at is not None:
        body["source_timestamp"] = rfc3339(at)
    if keep_as is not None:
        body["preserve_under_name"] = keep_as
    return body


def restore_snapshot_body(*, target_id: str, preview_name: str | None) -> Json:
    """POST /projects/{id}/snapshots/{id}/restore."""
    if preview_name is None:
        return {"target_branch_id": target_id, "finalize_restore": True}
    return {"target_branch_id": target_id, "finalize_restore": False, "name": preview_name}


def new_snapshot_query(
    *, name: str, at: datetime | None, expires_at: datetime | None
) -> dict[str, str | int | bool]:
    """POST /projects/{id}/branches/{id}/snapshot, which takes no body (Neon)."""
    values: dict[str, Value] = {"name": name, "at": _time(at), "expires_at": _time(expires_at)}
    return _placed(values, SNAPSHOT_PLACES)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _placed(values: Mapping[str, Value], places: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The values, each in its place. Leaves out None."""
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
    if path.startswith(ENDPOINT_SETTINGS_PREFIX) and places is ENDPOINT_PLACES:
        return ("settings", path.removeprefix(ENDPOINT_SETTINGS_PREFIX))
    raise ValueError(f"{path!r} has no place in this call")
