"""Project settings (``settings:``): those of the table of fields, and what else Neon has (``unchecked``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.fields.table import BY_PATH
from reconciler.model.values import JsonText
from reconciler.plan.concerns.concern import Concern, Fields, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Json
    from reconciler.plan.change import FieldChange


def wanted(settings: Settings) -> Fields:
    """One field for each top-level key that the files state."""
    return {_path(key): JsonText.of(value) for key, value in sorted(settings.settings.items())}


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Keys of which a stated part differs; parts that the files leave out are kept as they are."""
    live = project.settings or {}
    for key, value in sorted(settings.settings.items()):
        before = live.get(key)
        in_effect = _in_effect(key, before)
        if differs(in_effect, merge(in_effect, value)):
            after = merge(before, value)
            yield changed(_path(key), None if before is None else JsonText.of(before), JsonText.of(after))


def _in_effect(key: str, live: Json) -> Json:
    """The live value; without one, Neon's default, if the table of fields states it."""
    field = BY_PATH.get(_path(key))
    return field.absent if live is None and field is not None else live


def merge(live: Json, stated: Json) -> Json:
    """The live value with the stated members in their place; anything but a mapping is replaced whole."""
    if not isinstance(live, dict) or not isinstance(stated, dict):
        return stated
    return {**live, **{key: merge(live.get(key), value) for key, value in stated.items()}}


def differs(before: Json, after: Json) -> bool:
    """Whether two values mean something else. The order of a list means nothing: Neon's lists are sets."""
    if before == after:
        return False
    return _digest(before) != _digest(after)


def _digest(value: Json) -> str:
    """The same for values that mean the same, in work proportional to their size (DeepDiff's is not)."""
    from deepdiff import DeepHash  # noqa: PLC0415 - a quarter second to import, needed for few plans

    wrapped = [value]  # what is hashable is looked up by its value, whatever its type
    digest: str = DeepHash(wrapped, ignore_private_variables=False)[wrapped]
    return digest


def _path(key: str) -> str:
    return f"settings.{key}"


FREE_FORM = Concern("settings", wanted, changes)
