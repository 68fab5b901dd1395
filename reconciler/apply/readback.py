"""What an answer says against what was asked: the check after each write, and the judge of lost answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import NotTakenError
from reconciler.plan.change import JsonText
from reconciler.plan.concerns import compute, quota, restore_window
from reconciler.plan.concerns.free_form import differs, merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.plan.change import FieldChange, Value


def project_fields(project: LiveProject) -> dict[str, Value]:
    """Every field that the API states of a project, by path; what it leaves out is absent."""
    settings = {f"settings.{key}": JsonText.of(value) for key, value in (project.settings or {}).items()}
    window = project.restore_window_seconds
    return {
        "name": project.name,
        "region": project.region,
        "pg_version": project.pg_version,
        **quota.members(project.quota),
        **compute.members(project.compute),
        **({} if window is None else {restore_window.PATH: window}),
        **settings,
    }


def endpoint_fields(endpoint: LiveEndpoint) -> dict[str, Value]:
    """Every field that the API states of a compute, by path."""
    return dict(compute.members(endpoint.compute))


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
    return value.text if isinstance(value, JsonText) else str(value)
