"""The objects of a repository: sizes before contents, and commits and trees as their bytes say.

Replace refs and grafts change nothing here: libgit2 knows no replace refs, and the parents of a commit are read
from the commit itself.
"""

from __future__ import annotations

import os
import re
import stat
from enum import Enum
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from reconciler.files.libgit import pygit2
from reconciler.files.regular_files import TOO_LARGE, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MISSING: Final = "is missing from the repository: the clone is incomplete"
DAMAGED: Final = "is damaged in the repository"
_MAX_COMMIT_BYTES: Final = 2**24
_MAX_TREE_BYTES: Final = 2**26
_COMMIT: Final = re.compile(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)")
_TAG: Final = re.compile(rb"object ([0-9a-f]{40})\ntype (?:commit|tag)\n")
_ANNOTATED: Final = re.compile(rb"object ([0-9a-f]{40})\ntype commit\n(?:[^\n]+\n)*\n(.*)", re.DOTALL)
_MOST_FOLDERS: Final = 256
"""Maximum that are remembered."""
_MOST_TAGS: Final = 8
"""Maximum number of tags that point to each other."""


class MissingObjectError(UnreadableError):
    """The repository does not contain the object: the clone is partial or shallow, or damaged."""

    def __init__(self) -> None:
        super().__init__(MISSING)


class TreeEntryKind(Enum):
    """The type of a tree entry."""

    FOLDER = stat.S_IFDIR
    FILE = stat.S_IFREG
    LINK = stat.S_IFLNK
    SUBMODULE = stat.S_IFDIR | stat.S_IFLNK


class TreeEntry(NamedTuple):
    """An entry of a tree."""

    kind: TreeEntryKind
    id: str


_RawEntry: TypeAlias = tuple[bytes, bytes, bytes]
"""Mode, name and id of an entry."""


class Differing(NamedTuple):
    """The entries that two folders have not in common, by name."""

    before: Mapping[str, TreeEntry]
    now: Mapping[str, TreeEntry]
    entries: int
    """How many both have."""


class Commit(Struct, frozen=True):
    """A commit's place in history: ids of its tree and its parents, in order."""

    tree: str
    parents: tuple[str, ...]


class Objects(Struct, frozen=True):
    """Reads objects by id; raises UnreadableError if one is missing, damaged, too large or of another type."""

    database: pygit2.Odb

    def commit(self, name: str) -> Commit:
        """Return the commit with that id."""
        found = _COMMIT.match(self._read(name, pygit2.enums.ObjectType.COMMIT, _MAX_COMMIT_BYTES))
        if found is None:
            raise UnreadableError(DAMAGED)
        return Commit(found[1].decode(), tuple(line[7:].decode() for line in found[2].splitlines()))

    def peeled(self, name: str) -> str:
        """Return the id of the commit that the object is, or points to as a tag."""
        for _ in range(_MOST_TAGS):
            if self._header(name)[0] != pygit2.enums.ObjectType.TAG:
                self.commit(name)
                return name
            found = _TAG.match(self._read(name, pygit2.enums.ObjectType.TAG, _MAX_COMMIT_BYTES))
            if found is None:
                raise UnreadableError("is a tag that does not point to a commit")
            name = found[1].decode()
        raise UnreadableError("is a tag in a chain of too many tags")

    def annotation(self, name: str) -> tuple[str, bytes] | None:
        """Return the commit and message of an annotated tag; None for anything else."""
        if self._header(name)[0] != pygit2.enums.ObjectType.TAG:
            return None
        found = _ANNOTATED.fullmatch(self._read(name, pygit2.enums.ObjectType.TAG, _MAX_COMMIT_BYTES))
        return None if found is None else (found[1].decode(), found[2])

    def tree(self, name: str) -> dict[str, TreeEntry]:
        """Return the entries of a folder, by name, in git's order."""
        return _folder(self._tree(name))

    def differing(self, before: str, now: str) -> Differing:
        """Return the entries of two folders that are not the same in both; an empty id is that of no folder."""
        then, here = (_entries(self._tree(name)) if name else frozenset() for name in (before, now))
        return Differing(_by_name(then - here), _by_name(here - then), len(then) + len(here))

    def _tree(self, name: str) -> bytes:
        return self._read(name, pygit2.enums.ObjectType.TREE, _MAX_TREE_BYTES)

    def blob(self, name: str, limit: int) -> bytes:
        """Return the contents of a file of at most ``limit`` bytes."""
        return self._read(name, pygit2.enums.ObjectType.BLOB, limit)

    def _read(self, name: str, kind: pygit2.enums.ObjectType, limit: int) -> bytes:
        found, size = self._header(name)
        if found != kind:
            raise UnreadableError(f"is a {found.name.lower()} in the repository, not a {kind.name.lower()}")
        if size > limit:
            raise UnreadableError(TOO_LARGE.format(limit=limit >> 20))
        try:
            return self.database.read(name)[1]
        except (pygit2.GitError, ValueError, MemoryError) as error:
            raise UnreadableError(DAMAGED) from error

    def _header(self, name: str) -> tuple[pygit2.enums.ObjectType, int]:
        try:
            kind, size = self.database.read_header(name)
        except KeyError as error:
            raise MissingObjectError from error
        except (pygit2.GitError, ValueError) as error:
            raise UnreadableError(DAMAGED) from error
        return pygit2.enums.ObjectType(kind), size


@lru_cache(maxsize=_MOST_FOLDERS)
def _folder(data: bytes) -> dict[str, TreeEntry]:
    """Return the entries of a folder: the same folders are read of several commits, and several times of one."""
    return _by_name(_checked(_ENTRY.findall(data)))


def _entries(data: bytes) -> frozenset[_RawEntry]:
    return frozenset(_checked(_ENTRY.findall(data)))


def _checked(entries: list[_RawEntry]) -> list[_RawEntry]:
    """Return the entries of a folder. Raises UnreadableError if there is none such."""
    modes, names, _ = zip(*entries, strict=True) if entries else ((), (), ())
    if len({*names}) != len(names) or not _NO_NAMES.isdisjoint(names) or not _KINDS.keys() >= {*modes}:
        raise UnreadableError(DAMAGED)
    return entries


def _by_name(entries: Collection[_RawEntry]) -> dict[str, TreeEntry]:
    if not entries:
        return {}
    modes, names, ids = zip(*entries, strict=True)
    found = map(_ENTRY_OF, zip(map(_KINDS.__getitem__, modes), map(bytes.hex, ids), strict=True))
    return dict(zip(os.fsdecode(b"/".join(names)).split("/"), found, strict=True))


_ENTRY_OF: Final = partial(tuple.__new__, TreeEntry)
"""As ``TreeEntry``, of a pair and without a frame of Python: a fleet has an entry for each tenant."""
_ENTRY: Final = re.compile(rb"([0-7]+) ([^/\0]+)\0(.{20})|.+", re.DOTALL)
"""A mode, a space, a name, a NUL and the bytes of an id. Where no entry begins, all that follows is one match
without a mode: a search for entries in it takes time by the square of its length."""
_NO_NAMES: Final = frozenset({b".", b"..", b".git"})
_KINDS: Final = {
    b"40000": TreeEntryKind.FOLDER,
    b"100644": TreeEntryKind.FILE,
    b"100755": TreeEntryKind.FILE,
    b"100664": TreeEntryKind.FILE,
    b"120000": TreeEntryKind.LINK,
    b"160000": TreeEntryKind.SUBMODULE,
}
