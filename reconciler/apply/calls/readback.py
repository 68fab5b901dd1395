"""Compares the values that an answer or live state states with the values that an action requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import NotTakenError
from reconciler.model.moments import rfc3339
from reconciler.model.values import JsonText
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.change import FieldChange
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.free_form import differs, merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveSnapshot
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.plan.actions.branch import PatchBranch
    from reconciler.plan.actions.compute import CreateReplica
    from reconciler.plan.actions.snapshot import CreateSnapshot


def endpoint_fields(endpoint: LiveEndpoint) -> dict[str, Value]:
    """The members that the API states for a compute, by path."""
    return compute_fields(endpoint.compute)


def compute_fields(stated: Compute) -> dict[str, Value]:
    """The same for its sizes alone."""
    return dict(compute.members(stated))


def branch_fields(branch: LiveBranch) -> dict[str, Value]:
    """The members that the API states for a branch, by path. Times are to the second."""
    return {
        "name": branch.name,
        "parent": branch.parent_id,
        "expires_at": _time_text(branch.expires_at),
        "protected": branch.protected,
    }


def requested_branch_fields(action: CreateBranch | PatchBranch, address: Address) -> tuple[FieldChange, ...]:
    """The members of a branch that the action sets, as they must be after the call."""
    expires_at = _time_text(action.expires_at)
    if not isinstance(action, CreateBranch):
        lasting = (FieldChange("expires_at", None, None),) if action.expires_no_more else ()
        requested = _requested(name=action.rename_to, expires_at=expires_at, protected=action.protected)
        return (*requested, *lasting)
    parent = (
        None if action.schema_only else address.branch(action.parent)
    )  # Neon: a schema-only branch is a root branch
    return _requested(name=action.branch, parent=parent, expires_at=expires_at, protected=action.protected or None)


def requested_compute_fields(action: CreateBranch | CreateReplica) -> tuple[FieldChange, ...]:
    """The members of a new compute that the action sets, as they must be after the call."""
    return tuple(FieldChange(path, None, value) for path, value in compute.members(action.compute).items())


def snapshot_fields(snapshot: LiveSnapshot) -> dict[str, Value]:
    """The members that the API states for a snapshot, by path. Times are to the second."""
    source = {} if snapshot.source_branch_id is None else {"branch": snapshot.source_branch_id}
    return {"name": snapshot.name, "expires_at": _time_text(snapshot.expires_at), **source}


def requested_snapshot_fields(action: CreateSnapshot, address: Address) -> tuple[FieldChange, ...]:
    """The members of a snapshot that the action sets, as they must be after the call."""
    branch_id = address.branch(action.branch)
    return _requested(name=action.snapshot, branch=branch_id, expires_at=_time_text(action.expires_at))


def _requested(**values: str | bool | None) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(path, None, value) for path, value in values.items() if value is not None)


def _time_text(time: datetime | None) -> str | None:
    return None if time is None else rfc3339(time)


def shortfall(changes: Iterable[FieldChange], stated: Mapping[str, Value]) -> NotTakenError | None:
    """The error that names each field whose stated value differs from the requested one; None if all agree.

    Ignores a field that the answer omits.
    """
    wrong = [change for change in changes if change.path in stated and not _agrees(change, stated)]
    if not wrong:
        return None
    fields = "; ".join(f"{c.path} is {_shown(stated[c.path])}, requested {_shown(c.after)}" for c in wrong)
    return NotTakenError(
        f"Neon accepted the call, but {fields}",
        hint="the organization's Neon plan may not allow this value: compare it with the limits in tiers.yaml",
    )


def in_effect(changes: Iterable[FieldChange], stated: Mapping[str, Value]) -> bool:
    """Whether live state shows every change."""
    return all(change.path in stated and _agrees(change, stated) for change in changes)


def _agrees(change: FieldChange, stated: Mapping[str, Value]) -> bool:
    requested, got = change.after, stated[change.path]
    if isinstance(requested, JsonText) and isinstance(got, JsonText):
        return not differs(got.value, merge(got.value, requested.value))
    return requested == got


def _shown(value: Value) -> str:
    if value is None:
        return "not set"
    return value.text if isinstance(value, JsonText) else str(value)
