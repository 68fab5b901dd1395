"""The files of a folder with some of them as they are about to become: an edit is checked before it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.files.tree import MAX_FILE_BYTES
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.files.tree import FolderListing, Tree


class Overlay(Struct, frozen=True):
    """A tree in which some files have other contents, or exist."""

    tree: Tree
    files: Mapping[str, bytes]

    def name(self, path: str) -> str:
        """As in Tree."""
        return self.tree.name(path)

    def listing(self, folder: str) -> FolderListing:
        """As in Tree."""
        found = self.tree.listing(folder)
        own = {path for path in self.files if path.startswith(f"{folder}/") or not folder}
        return replace(found, files=tuple(sorted(own.union(found.files))))

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As in Tree."""
        return self.files[path] if path in self.files else self.tree.read(path, limit)
