"""The files of a folder with some of them as they are about to become, or without some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.files.tree import MAX_FILE_BYTES
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.files.tree import FolderListing, Tree


class Overlay(Struct, frozen=True):
    """A tree in which some files have other contents, or exist: an edit is checked before it is written."""

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


class Remainder(Struct, frozen=True):
    """A tree in which some files do not exist: what the others say by themselves."""

    tree: Tree
    hidden: Collection[str]

    def name(self, path: str) -> str:
        """As in Tree."""
        return self.tree.name(path)

    def listing(self, folder: str) -> FolderListing:
        """As in Tree."""
        found = self.tree.listing(folder)
        return replace(found, files=tuple(path for path in found.files if path not in self.hidden))

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As in Tree."""
        if path in self.hidden:
            raise FileNotFoundError(path)
        return self.tree.read(path, limit)
