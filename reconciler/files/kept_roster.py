"""All tenants of a fleet as an earlier run has found them, in columns: few are built by a run about a few."""

from __future__ import annotations

from struct import Struct as Layout
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.desired.roster import Unbuilt
from reconciler.desired.tenant import not_plain
from reconciler.files import disk_marks
from reconciler.files.tenant_rows import Rebuilding, TenantRow, TenantRows
from reconciler.files.tree import BETWEEN, names_in

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from reconciler.desired.tenant import Tenant

_ROW: Final = Layout("<III")
"""The line and the column of a tenant's name, and the number of what its file says."""


class KeptRoster(msgspec.Struct, array_like=True, frozen=True):
    """Tenants of whose files each has one, with nothing found in any, sorted by name."""

    run: bytes
    """Which run it was (``KeptScans``)."""
    names: str
    """Joined (``names_in``), as the files are."""
    files: str
    rows: bytes
    said: list[msgspec.Raw]
    """As in ``TenantRows``."""
    special: list[int]
    """The numbers of tenants that are not plain, in the order of names; those below are, too."""
    protected: list[int]
    revised: list[int]

    def unbuilt(self, name: Callable[[str], str]) -> Unbuilt:
        """Return the tenants; ``name`` returns the name of a file in messages."""
        rebuilding, names, files = Rebuilding(TenantRows({}, self.said)), names_in(self.names), list[str]()

        def paths() -> list[str]:
            if not files:
                files.extend(names_in(self.files))
            return files

        def build(number: int) -> Tenant:
            row, path = TenantRow(names[number], *_ROW.unpack_from(self.rows, number * _ROW.size)), paths()[number]
            return rebuilding.tenant(row, path, name(path))

        return Unbuilt(
            names, build, files=paths, special=self.special, protected=self.protected, revised=self.revised
        )


def kept_roster(run: bytes, files: Mapping[str, bytes], known: TenantRows) -> KeptRoster | None:
    """Return what to keep of the files with these rows (``disk_marks.row``), in the order of the tenants' names.

    None where the tenant of one is not among the ``known`` ones.
    """
    found = [known.by_digest.get(digest) for digest in disk_marks.digests_in(files.values())]
    rows = [row for row in found if row is not None]
    names = [row.name for row in rows]
    if len(rows) < len(found) or names != sorted({*names}):
        return None
    rebuilding = Rebuilding(known)
    alike = {row.like: rebuilding.tenant(row, "", "") for row in rows}
    return KeptRoster(
        run,
        BETWEEN.join(names),
        BETWEEN.join(files),
        b"".join(_ROW.pack(row.line, row.column, row.like) for row in rows),
        known.said,
        *(_those(rows, {like for like, one in alike.items() if counts(one)}) for counts in _COLUMNS),
    )


def _those(rows: Iterable[TenantRow], alike: Container[int]) -> list[int]:
    return [number for number, row in enumerate(rows) if row.like in alike]


def _is_special(tenant: Tenant) -> bool:
    return bool(not_plain([tenant]))


def _is_protected(tenant: Tenant) -> bool:
    return tenant.protect


def _is_revised(tenant: Tenant) -> bool:
    return tenant.revision is not None


_COLUMNS: Final = (_is_special, _is_protected, _is_revised)
