"""One field that a run wrote: its live value, whether that is still the run's, and what puts it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import PURPOSE, Purpose
from reconciler.model.fields.table import BY_PATH, ENTRY_BY_PATH
from reconciler.model.moments import rfc3339
from reconciler.model.values import JsonText, replace
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.concerns import branches, compute, free_form, quota, restore_window, snapshots
from reconciler.plan.concerns.concern import changed, changed_in_copy
from reconciler.plan.live_values import project_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject
    from reconciler.model.values import Value
    from reconciler.plan.recorded_effects import FieldOwner, RecordedEffect, WrittenField

SETTING: Final = "settings."
RENAMES: Final = ".name"
EXPIRES: Final = ".expires_at"
CLOCKS_APART: Final = timedelta(minutes=1)
"""Maximum difference between this machine's clock and Neon's."""


class MissingObject:
    """The thing that the field belongs to is not there, or was not read."""


GONE: Final = MissingObject()


def found(project: LiveProject, field: WrittenField, all_of_it: Iterable[RecordedEffect]) -> Value | MissingObject:
    """Return the live value of a field; None if the API returns none."""
    if field.place.kind == "project":
        return project_fields(project).get(field.path, 0 if field.path in quota.PATHS else None)
    if field.place.kind == "compute":
        sized = None if _is_a_namesake(project, field) else endpoint(project, field.place)
        return GONE if sized is None else compute.members(sized.compute).get(field.path)
    branch = live_branch(project, field.place, all_of_it)
    if branch is None or branch.created_at > field.at + CLOCKS_APART:
        return GONE
    if field.path.endswith(RENAMES):
        return branch.name
    if field.path.endswith(EXPIRES):
        return None if branch.expires_at is None else rfc3339(branch.expires_at)
    return branch.protected


def _is_a_namesake(project: LiveProject, field: WrittenField) -> bool:
    """Return whether the branch was created after the run wrote: another one had its name.

    A default branch that a restore replaced keeps its compute.
    """
    found = (one for one in project.branches or () if one.name == field.place.branch and not one.default)
    return any(branch.created_at > field.at + CLOCKS_APART for branch in found)


def endpoint(project: LiveProject, place: FieldOwner) -> LiveEndpoint | None:
    """Return the compute of a place."""
    branch = next((one for one in project.branches or () if one.name == place.branch), None)
    return None if branch is None else project.compute_of(branch.id, place.replica)


def live_branch(project: LiveProject, place: FieldOwner, all_of_it: Iterable[RecordedEffect]) -> LiveBranch | None:
    """Return the branch of a place, also where the run has renamed it."""
    names = [place.branch]
    for effect in all_of_it:
        if getattr(effect, "place", None) == place and getattr(effect, "path", "").endswith(RENAMES):
            names = [*map(str, effect.written), *names]  # type: ignore[union-attr]
    return next((one for name in names for one in project.branches or () if one.name == name), None)


def is_back(field: WrittenField, live: Value | MissingObject) -> bool:
    """Return whether the value from before the run is there."""
    return equal(field.path, live, _before(field))


def is_of_run(field: WrittenField, live: Value | MissingObject) -> bool:
    """Return whether the live value is one that the run has written."""
    return any(equal(field.path, live, value) for value in field.written)


def change_back(field: WrittenField, live: Value, now: datetime) -> FieldChange | None:
    """Return the change that puts the value back; None if there was none that a call can state.

    A restore window that was raised less than its earlier length ago takes no history with it: Neon keeps nothing
    from before the raise that the earlier window would not keep.
    """
    before, path = _before(field), field.path
    if before is None and not path.endswith(EXPIRES):
        return None
    if path == compute.PARAMETERS and live is None:
        live = JsonText.of({})
    if field.place.kind != "branch":
        change = changed(path, live, before, at_work=field.place.kind == "compute")
    else:
        change = _of_branch(path, live, before)
    if path == restore_window.PATH and isinstance(before, int) and now - field.at <= timedelta(seconds=before):
        change = replace(change, risk=Risk.SAFE, lowering=False)
    return replace(change, origin=Origin.COMMAND)


def has_passed(expiry: Value, now: datetime) -> bool:
    """Return whether an expiry lies in the past: Neon sets none."""
    return isinstance(expiry, str) and datetime.fromisoformat(expiry) <= now


def _of_branch(path: str, live: Value, before: Value) -> FieldChange:
    thing, _, key = path.rpartition(".")
    if f"{thing.partition('.')[0]}.{key}" in ENTRY_BY_PATH:
        return changed_in_copy(thing, key, live, before)
    return changed(path, live, before)


def _before(field: WrittenField) -> Value:
    if field.before is not None:
        return field.before
    if field.path == compute.PARAMETERS:
        return JsonText.of({})
    known = BY_PATH.get(field.path)
    absent = None if known is None else known.absent
    return None if absent is None or not field.path.startswith(SETTING) else JsonText.of(absent)


def equal(path: str, one: Value | MissingObject, other: Value) -> bool:
    """Return whether two values of a field mean the same."""
    if isinstance(one, JsonText) and isinstance(other, JsonText):
        return not free_form.differs(one.value, other.value)
    if path == compute.PARAMETERS or path.startswith(SETTING):
        values = [None if value is None or value == JsonText.of({}) else value for value in (one, other)]
        return values[0] == values[1]
    return one == other


def other_settings(changes: Iterable[FieldChange], of: LiveEndpoint | None) -> Iterator[tuple[str, Value]]:
    """Yield the settings beside the parameters of a compute, which go with them (``converge.py``)."""
    if of is not None and any(change.path == compute.PARAMETERS for change in changes):
        for name, value in of.other_settings.items():
            yield f"{compute.SETTINGS}{name}", JsonText.of(value)


def purpose(branch: LiveBranch) -> Purpose:
    """Return why a run created the branch."""
    purpose = branch.annotations.get(PURPOSE)
    return next((one for one in Purpose if one.value == purpose), Purpose.DEV_BRANCH)


def branch_path(branch: LiveBranch) -> str:
    """Return the field path of a branch that a run created."""
    if purpose(branch) is Purpose.SNAPSHOT:
        return snapshots.path(branch.name)
    return branches.path(branch.name)
