"""The words for fields and their values."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import field_of, unit_of
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.model.values import Json, Value
    from reconciler.plan.change import FieldChange

NOT_SET: Final = "not set"


def label(path: str) -> str:
    """The field's name for people, who see its unit at the value: ``quota.data_transfer``."""
    unit = unit_of(path)
    return path if unit is Unit.CU else path.removesuffix(unit.value)


def worded(path: str, value: Value) -> str:
    """The value with its unit: ``5GiB``, ``7d``, ``2 CU``, ``unlimited``, ``never``, ``not set``."""
    match value:
        case None:
            return NOT_SET
        case bool():
            return str(value).lower()
        case int() | float():
            return _number(path, value)
        case str():
            return value
        case _:
            return value.text


def _number(path: str, value: float) -> str:
    field = field_of(path)
    return unit_of(path).worded(value) if field is None else field.worded(value)


def new_values(values: Iterable[FieldChange]) -> Mapping[str, list[str]]:
    """The values of a new object, in groups: ``{"quota": ["active_time 100h", "data_transfer 5GiB"]}``."""
    groups: dict[str, list[str]] = {}
    for value in values:
        group, _, member = label(value.path).rpartition(".")
        groups.setdefault(group or "project", []).append(f"{member} {worded(value.path, value.after)}")
    return groups


class Edit(Enum):
    """What happened to one item of a structured value."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


class ItemDifference(Struct, frozen=True):
    """One item of a structured value that differs."""

    edit: Edit
    item: str
    """Where it stands inside the value: ``ips[1]``."""
    before: str
    after: str


_LONG: Final = 10_000
"""Characters of a value from which on its lists are compared place by place."""


def differences(before: Value, after: Value) -> tuple[ItemDifference, ...]:
    """The differences of two structured values, item by item; empty if one of them is not structured."""
    if not (isinstance(before, JsonText) and isinstance(after, JsonText)):
        return ()
    old, new = before.value, after.value
    if type(old) is not type(new) or not isinstance(old, dict | list):
        return ()
    return tuple(sorted(_compare(old, new), key=lambda difference: (difference.item, difference.edit.value)))


def _compare(old: Json, new: Json) -> Iterator[ItemDifference]:
    from deepdiff import DeepDiff  # noqa: PLC0415  (slow to import, and most plans hold no structured value)

    differing = DeepDiff(
        old,
        new,
        view="tree",
        verbose_level=2,
        ignore_private_variables=False,
        zip_ordered_iterables=len(_json(old)) > _LONG,  # aligning long lists takes work as the square of them
    )
    for kind, found in differing.items():
        for one in found:
            edit = _edit(kind)
            yield ItemDifference(
                edit=edit,
                item=_item(one.path(output_format="list")),
                before="" if edit is Edit.ADDED else _json(one.t1),
                after="" if edit is Edit.REMOVED else _json(one.t2),
            )


def _edit(kind: str) -> Edit:
    if kind.endswith("_added"):
        return Edit.ADDED
    return Edit.REMOVED if kind.endswith("_removed") else Edit.CHANGED


def _item(path: list[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _json(value: Json) -> str:
    return JsonText.of(value).text
