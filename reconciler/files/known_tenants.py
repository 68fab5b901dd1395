"""Tenants and price lists that were read before, by the bytes of their files: what has not changed is not parsed.

Known is a file with one tenant and without a finding, and a tiers.yaml without one. What it says follows from its
bytes, tiers.yaml and the program alone: no repository can make another file mean something else.
``tenant_cache.py`` keeps both for later.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from reconciler.desired.roster import Roster
from reconciler.files import disk_marks
from reconciler.files.digests import (
    Apart,
    FoldersOnDisk,
    at_any_depth,
    blob_id,
    by_folder,
    digest,
    tree_ids,
    with_folders_between,
)
from reconciler.files.disk_marks import KeptFolder
from reconciler.files.kept_scans import FilesInCommit, SinceKept
from reconciler.files.tree import FolderListing, WorkTree, stem_of
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as Names
    from pathlib import Path

    from reconciler.desired.roster import Unbuilt
    from reconciler.desired.tenant import Tenant
    from reconciler.files.alike import Alike
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.kept_roster import KeptRoster
    from reconciler.files.kept_scans import KeptScan
    from reconciler.files.price_list import PriceList
    from reconciler.files.tenant_cache import TenantCache
    from reconciler.files.tree import Scan, Tree


class Blobs(Struct):
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


MOST_OTHERS: Final = 2
"""Where more than one file in so many is another than before, nothing is built of what was."""


class KeptFleet(NamedTuple):
    """All tenants of the files on disk at an earlier time, of which nothing was found in any."""

    tenants: Mapping[str, Tenant]
    """By name, sorted."""
    ids: Mapping[str, str]
    """Those that git has for the folders with the files."""
    elsewhere: Sequence[str]
    """The files that are not on disk as they were."""


class KnownFiles(Struct):
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
    alike: Alike | None = None
    """Those that this run has parsed, for files that say the same."""
    whole: Mapping[str, Tenant] | None = None
    """All tenants of the files on disk, if nothing was found in any file, and each is in ``on_disk``; of a
    ``Roster``, those that are not as they were kept.
    """
    before: KeptFleet | None = None
    """What an earlier run has found on disk, in whichever way the files are others now."""
    _unbuilt: tuple[KeptRoster, Unbuilt] | None = None

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
        here = known.files == (path,) and (isinstance(tree, WorkTree) or self._is_on_disk(found, path))
        return known if here else _in_another_place(known, path, tree)

    def _is_on_disk(self, found: bytes, path: str) -> bool:
        row = self.on_disk.get(path)
        return row is not None and disk_marks.digest_in(row) == found

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

    def save_tenants(
        self, looked_at_ns: int, folders: Callable[[], Mapping[str, KeptFolder]], scans: Mapping[str, Scan]
    ) -> None:
        """Keep tenants that are new for later runs. ``looked_at_ns`` is before a file was read; ``folders`` says
        what git has for the folders on disk, and ``scans`` has what is below each.
        """
        if self.stored is not None:
            self.stored.save_tenants(self.tenants)
            whole = self.whole is not None and len(self.whole) == len(self.on_disk)
            self.stored.save_on_disk(self.on_disk, looked_at_ns, folders, scans, whole=whole)

    def kept_scan(self, folder: str) -> KeptScan | None:
        """Return what an earlier run has found below a folder."""
        return None if self.stored is None else self.stored.kept_scan(folder)

    def as_before(self, tree: WorkTree, folders: Iterable[str]) -> tuple[Mapping[str, Tenant], SinceKept] | None:
        """Return all tenants of these folders by name, as an earlier run has found them on disk, and which files
        are others now.

        None where it found anything in a file, or in a name, and where most files are others.
        """
        if self.stored is None or not self.stored.is_whole:
            return None
        since, ids, rows = SinceKept([], []), dict[str, str](), self.stored.on_disk
        for folder in folders:
            kept = self.kept_scan(folder)
            others = None if kept is None or not kept.id else kept.since_on_disk(tree.scan(folder))
            if kept is None or others is None:
                return None
            ids[folder] = kept.id
            since.gone.extend(others.gone)
            since.new.extend(others.new)
        if len(since.new) * MOST_OTHERS > len(rows):
            return None
        tenants = self.tenants_of(rows, tree)
        if len(tenants) < len(rows):
            return None
        self.blobs.add_rows(rows.values())
        before = {tenant.name: tenant for tenant in tenants.values()}
        if rows.keys() >= {*since.gone}:  # all files of then have a row
            self.before = KeptFleet(before, ids, since.gone)
        self.on_disk.update(rows)
        for path in since.gone:
            self.on_disk.pop(path, None)
        return before, since

    def as_in(self, commit: CommitTree, folders: Iterable[str]) -> Mapping[str, Tenant] | None:
        """Return all tenants of these folders of a commit, if an earlier run has found just its files on disk."""
        if self.before is None or any(self.before.ids.get(one) != commit.folder_id(one) for one in folders):
            return None
        tenants = self.before.tenants
        return (
            {**tenants, **_placed_in(commit, tenants, self.before.elsewhere)} if self.before.elsewhere else tenants
        )

    def are_enough(self, new: int, of: int) -> bool:
        """Return whether so many new files are worth being kept."""
        return self.stored is not None and self.stored.are_enough(new, of)

    def unbuilt(self, tree: WorkTree) -> Unbuilt | None:
        """Return all tenants that an earlier run has found on disk; None if that is not kept."""
        kept = None if self.stored is None else self.stored.roster
        if kept is None:
            return None
        if self._unbuilt is None or self._unbuilt[0] is not kept:
            self._unbuilt = (kept, kept.unbuilt(tree.name))
        return self._unbuilt[1]

    def concerning(self, tree: WorkTree, folder: str, wanted: Names[str]) -> FolderListing | None:
        """Return the files below a folder on disk that a run about the tenants with these identities looks at.

        None if no earlier run has kept what it found there.
        """
        if (kept := self.kept_scan(folder)) is None:
            return None
        scan = tree.scan(folder)
        files = kept.concerning(scan, wanted)
        tree.note(folder, files)
        return FolderListing(tuple(files), scan.problems, others=scan)

    def kept_id(self, folder: str, files: Sequence[str]) -> str | None:
        """Return the id that git has for a folder with these files, if each is as an earlier run has found it."""
        if self.stored is None or (kept := self.stored.kept_folder(folder)) is None or kept.files != len(files):
            return None
        rows = [*map(self.on_disk.get, files)]
        return kept.id if None not in rows and rows == [*map(self.stored.on_disk.get, files)] else None


def _placed_in(commit: CommitTree, tenants: Mapping[str, Tenant], paths: Iterable[str]) -> dict[str, Tenant]:
    """Return the tenants of these files, which are others on disk, with their places in the commit."""
    found = ((path, tenants.get(stem_of(path))) for path in paths)
    own = ((path, one) for path, one in found if one is not None and one.files == (path,))
    return {one.name: _in_another_place(one, path, commit) for path, one in own}


def _in_another_place(tenant: Tenant, path: str, tree: Tree) -> Tenant:
    return replace(tenant, location=replace(tenant.location, file=tree.name(path)), files=(path,))


def _in_commit(kept: KeptScan, commit: CommitTree, folder: str) -> SinceKept | None:
    """Return the files of a folder that are others in a commit."""
    from reconciler.files.tree_differences import since_kept  # noqa: PLC0415 - for commits only

    return since_kept(kept.id, commit, folder)


def _has_blob(row: bytes | None, blob: str | None) -> bool:
    return row is not None and disk_marks.blob_in(row).hex() == blob


class KnownTenants(Struct):
    """All of one run: give it to several loads of the same fleet."""

    caches: Callable[[bytes], TenantCache | None] = lambda _: None
    """The cache for the bytes of a tiers.yaml, if there is one."""
    complete: bool = True
    """Whether the run reads all tenants: what it read of a few only would replace what is kept of all."""
    few: bool = False
    """Whether the run looks at few of all tenants: then only those are built that it looks at (``Roster``)."""
    _blobs: Blobs = field(default_factory=Blobs)
    _files: dict[str, KnownFiles] = field(default_factory=dict)
    """By the digest of a tiers.yaml."""
    _trees: dict[Path, WorkTree] = field(default_factory=dict)
    _kept_ids: dict[tuple[Path, str], str] = field(default_factory=dict)
    """Those that git has for the folders on disk that are as an earlier run has found them."""
    _folders: dict[tuple[Path, str], tuple[int, FoldersOnDisk]] = field(default_factory=dict)
    """What was said of a folder on disk, with the number of files that were known then."""
    _began_ns: int = field(default_factory=time.time_ns)

    def tree(self, root: Path) -> WorkTree:
        """Return the files of a folder on disk, as this run has found them."""
        return self._trees.setdefault(root, WorkTree(root, {}))

    def blobs(self) -> dict[str, bytes]:
        """Return the ids that git has for the files on disk as this run has found them, by path."""
        rows = self._rows()
        return dict(zip(rows, disk_marks.blobs_in(rows.values()), strict=True))

    def folder_id(self, root: Path, folder: str) -> str | None:
        """Return the id that git gives to a folder on disk with the files that this run has found in it.

        None where that cannot be said of what is known: of folders with links, or with files that are executable
        or hidden, or whose tenants are not known.
        """
        if (root, folder) in self._kept_ids:
            return self._kept_ids[root, folder]
        if (compared := self._compared(root, folder)) is not None:
            return compared.ids.get(folder)
        tree = self.tree(root)
        if (same := self._id_of_same(tree, folder)) is not None:
            self._kept_ids[root, folder] = same
            return same
        if self.complete and not self._has_roster() and tree.scan(folder).is_plain:
            return self.folders(root, folder).ids.get(folder)
        listing = tree.listing(folder)
        if not self.complete or self._has_roster():
            self._look_up_all(listing, tree)
        if not listing.problems:
            kept = self._kept_id(folder, listing.files)
            if kept is not None:
                self._kept_ids[root, folder] = kept
                return kept
        return self.folders(root, folder).ids.get(folder)

    def _id_of_same(self, tree: WorkTree, folder: str) -> str | None:
        """Return the id that an earlier run has kept of a folder, if all files are as it found them."""
        scan = tree.scan(folder)
        kept = (known.kept_scan(folder) for known in self._files.values())
        return next((one.id for one in kept if one is not None and one.id and one.is_still(scan)), None)

    def _look_up_all(self, listing: FolderListing, tree: WorkTree) -> None:
        """Find the rows of all files, of which a run about a few tenants has looked at some only."""
        for known in self._files.values():
            known.all_unchanged([path for path in listing.files if path not in known.on_disk], tree.marks or {})

    def folders(self, root: Path, folder: str) -> FoldersOnDisk:
        """Return a folder on disk with all below it; none where anything is wrong in one of them."""
        found = self._compared(root, folder)
        if found is None:
            rows = self._rows()
            found = self._found_folders(root, folder, rows)
            self._folders[root, folder] = (len(rows), found)
        return found

    def _compared(self, root: Path, folder: str) -> FoldersOnDisk | None:
        """Return what was said of a folder before, if no file became known since."""
        number, found = self._folders.get((root, folder), (0, None))
        return found if number == len(self._rows()) else None

    def _found_folders(self, root: Path, folder: str, rows: Mapping[str, bytes]) -> FoldersOnDisk:
        tree = self.tree(root)
        if (scan := tree.scan(folder)).is_plain:
            files = with_folders_between(folder, scan.by_folder())
        else:
            listing = tree.listing(folder)
            files = {} if listing.problems else by_folder(folder, listing.files)
        below, others = at_any_depth(files), self._changed(folder, scan)
        same = (path for path in files if path not in others)
        kept = {path: id_ for path in same if (id_ := self._kept_id(path, below[path])) is not None}
        return FoldersOnDisk(files, tree_ids(files, rows, kept))

    def _changed(self, folder: str, scan: Scan) -> set[str]:
        """Return folders of which an earlier run has kept that it found other files in them, or below."""
        kept = self._kept_scan(folder)
        return set() if kept is None else kept.changed(scan)

    def _kept_id(self, folder: str, files: Sequence[str]) -> str | None:
        """Return the id of a folder with these files that an earlier run has kept, if it still counts."""
        kept = (known.kept_id(folder, files) for known in self._files.values())
        return next(filter(None, kept), None)

    def _rows(self) -> Mapping[str, bytes]:
        """Return the rows of the files on disk, with whichever tiers.yaml they were read."""
        several = [known.on_disk for known in self._files.values() if known.on_disk]
        return several[0] if len(several) == 1 else {path: row for rows in several for path, row in rows.items()}

    def apart(self, commit: CommitTree, folders: Iterable[str]) -> Apart | None:
        """Return the files of these folders that a commit and the disk have not in common; None where that cannot
        be said of what is known.

        They may have the same bytes, if what an edited file on disk contains is not known.
        """
        if len(self._trees) != 1:
            return None
        found, (root,) = Apart([], []), self._trees
        for folder in folders:
            others = self._apart_by_kept(root, commit, folder) or self._apart_by_ids(root, commit, folder)
            if others is None:
                return None
            found.in_commit.extend(others.in_commit)
            found.on_disk.extend(others.on_disk)
        return found

    def _apart_by_kept(self, root: Path, commit: CommitTree, folder: str) -> Apart | None:
        """Return them where an earlier run has kept the folder: what is others there, and what is others here."""
        scan = self.tree(root).scan(folder)
        kept = self._kept_scan(folder) if scan.has_marks else None
        here = None if kept is None else kept.since_on_disk(scan)
        there = None if kept is None or here is None else _in_commit(kept, commit, folder)
        if here is None or there is None:
            return None
        in_commit = {*there.new, *here.gone}.difference(there.gone).union(there.new)
        on_disk = {*here.new, *there.gone}.difference(here.gone).union(here.new)
        rows = self._rows()
        same = {path for path in in_commit & on_disk if _has_blob(rows.get(path), commit.blob_id(path))}
        return Apart(sorted(in_commit - same), sorted(on_disk - same))

    def _apart_by_ids(self, root: Path, commit: CommitTree, folder: str) -> Apart | None:
        """Return them where each file on disk is known."""
        if not self.complete:
            return None
        from reconciler.files.commit_beside_disk import compared  # noqa: PLC0415 - for commits only

        if self.folder_id(root, folder) == commit.folder_id(folder) is not None:
            return Apart([], [])
        return compared(self.folders(root, folder), self._rows(), commit, folder)

    def _kept_scan(self, folder: str) -> KeptScan | None:
        kept = (known.kept_scan(folder) for known in self._files.values())
        return next((one for one in kept if one is not None), None)

    def _has_roster(self) -> bool:
        return any(isinstance(known.whole, Roster) for known in self._files.values())

    def roster(
        self, files: KnownFiles, folders: Iterable[str], commit: CommitTree | None
    ) -> tuple[Roster, SinceKept] | None:
        """Return the tenants of these folders as an earlier run has found them on disk, and which files are others
        now, or in a commit.

        None where that was not kept, where all tenants are to be built, or where so many files are others that
        they are worth being kept.
        """
        if not self.few or len(self._trees) != 1 or not (files.whole is None or isinstance(files.whole, Roster)):
            return None
        (tree,) = self._trees.values()
        if (unbuilt := files.unbuilt(tree)) is None:
            return None
        found, elsewhere = SinceKept([], []), list[str]()
        for folder in folders:
            if (kept := files.kept_scan(folder)) is None:
                return None
            here = kept.since_on_disk(tree.scan(folder))
            since = here if commit is None else _in_commit(kept, commit, folder)
            if here is None or since is None:
                return None
            elsewhere.extend({*here.gone}.difference(since.gone))
            found.gone.extend(since.gone)
            found.new.extend(since.new)
        if files.are_enough(len(found.new), len(unbuilt.numbers)):
            return None
        roster = Roster(unbuilt)
        return Roster(unbuilt, {} if commit is None else _placed_in(commit, roster, elsewhere)), found

    def same_listing(self, folder: str, id_: str | None) -> FolderListing | None:
        """Return the files of a folder on disk, if it has just those of git's folder with this id."""
        for root, tree in self._trees.items() if id_ is not None else ():
            seen = folder in tree.scans() or folder in tree.listed()
            if seen and self.folder_id(root, folder) == id_:
                return tree.listing(folder)
        return None

    def in_commit(self, commit: CommitTree, folder: str) -> FilesInCommit | None:
        """Return the files of a folder of a commit, if an earlier run has found nearly the same on disk."""
        for kept in (known.kept_scan(folder) for known in self._files.values()):
            if kept is not None and (since := _in_commit(kept, commit, folder)) is not None:
                return FilesInCommit(kept, since)
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
        if self.complete and not self._has_roster():
            self._save_tenants()

    def _save_tenants(self) -> None:
        self._note_folder_ids()
        scans = {folder: scan for tree in self._trees.values() for folder, scan in tree.scans().items()}
        for known in self._files.values():
            known.save_tenants(self._began_ns, self._kept_folders, scans)
            if known.stored is not None:
                known.stored.forget_on_disk()
        for tree in self._trees.values():
            tree.forget_marks()

    def _note_folder_ids(self) -> None:
        """Find the ids of folders while it is known what an earlier run has kept of them."""
        for root, tree in self._trees.items():
            for folder, scan in tree.scans().items():
                if not scan.problems:
                    self.folder_id(root, folder)

    def _kept_folders(self) -> dict[str, KeptFolder]:
        """Return what git has for the folders on disk."""
        found: dict[str, KeptFolder] = {}
        for root, folder in self._looked_at():
            known = self.folders(root, folder)
            files = at_any_depth(known.files)
            found |= {below: KeptFolder(id_, len(files[below])) for below, id_ in known.ids.items()}
        return found

    def _looked_at(self) -> Iterator[tuple[Path, str]]:
        """Yield the folders on disk that were looked at, without those in which anything is wrong."""
        for root, tree in self._trees.items():
            for folder, scan in tree.scans().items():
                if scan.is_plain or (not scan.problems and not tree.listing(folder).problems):
                    yield root, folder
