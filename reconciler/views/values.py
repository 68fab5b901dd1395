"""How fields and their values are worded for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import takewhile, zip_longest
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.units import NEVER, UNLIMITED, format_bytes, format_cu, format_seconds
from reconciler.live.project import NEVER_SUSPEND
from reconciler.plan.change import JsonText
from reconciler.views.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.live.project import Json
    from reconciler.plan.change import FieldChange, Value

NOT_SET: Final = "not set"

_UNITS: Final = ("_bytes", "_seconds")


def label(path: str) -> str:
    """The field's name for people, who see its unit at the value: ``quota.data_transfer``."""
    for unit in _UNITS:
        path = path.removesuffix(unit)
    return printable(path)


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
            return printable(value)
        case _:
            return printable(value.text)


def _number(path: str, value: float) -> str:
    if value == 0 and path.startswith("quota."):
        return UNLIMITED
    if path.endswith("suspend_timeout_seconds") and value == NEVER_SUSPEND:
        return NEVER
    if path.endswith("_cu"):
        return f"{format_cu(value)} CU"
    if path.endswith("_bytes"):
        return format_bytes(int(value))
    if path.endswith("_seconds"):
        return format_seconds(int(value))
    return str(value)


def new_values(values: Iterable[FieldChange]) -> Mapping[str, list[str]]:
    """What a new thing gets, in groups: ``{"quota": ["active_time 100h", "data_transfer 5GiB"]}``."""
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


@dataclass(frozen=True, slots=True)
class Difference:
    """One item of a structured value that differs; texts are ready to print."""

    edit: Edit
    item: str
    """Where it stands inside the value: ``ips[1]``."""
    before: str
    after: str


_ABSENT: Final = object()
"""Of a member that one of two values does not have; null is a value."""


def differences(before: Value, after: Value) -> tuple[Difference, ...]:
    """Item by item, what differs between two structured values; empty where either is none."""
    if not (isinstance(before, JsonText) and isinstance(after, JsonText)):
        return ()
    old, new = before.value, after.value
    if type(old) is not type(new) or not isinstance(old, dict | list):
        return ()
    return tuple(sorted(_compare(old, new), key=lambda difference: (difference.item, difference.edit.value)))


def _compare(old: Json, new: Json, item: str = "") -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _compare_one(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{item}.{printable(key)}")
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(old, new, item)
    elif old != new or type(old) is not type(new):
        yield Difference(Edit.CHANGED, item.removeprefix("."), _json(old), _json(new))


def _compare_lists(old: list[Json], new: list[Json], item: str) -> Iterator[Difference]:
    """Place by place between what both begin with and what both end with."""
    same = sum(1 for _ in takewhile(_alike, zip(old, new, strict=False)))
    rest = zip(old[same:][::-1], new[same:][::-1], strict=False)
    ending = sum(1 for _ in takewhile(_alike, rest))
    before, after = old[same : len(old) - ending], new[same : len(new) - ending]
    for place, (one, other) in enumerate(zip_longest(before, after, fillvalue=_ABSENT), start=same):
        yield from _compare_one(one, other, f"{item}[{place}]")


def _compare_one(old: Any, new: Any, item: str) -> Iterator[Difference]:
    if old is _ABSENT:
        yield Difference(Edit.ADDED, item.removeprefix("."), "", _json(new))
    elif new is _ABSENT:
        yield Difference(Edit.REMOVED, item.removeprefix("."), _json(old), "")
    else:
        yield from _compare(old, new, item)


def _alike(pair: tuple[Json, Json]) -> bool:
    return pair[0] == pair[1]


def _json(value: Json) -> str:
    return printable(JsonText.of(value).text)
