"""Tenants as rows of the cache, and back. What several files say is kept once, and becomes one object again."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct, field

from reconciler.desired.tenant import Tenant
from reconciler.files.packed_values import built
from reconciler.files.packed_values import packed as pack
from reconciler.model.problem import Location
from reconciler.model.values import defaults

if TYPE_CHECKING:
    from collections.abc import Iterable

_BY_ITSELF: Final = frozenset({"name", "tier", "location", "labels", "overrides", "files"})
_REST: Final = {name: default for name, default in defaults(Tenant).items() if name not in _BY_ITSELF}


class TenantRow(msgspec.Struct, array_like=True):
    """A tenant, as far as it differs from others of which the files say the same."""

    name: str
    line: int
    column: int
    like: int
    """The number of what the file says."""


class TenantRows(msgspec.Struct, array_like=True):
    """The rows of tenants by the digests of their files, and what their files say, each kept once."""

    by_digest: dict[bytes, TenantRow]
    said: list[msgspec.Raw]


class _Said(msgspec.Struct, array_like=True):
    tier: str
    labels: bytes
    overrides: bytes
    rest: dict[str, Any]
    """The other fields that the file states."""


class PackedTenants(Struct):
    """Rows to write."""

    rows: dict[bytes, TenantRow] = field(default_factory=dict)
    _numbers: dict[bytes, int] = field(default_factory=dict)
    """Of what files say."""

    def add(self, digest: bytes, tenant: Tenant) -> None:
        """Add a tenant, unless it has a value that a row cannot hold, such as a very large number."""
        try:
            said = _Said(
                tenant.tier,
                msgspec.msgpack.encode(pack(dict(tenant.labels))),
                msgspec.msgpack.encode(pack(tenant.overrides)),
                {
                    name: pack(value)
                    for name, default in _REST.items()
                    if (value := getattr(tenant, name)) != default
                },
            )
            number = self._number(msgspec.msgpack.encode(said))
        except (KeyError, TypeError, OverflowError, msgspec.MsgspecError):
            return
        self.rows[digest] = TenantRow(tenant.name, tenant.location.line, tenant.location.column, number)

    def add_rows(self, digests: Iterable[bytes], rows: TenantRows) -> None:
        """Add rows that were read."""
        numbers: dict[int, int] = {}
        for digest in digests:
            row = rows.by_digest[digest]
            if (number := numbers.get(row.like)) is None:
                number = numbers[row.like] = self._number(bytes(rows.said[row.like]))
            self.rows[digest] = TenantRow(row.name, row.line, row.column, number)

    def _number(self, said: bytes) -> int:
        return self._numbers.setdefault(said, len(self._numbers))

    def packed(self) -> TenantRows:
        """Return what was added."""
        return TenantRows(self.rows, [msgspec.Raw(said) for said in self._numbers])


class Rebuilding(Struct):
    """Tenants from rows."""

    rows: TenantRows
    _built: dict[int, tuple[str, Any, Any, dict[str, Any]]] = field(default_factory=dict)
    _shared: dict[bytes, Any] = field(default_factory=dict)

    def tenant(self, row: TenantRow, path: str, file: str) -> Tenant:
        """Return the tenant of a row. Raises MsgspecError, LookupError, TypeError or ValueError for others."""
        tier, labels, overrides, rest = self._built.get(row.like) or self._said(row.like)
        place = Location(file, row.line, row.column)
        return Tenant(row.name, tier, place, labels, overrides, files=(path,), **rest)

    def _said(self, number: int) -> tuple[str, Any, Any, dict[str, Any]]:
        stored = _SAID.decode(self.rows.said[number])
        rest = {name: built(value) for name, value in stored.rest.items()}
        found = (intern(stored.tier), self._one(stored.labels), self._one(stored.overrides), rest)
        self._built[number] = found
        return found

    def _one(self, data: bytes) -> Any:
        found = self._shared.get(data)
        if found is None:
            found = self._shared[data] = built(msgspec.msgpack.decode(data))
        return found


_SAID: Final = msgspec.msgpack.Decoder(_Said)
