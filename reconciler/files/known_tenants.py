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
from reconciler.files.digests import blob_id, digest, tree_id
from reconciler.files.disk_marks import KeptFolder
from reconciler.files.tree import WorkTree
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from reconciler.desired.tenant import Tenant
    from reconciler.files.price_list import PriceList
    from reconciler.files.tenant_cache import TenantCache
    from reconciler.files.tree import FolderListing, Tree


@dataclass(slots=True)
class Blobs:
    """The files of one run by the ids that git has for their bytes."""

    _digests: dict[str, bytes] = field(default_factory=dict)
    _rows: list[Collection[bytes]] = field(default_factory=list)
    """Of files on disk whose ids nobody has asked for yet (``disk_marks.row``)."""

    def add(self, blob: str, found: bytes) -> None:
        """Remember the digest of a file."""
        self._digests[blob] = found

    def add_rows(self, rows: Collection[bytes]) -> None:
        """Remember files on disk."""
        self._rows.append(rows)

    def digest(self, blob: str) -> bytes | None:
        """Return the digest of the file; None if this run has not found it."""
        while self._rows:
            rows = self._rows.pop()
            blobs = map(bytes.hex, disk_marks.blobs_in(rows))
            self._digests.update(zip(blobs, disk_marks.digests_in(rows), strict=True))
        return self._digests.get(blob)


