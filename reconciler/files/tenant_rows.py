"""A tenant as a row of the cache, and back. Equal labels and overrides become one object again."""

from __future__ import annotations

from dataclasses import dataclass, field
from sys import intern
from typing import Any, Final

import msgspec

from reconciler.desired.tenant import Tenant
from reconciler.files.packed_values import built
from reconciler.files.packed_values import packed as pack
from reconciler.model.problem import Location
from reconciler.model.values import defaults

_BY_ITSELF: Final = frozenset({"name", "tier", "location", "labels", "overrides", "files"})
_REST: Final = {name: default for name, default in defaults(Tenant).items() if name not in _BY_ITSELF}


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
            msgspec.msgpack.encode(pack(dict(tenant.labels))),
            msgspec.msgpack.encode(pack(tenant.overrides)),
            {name: pack(value) for name, default in _REST.items() if (value := getattr(tenant, name)) != default},
        )
        return msgspec.Raw(msgspec.msgpack.encode(row))
    except (KeyError, TypeError, OverflowError, msgspec.MsgspecError):
        return None


@dataclass(slots=True)
class Rebuilding:
    """Tenants from rows."""

    _shared: dict[bytes, Any] = field(default_factory=dict)

    def tenant(self, row: msgspec.Raw, path: str, file: str) -> Tenant:
        """Return the tenant of a row. Raises MsgspecError, LookupError, TypeError or ValueError for others."""
        stored = _ROWS.decode(row)
        rest = {name: built(value) for name, value in stored.rest.items()} if stored.rest else stored.rest
        return Tenant(
            stored.name,
            intern(stored.tier),
            Location(file, stored.line, stored.column),
            self._one(stored.labels),
            self._one(stored.overrides),
            files=(path,),
            **rest,
        )

    def _one(self, data: bytes) -> Any:
        found = self._shared.get(data)
        if found is None:
            found = self._shared[data] = built(msgspec.msgpack.decode(data))
        return found


_ROWS: Final = msgspec.msgpack.Decoder(_Row)
