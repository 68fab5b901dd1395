"""Tenants that were read before, by the bytes of their files: a file that has not changed is not parsed again.

Known is a file with one tenant and without a finding. What it says follows from its bytes, tiers.yaml and the
program alone: no repository can make another file mean something else. ``tenant_cache.py`` keeps them for later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from reconciler.files.digests import blob_id, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.desired.tenant import Tenant
    from reconciler.files.tenant_cache import TenantCache

FEWEST: Final = 500
"""Files from which on a cache pays."""


@dataclass(slots=True)
class KnownFiles:
    """The files that were read with one tiers.yaml."""

    blobs: dict[str, bytes]
    """The digest of each file of this run, by the id that git has for its bytes."""
    stored: TenantCache | None = None
    """Those of earlier runs."""
    tenants: dict[bytes, Tenant] = field(default_factory=dict)
    """Those of this run, by digest."""

    def seen(self, data: bytes) -> bytes:
        """Return the digest of a file that was read, and remember it for commits that have the same file."""
        found = digest(data)
        self.blobs[blob_id(data)] = found
        return found

    def tenant(self, found: bytes, path: str, file: str) -> Tenant | None:
        """Return the tenant of the file with this digest, at this path (``file``: as the user would type it)."""
        known = self.tenants.get(found)
        if known is None and self.stored is not None:
            known = self.stored.tenant(found, path, file)
        if known is None:
            return None
        if known.files != (path,):
            known = replace(known, location=replace(known.location, file=file), files=(path,))
        self.tenants.setdefault(found, known)
        return known


@dataclass(slots=True)
class KnownTenants:
    """All of one run: give it to several loads of the same fleet."""

    caches: Callable[[bytes], TenantCache | None] = lambda _: None
    """The cache for the bytes of a tiers.yaml, if there is one."""
    _blobs: dict[str, bytes] = field(default_factory=dict)
    _files: dict[bytes, KnownFiles] = field(default_factory=dict)

    def under(self, prices: bytes, files: int) -> KnownFiles:
        """Return those that were read with this tiers.yaml; ``files`` is how many are to be read."""
        key = digest(prices)
        if key not in self._files:
            self._files[key] = KnownFiles(self._blobs, self.caches(prices) if files >= FEWEST else None)
        return self._files[key]

    def save(self) -> None:
        """Keep what is new for later runs."""
        for known in self._files.values():
            if known.stored is not None:
                known.stored.save(known.tenants)