@dataclass(slots=True)
class KnownFiles:
    """The files that were read with one tiers.yaml."""

    blobs: Blobs
    """Those of this run, whatever tiers.yaml."""
    stored: TenantCache | None = None
    """Those of earlier runs."""
    price_lists: dict[str, PriceList] = field(default_factory=dict)
    """What tiers.yaml says, by its name in messages."""
    tenants: dict[bytes, Tenant] = field(default_factory=dict)
    """Those of this run, by digest."""
    on_disk: dict[str, bytes] = field(default_factory=dict)
    """The files of this run on disk whose tenants are known, by path (``disk_marks.row``)."""
    alike: dict[bytes, Tenant] = field(default_factory=dict)
    """Tenants of files that were parsed, by what follows their names (``Opening``)."""
    whole: Mapping[str, Tenant] | None = None
    """All tenants of the files on disk, if nothing was found in any file, and each is in ``on_disk``."""

    def seen(self, data: bytes) -> tuple[bytes, str]:
        """Return the digest and the id of a file that was read, remembered for commits that have the same file."""
        found, blob = digest(data), blob_id(data)
        self.blobs.add(blob, found)
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

    def all_unchanged(self, paths: Iterable[str], marks: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the rows of files on disk that need not be read, by path; ``marks`` are those that they have."""
        if self.stored is None:
            return {}
        stored, now = self.stored.on_disk.get, marks.get
        found = {
            path: row
            for path in paths
            if (row := stored(path)) is not None and (mark := now(path)) is not None and row.startswith(mark)
        }
        self.on_disk.update(found)
        self.blobs.add_rows(found.values())
        return found

    def tenants_of(self, rows: Mapping[str, bytes], tree: Tree) -> dict[str, Tenant]:
        """Return the tenants of files with these rows, by path, as far as they are known."""
        digests = dict(zip(rows, disk_marks.digests_in(rows.values()), strict=True))
        known = self.tenants
        if self.stored is not None:
            known |= self.stored.all_tenants(
                ((found, path) for path, found in digests.items() if found not in known), tree.name
            )
        return {
            path: tenant if tenant.files == (path,) else _in_another_place(tenant, path, tree)
            for path, found in digests.items()
            if (tenant := known.get(found)) is not None
        }

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
        return known if known.files == (path,) else _in_another_place(known, path, tree)

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

    def save_tenants(self, looked_at_ns: int, folders: Callable[[], Mapping[str, KeptFolder]]) -> None:
        """Keep tenants that are new for later runs. ``looked_at_ns`` is before a file was read; ``folders`` says
        what git has for the folders on disk.
        """
        if self.stored is not None:
            self.stored.save_tenants(self.tenants)
            self.stored.save_on_disk(self.on_disk, looked_at_ns, folders)

    def kept_id(self, folder: str, files: Sequence[str]) -> str | None:
        """Return the id that git has for a folder with these files, if each is as an earlier run has found it."""
        if self.stored is None or (kept := self.stored.kept_folder(folder)) is None or kept.files != len(files):
            return None
        stored, now = self.stored.on_disk.get, self.on_disk.get
        return kept.id if all((row := now(path)) is not None and stored(path) == row for path in files) else None


def _in_another_place(tenant: Tenant, path: str, tree: Tree) -> Tenant:
    return replace(tenant, location=replace(tenant.location, file=tree.name(path)), files=(path,))


@dataclass(slots=True)
class KnownTenants:
    """All of one run: give it to several loads of the same fleet."""

    caches: Callable[[bytes], TenantCache | None] = lambda _: None
    """The cache for the bytes of a tiers.yaml, if there is one."""
    complete: bool = True
    """Whether the run reads all tenants: what it read of a few only would replace what is kept of all."""
    _blobs: Blobs = field(default_factory=Blobs)
    _files: dict[str, KnownFiles] = field(default_factory=dict)
    """By the digest of a tiers.yaml."""
    _trees: dict[Path, WorkTree] = field(default_factory=dict)
    _folder_ids: dict[tuple[Path, str], str] = field(default_factory=dict)
    """Those that git has for the folders on disk."""
    _began_ns: int = field(default_factory=time.time_ns)

    def tree(self, root: Path) -> WorkTree:
        """Return the files of a folder on disk, as this run has found them."""
        return self._trees.setdefault(root, WorkTree(root, {}))

    def blobs(self) -> dict[str, bytes]:
        """Return the ids that git has for the files on disk as this run has found them, by path."""
        found: dict[str, bytes] = {}
        for known in self._files.values():
            found.update(zip(known.on_disk, disk_marks.blobs_in(known.on_disk.values()), strict=True))
        return found

    def folder_id(self, root: Path, folder: str) -> str | None:
        """Return the id that git gives to a folder on disk with the files that this run has found in it.

        None where that cannot be said of what is known: of folders with links, or with files that are executable
        or hidden, or whose tenants are not known.
        """
        key = (root, folder)
        if key not in self._folder_ids:
            listing = self.tree(root).listing(folder)
            found = None if listing.problems else self._computed_id(folder, listing.files)
            if found is None:
                return None
            self._folder_ids[key] = found
        return self._folder_ids[key]

    def _computed_id(self, folder: str, files: Sequence[str]) -> str | None:
        return self._kept_id(folder, files) or tree_id(folder, files, self.blobs())

    def _kept_id(self, folder: str, files: Sequence[str]) -> str | None:
        kept = (known.kept_id(folder, files) for known in self._files.values())
        return next(filter(None, kept), None)

    def same_listing(self, folder: str, id_: str | None) -> FolderListing | None:
        """Return the files of a folder on disk, if it has just those of git's folder with this id."""
        for root, tree in self._trees.items() if id_ is not None else ():
            if folder in tree.listed() and self.folder_id(root, folder) == id_:
                return tree.listing(folder)
        return None

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
        self._note_kept_ids()
        for known in self._files.values():
            known.save_tenants(self._began_ns, self._folders)
            if known.stored is not None:
                known.stored.forget_on_disk()
        for tree in self._trees.values():
            tree.forget_marks()

    def _note_kept_ids(self) -> None:
        """Remember the ids of folders that are as an earlier run found them, before their files are forgotten."""
        for root, tree in self._trees.items():
            for folder, listing in tree.listed().items():
                if not listing.problems and (found := self._kept_id(folder, listing.files)) is not None:
                    self._folder_ids[root, folder] = found

    def _folders(self) -> dict[str, KeptFolder]:
        """Return what git has for the folders on disk."""
        listed = (
            (root, folder, one) for root, tree in self._trees.items() for folder, one in tree.listed().items()
        )
        ids = ((folder, self.folder_id(root, folder), len(one.files)) for root, folder, one in listed)
        return {folder: KeptFolder(found, files) for folder, found, files in ids if found is not None}
