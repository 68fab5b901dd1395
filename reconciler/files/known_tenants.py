"""Tenants and price lists that were read before, by the bytes of their files: what has not changed is not parsed.

Known is a file with one tenant and without a finding, and a tiers.yaml without one. What it says follows from its
bytes, tiers.yaml and the program alone: no repository can make another file mean something else.
``tenant_cache.py`` keeps both for later.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.files import disk_marks
from reconciler.files.digests import blob_id, digest
from reconciler.files.tree import WorkTree
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.desired.tenant import Tenant
    from reconciler.files.price_list import PriceList
    from reconciler.files.tenant_cache import TenantCache
    from reconciler.files.tree import Tree


@dataclass(slots=True)
class KnownFiles:
    """The files that were read with one tiers.yaml."""

    blobs: dict[str, bytes]
    """The digest of each file of this run, by the id that git has for its bytes."""
    stored: TenantCache | None = None
    """Those of earlier runs."""
    price_lists: dict[str, PriceList] = field(default_factory=dict)
    """What tiers.yaml says, by its name in messages."""
    tenants: dict[bytes, Tenant] = field(default_factory=dict)
    """Those of this run, by digest."""
    on_disk: dict[str, bytes] = field(default_factory=dict)
    """The files of this run on disk whose tenants are known, by path (``disk_marks.row``)."""

    def seen(self, data: bytes) -> tuple[bytes, str]:
        """Return the digest and the id of a file that was read, remembered for commits that have the same file."""
        found, blob = digest(data), blob_id(data)
        self.blobs[blob] = found
        return found, blob

    def unchanged(self, path: str, marks: bytes) -> bytes | None:
        """Return the row of a file on disk that need not be read; ``marks`` are those that it has now."""
        if self.stored is None:
            return None
        row = self.stored.on_disk.get(path)
        if row is None or not row.startswith(marks):
            return None
        self.on_disk[path] = row
        return row

    def tenant(self, found: bytes, path: str, tree: Tree) -> Tenant | None:
        """Return the tenant of the file with this digest, at this path in a tree."""
        known = self.tenants.get(found)
        if known is None:
            if self.stored is None:
                return None
            known = self.stored.tenant(found, path, tree.name(path))
            if known is None:
                return None
            self.tenants[found] = known
        if known.files != (path,):
            return replace(known, location=replace(known.location, file=tree.name(path)), files=(path,))
        return known

    def prices(self, name: str) -> PriceList | None:
        """Return what tiers.yaml says; None if it is not known."""
        found = self.price_lists.get(name)
        if found is None and self.stored is not None and (found := self.stored.prices(name)) is not None:
            self.price_lists[name] = found
        return found

    def save_prices(self) -> None:
        """Keep what tiers.yaml says for later runs."""
        if self.stored is not None:
            self.stored.save_prices(self.price_lists)

    def save_tenants(self, looked_at_ns: int) -> None:
        """Keep tenants that are new for later runs. ``looked_at_ns`` is before a file was read."""
        if self.stored is not None:
            self.stored.save_tenants(self.tenants)
            self.stored.save_on_disk(self.on_disk, looked_at_ns)


@dataclass(slots=True)
class KnownTenants:
    """All of one run: give it to several loads of the same fleet."""

    caches: Callable[[bytes], TenantCache | None] = lambda _: None
    """The cache for the bytes of a tiers.yaml, if there is one."""
    complete: bool = True
    """Whether the run reads all tenants: what it read of a few only would replace what is kept of all."""
    _blobs: dict[str, bytes] = field(default_factory=dict)
    _files: dict[str, KnownFiles] = field(default_factory=dict)
    """By the digest of a tiers.yaml."""
    _trees: dict[Path, WorkTree] = field(default_factory=dict)
    _began_ns: int = field(default_factory=time.time_ns)

    def tree(self, root: Path) -> WorkTree:
        """Return the files of a folder on disk, as this run has found them."""
        return self._trees.setdefault(root, WorkTree(root, {}))

    def blobs(self) -> dict[str, bytes]:
        """Return the ids that git has for the files on disk as this run has found them, by path."""
        read = (one for known in self._files.values() for one in known.on_disk.items())
        return {path: disk_marks.blob_in(row) for path, row in read}

    def under(self, prices: PriceList) -> KnownFiles | None:
        """Return those that were read with this price list; None if its schema rejects it.

        tiers.yaml is not read again for it: tenants that are checked with an earlier one would be kept for what
        the file says now.
        """
        return self._files.get(prices.digest)

    def _of(self, prices: bytes) -> KnownFiles:
        key = digest(prices).hex()
        if key not in self._files:
            self._files[key] = KnownFiles(self._blobs, self.caches(prices))
        return self._files[key]

    def prices(self, data: bytes, name: str) -> PriceList | None:
        """Return what these bytes of tiers.yaml say, under its name in messages; None if they are not known."""
        return self._of(data).prices(name)

    def keep_prices(self, data: bytes, name: str, found: PriceList) -> None:
        """Remember what they say, if nothing is wrong with them."""
        if found.fleet is not None and not found.problems:
            self._of(data).price_lists[name] = found

    def save(self) -> None:
        """Keep what is new for later runs, and forget what only reading the files on disk needs."""
        for known in self._files.values():
            known.save_prices()
        if self.complete:
            self._save_tenants()

    def _save_tenants(self) -> None:
        for known in self._files.values():
            known.save_tenants(self._began_ns)
            if known.stored is not None:
                known.stored.forget_on_disk()
        for tree in self._trees.values():
            tree.forget_marks()
