"""What an answer says against what was asked: the check after each write, and the judge of lost answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import NotTakenError
from reconciler.model.moments import rfc3339
from reconciler.model.values import JsonText
from reconciler.plan.action import CreateBranch
from reconciler.plan.change import FieldChange
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.free_form import differs, merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveSnapshot
    from reconciler.model.values import Value
    from reconciler.plan.action import CreateSnapshot, PatchBranch


def endpoint_fields(endpoint: LiveEndpoint) -> dict[str, Value]:
    """Every field that the API states of a compute, by path."""
    return dict(compute.members(endpoint.compute))


def branch_fields(branch: LiveBranch) -> dict[str, Value]:
    """What the API says of a branch, by path; moments to the second."""
    return {"name": branch.name, "parent": branch.parent_id, "expires_at": _moment(branch.expires_at)}


def asked_of_branch(action: CreateBranch | PatchBranch, address: Address) -> tuple[FieldChange, ...]:
    """What a branch is to show after the call, as far as the action states it."""
    expires_at = _moment(action.expires_at)
    if not isinstance(action, CreateBranch):
        lasting = (FieldChange("expires_at", None, None),) if action.expires_no_more else ()
        return (*_asked(name=action.rename_to, expires_at=expires_at), *lasting)
    parent = None if action.schema_only else address.branch(action.parent)  # Neon: a schema alone is a root
    return _asked(name=action.branch, parent=parent, expires_at=expires_at)


def asked_of_compute(action: CreateBranch) -> tuple[FieldChange, ...]:
    """What the compute of a new branch is to show, as far as the action states it."""
    return tuple(FieldChange(path, None, value) for path, value in compute.members(action.compute).items())


def snapshot_fields(snapshot: LiveSnapshot) -> dict[str, Value]:
    """What the API says of a snapshot, by path; moments to the second."""
    source = {} if snapshot.source_branch_id is None else {"branch": snapshot.source_branch_id}
    return {"name": snapshot.name, "expires_at": _moment(snapshot.expires_at), **source}


def asked_of_snapshot(action: CreateSnapshot, address: Address) -> tuple[FieldChange, ...]:
    """What a snapshot is to show after the call, as far as the action states it."""
    branch_id = address.branch(action.branch)
    return _asked(name=action.snapshot, branch=branch_id, expires_at=_moment(action.expires_at))


def _asked(**values: str | None) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(path, None, value) for path, value in values.items() if value is not None)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def shortfall(changes: Iterable[FieldChange], stated: Mapping[str, Value]) -> NotTakenError | None:
    """The error that names each field whose stated value is not the one asked for; None where all agree.

    A field that the answer leaves out tells nothing.
    """
    wrong = [change for change in changes if change.path in stated and not _agrees(change, stated)]
    if not wrong:
        return None
    fields = "; ".join(f"{c.path} is {_text(stated[c.path])}, asked for {_text(c.after)}" for c in wrong)
    return NotTakenError(
        f"Neon answered as if done, but {fields}",
        hint="the plan or the organization may not allow this value: compare it with the limits in tiers.yaml",
    )


def carried(changes: Iterable[FieldChange], stated: Mapping[str, Value]) -> bool:
    """Whether every change is seen to be in effect."""
    return all(change.path in stated and _agrees(change, stated) for change in changes)


def _agrees(change: FieldChange, stated: Mapping[str, Value]) -> bool:
    asked, got = change.after, stated[change.path]
    if isinstance(asked, JsonText) and isinstance(got, JsonText):
        return not differs(got.value, merge(got.value, asked.value))
    return asked == got


def _text(value: Value) -> str:
    if value is None:
        return "not set"
    return value.text if isinstance(value, JsonText) else str(value)
