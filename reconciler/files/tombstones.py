"""When tombstones were written: the time of the first commit from which on a file declares its tenant absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.files.declared_since import Declaration, declared_since
from reconciler.plan.tombstones import Tombstones

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.desired.tenant import Tenant


def tombstones(root: Path, files: Mapping[str, tuple[str, ...]]) -> Tombstones:
    """Return which of these tenants HEAD declares absent, and since when. ``files`` are the paths below ``root``
    that declare each tenant.
    """
    found = declared_since(root, {name: Declaration(name, paths, _is_absent) for name, paths in files.items()})
    return Tombstones(found.began, found.newest, found.uncovered)


def _is_absent(tenant: Tenant) -> bool:
    return tenant.absent
