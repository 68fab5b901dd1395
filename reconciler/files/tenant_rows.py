"""A tenant as a row of the cache, and back. Equal labels and overrides become one object again."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from sys import intern
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.desired.tenant import Accepted, Boost, DevBranch, Hold, Overrides, Pins, Snapshot, Step, Tenant
from reconciler.desired.tier import Occasion
from reconciler.model.compute import Compute
from reconciler.model.database import Database
from reconciler.model.problem import Location
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_AS_THEY_ARE: Final = frozenset({type(None), bool, int, float, str})
_PARTS: Final[dict[type, tuple[int, Callable[[Any], Iterable[Any]]]]] = {
    tuple: (0, iter),
    list: (1, iter),
    date: (2, lambda day: [day.isoformat()]),
    datetime: (3, lambda moment: [moment.isoformat()]),
    Occasion: (4, lambda occasion: [occasion.value]),
}
"""The code of each other type, and what it consists of."""
_BUILDERS: Final[tuple[Callable[[list[Any]], Any], ...]] = (
    tuple,
    list,
    lambda parts: date.fromisoformat(*parts),
    lambda parts: datetime.fromisoformat(*parts),
    lambda parts: Occasion(*parts),
)
"""The reverse, by code."""
_TYPES: Final[tuple[type, ...]] = (
    Overrides,
    Snapshot,
    DevBranch,
    Compute,
    Database,
    Pins,
    Accepted,
    Step,
    Boost,
    Hold,
    JsonText,
)
"""Appended to only: a type is stored as its place."""
_FIRST: Final = len(_BUILDERS)
_CODES: Final = {kind: _FIRST + number for number, kind in enumerate(_TYPES)}
_BY_ITSELF: Final = frozenset({"name", "tier", "location", "labels", "overrides", "files"})
_REST: Final = tuple(one for one in fields(Tenant) if one.name not in _BY_ITSELF)


class _Row(msgspec.Struct, array_like=True):
    name: str
    tier: str
    line: int
    column: int
    labels: bytes
    overrides: bytes
    rest: dict[str, Any]
    """The other fields that the file states."""


def packed(tenant: Tenant) -> msgspec.Raw | None:
    """Return the row of a tenant; None if it has a value that a row cannot hold, such as a very large number."""
    try:
        row = _Row(
            tenant.name,
            tenant.tier,
            tenant.location.line,
            tenant.location.column,
            msgspec.msgpack.encode(_packed(dict(tenant.labels))),
            msgspec.msgpack.encode(_packed(tenant.overrides)),
            {one.name: _packed(value) for one in _REST if (value := getattr(tenant, one.name)) != one.default},
        )
        return msgspec.Raw(msgspec.msgpack.encode(row))
    except (KeyError, TypeError, OverflowError, msgspec.MsgspecError):
        return None


def _packed(value: Any) -> Any:
    kind = value.__class__
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        return {key: _packed(member) for key, member in value.items()}
    if kind in _CODES:
        stated = {one.name: _packed(getattr(value, one.name)) for one in fields(value) if _is_stated(value, one)}
        return [_CODES[kind], stated]
    code, parts = _PARTS[kind]
    return [code, *map(_packed, parts(value))]


def _is_stated(value: Any, one: Any) -> bool:
    return one.default is MISSING or getattr(value, one.name) != one.default


@dataclass(slots=True)
class Rebuilding:
    """Tenants from rows."""

    _shared: dict[bytes, Any] = field(default_factory=dict)

    def tenant(self, row: msgspec.Raw, path: str, file: str) -> Tenant:
        """Return the tenant of a row. Raises MsgspecError, LookupError, TypeError or ValueError for others."""
        stored = _ROWS.decode(row)
        return Tenant(
            stored.name,
            intern(stored.tier),
            Location(file, stored.line, stored.column),
            self._one(stored.labels),
            self._one(stored.overrides),
            files=(path,),
            **{name: _built(value) for name, value in stored.rest.items()},
        )

    def _one(self, data: bytes) -> Any:
        found = self._shared.get(data)
        if found is None:
            found = self._shared[data] = _built(msgspec.msgpack.decode(data))
        return found


_ROWS: Final = msgspec.msgpack.Decoder(_Row)


def _built(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _built(member) for key, member in value.items()}
    if not isinstance(value, list):
        return value
    code, *members = value
    if code >= _FIRST:
        return _TYPES[code - _FIRST](**_built(members[0]))
    return _BUILDERS[code](list(map(_built, members)))
