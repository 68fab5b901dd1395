"""Files whose tenants are known, by themselves or because others say the same: they join a collection unparsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.files import disk_marks
from reconciler.files.tree import stem_of
from reconciler.model.problem import Location
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Collection as Names

    from reconciler.desired.tenant import Tenant
    from reconciler.files.alike import Opening
    from reconciler.files.collection import Collection
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.entry import Entry
    from reconciler.files.known_tenants import KnownFiles
    from reconciler.files.tree import Tree


class UnchangedFiles(Struct, frozen=True):
    """The known files of one load. ``lines`` are the tenants of JSON lines: a file overrides its tenant's."""

    tree: Tree
    marks: Mapping[str, bytes]
    commit: CommitTree | None
    known: KnownFiles
    collection: Collection
    lines: Names[str]
    one_by_one: bool = False
    """Whether so few files are looked at that they are read sooner than the rows of all."""

    def take_at_once(self, paths: Sequence[str]) -> list[str] | None:
        """Take the files that need not be read, and return the others; None if some of them are in conflict.

        Those of a commit are the ones that are the same on disk.
        """
        rows = self.known.all_unchanged(paths, self.marks) if self.marks else self._as_on_disk(paths)
        tenants = self.known.tenants_of(rows, self.tree)
        named = {path: tenant for path, tenant in tenants.items() if stem_of(path) == tenant.name}
        if not self.collection.take_all(named.values()):
            return None
        return [path for path in paths if path not in named] if len(named) < len(paths) else []

    def _as_on_disk(self, paths: Sequence[str]) -> dict[str, bytes]:
        here = self.known.on_disk
        rows = {path: here[path] for path in paths if path in here}
        blobs = map(bytes.hex, disk_marks.blobs_in(rows.values()))
        same = zip(rows.items(), map(self._blob_id, rows), blobs, strict=True)
        return {path: row for (path, row), in_commit, blob in same if blob == in_commit}

    def _blob_id(self, path: str) -> str | None:
        return None if self.commit is None else self.commit.blob_id(path)

    def others(self, paths: Sequence[str], wants: Callable[[str], bool]) -> list[str]:
        """Return the files that may be about a wanted tenant: ``skips_unread`` says why the others are not."""
        if not self.marks or self.one_by_one:
            return [*paths]
        rows = self.known.all_unchanged(paths, self.marks)
        alone = {path for path, row in rows.items() if disk_marks.is_alone(row)}
        return [path for path in paths if path not in alone or wants(path)]

    def takes_unread(self, path: str, stem: str) -> bool:
        """Take a file that was read before: one of a commit as its id says, one on disk as its marks do."""
        marks = self.marks.get(path)
        if marks is not None:
            row = None if self.one_by_one else self.known.unchanged(path, marks)
            if row is None:
                return False
            digest = disk_marks.digest_in(row)
            self.known.blobs.add(disk_marks.blob_in(row).hex(), digest)
            return self._takes(digest, path, stem) is not None
        blob = self._blob_id(path)
        found = None if blob is None else self.known.blobs.digest(blob)
        return found is not None and self._takes(found, path, stem) is not None

    def skips_unread(self, path: str) -> bool:
        """Return whether a file need not be read, because its one tenant has its name and concerns no other."""
        marks = self.marks.get(path)
        row = None if marks is None or self.lines or self.one_by_one else self.known.unchanged(path, marks)
        return row is not None and disk_marks.is_alone(row)

    def takes(self, path: str, stem: str, data: bytes) -> bool:
        """Take a file that was read, if its tenant is known and may conflict with no other."""
        found, blob = self.known.seen(data)
        tenant = self._takes(found, path, stem)
        if tenant is None:
            tenant = self._alike(path, data)
            if tenant is None or not self._joins(tenant, stem):
                return False
            self.known.tenants[found] = tenant
        self._note(path, found, blob, tenant)
        return True

    def _alike(self, path: str, data: bytes) -> Tenant | None:
        """Return the tenant of a file that says what one says that was parsed (``alike.py``)."""
        if self.known.alike is None:
            return None
        from reconciler.files.alike import opening  # noqa: PLC0415 - where a file was parsed

        begins = opening(data)
        like = None if begins is None else self.known.alike.find(begins.rest)
        if begins is None or like is None:
            return None
        return replace(like, name=begins.name, location=self._place(path, begins), files=(path,))

    def _place(self, path: str, begins: Opening) -> Location:
        return Location(self.tree.name(path), begins.line)

    def _takes(self, found: bytes, path: str, stem: str) -> Tenant | None:
        tenant = self.known.tenant(found, path, self.tree)
        return tenant if tenant is not None and self._joins(tenant, stem) else None

    def _joins(self, tenant: Tenant, stem: str) -> bool:
        """Take a tenant, if it may conflict with no other; return whether it was taken."""
        return tenant.name == stem and stem not in self.lines and self.collection.take(tenant)

    def _note(self, path: str, found: bytes, blob: str, tenant: Tenant) -> None:
        marks = self.marks.get(path)
        if marks is not None:
            alone = tenant.project_id is None and tenant.recover is None
            self.known.on_disk[path] = disk_marks.row(marks, found, blob, alone=alone)

    def keep(self, path: str, data: bytes, entries: Sequence[Entry], problems: int) -> bool:
        """Remember the tenant of a file that was parsed, if it is its only one and nothing was found.

        ``problems`` is how many there were before. A tenant with earlier names is not remembered: whether they
        are another's is seen in its document.
        """
        if len(entries) != 1 or self.collection.past or len(self.collection.problems) > problems:
            return False
        tenant = self.collection.accepted(entries[0].tenant)
        if tenant is None or tenant.files != (path,) or tenant.previously:
            return False
        found, blob = self.known.seen(data)
        self.known.tenants[found] = tenant
        from reconciler.files.alike import Alike, opening  # noqa: PLC0415 - as above

        begins = opening(data)
        if begins is not None and tenant.location == self._place(path, begins):
            self.known.alike = self.known.alike or Alike()
            self.known.alike.add(begins.rest, tenant)
        self._note(path, found, blob, tenant)
        return True
