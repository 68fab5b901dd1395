"""Files whose tenants are known: they join a collection without being parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Collection as Names

    from reconciler.files.collection import Collection
    from reconciler.files.entry import Entry
    from reconciler.files.known_tenants import KnownFiles
    from reconciler.files.tree import Tree


@dataclass(frozen=True, slots=True)
class UnchangedFiles:
    """The known files of one load. ``lines`` are the tenants of JSON lines: a file overrides its tenant's."""

    tree: Tree
    blob_id: Callable[[str], str | None]
    known: KnownFiles
    collection: Collection
    lines: Names[str]

    def takes_unread(self, path: str, stem: str) -> bool:
        """Take a file of a commit that is one of those that this run has read, as its id says."""
        blob = self.blob_id(path)
        found = None if blob is None else self.known.blobs.get(blob)
        return found is not None and self._takes(found, path, stem)

    def takes(self, path: str, stem: str, data: bytes) -> bool:
        """Take a file that was read, if its tenant is known and may conflict with no other."""
        return self._takes(self.known.seen(data), path, stem)

    def _takes(self, found: bytes, path: str, stem: str) -> bool:
        tenant = self.known.tenant(found, path, self.tree.name(path))
        fits = tenant is not None and tenant.name == stem and tenant.name not in self.lines
        return tenant is not None and fits and self.collection.take(tenant)

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
        self.known.tenants[self.known.seen(data)] = tenant
        return True
