"""The files of a fleet at a commit, as a Tree."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.files.links import FOLDERS, LEAVES, LEAVES_TENANTS, NOWHERE, is_below, is_outside, remedy, resolved
from reconciler.files.objects import TreeEntry, TreeEntryKind
from reconciler.files.regular_files import UnreadableError, printable
from reconciler.files.tree import MAX_FILE_BYTES, FolderListing
from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.files.objects import Objects

MOST_FILES: Final = 500_000
"""Maximum below one folder: a few git objects can describe more files than any machine holds."""
_MAX_PATH: Final = 4096
"""Maximum characters of a path, and bytes of a link."""
TOO_MANY: Final = f"contains more than {MOST_FILES:,} files, or paths of more than {_MAX_PATH:,} characters"
NOT_A_FILE: Final = "is not a file in the commit"


class CommitTree(Struct, frozen=True):
    """The files below a folder of a commit; paths are relative to that folder, and only links lead out of it."""

    ref: str
    top: str
    """The tree id of the folder."""
    objects: Objects
    prefix: str = ""
    """The path of the folder in the commit."""
    whole: str = ""
    """The tree id of the commit."""
    _folders: dict[str, dict[str, TreeEntry]] = {}
    """Folders that were read, by path."""
    _plain: dict[str, str] = {}
    """The ids of files that were listed and to which no link leads, by path."""

    def name(self, path: str) -> str:
        """As in Tree, in git's notation."""
        return printable(f"{self.ref}:{path}")

    def listing(self, folder: str) -> FolderListing:
        """As in Tree."""
        files: list[str] = []
        problems: dict[str, Problem] = {}
        try:
            home = resolved(folder, self.link)
            for path, entry in self._walk(folder, home):
                plain = entry.kind is TreeEntryKind.FILE
                reason = None if plain else self._unfit(path, entry, home)
                if reason is None:
                    files.append(path)
                else:
                    problems[path] = Problem(Location(self.name(path)), reason, remedy(reason))
        except UnreadableError as error:
            return FolderListing(
                (), (Problem(Location(self.name(folder or ".")), str(error), remedy(str(error))),)
            )
        return FolderListing(tuple(sorted(files)), tuple(problems.values()), tuple(problems))

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As in Tree."""
        return self.objects.blob(self.blob(path), limit)

    def has(self, path: str) -> bool:
        """Return whether the commit has a file at the path, also through links."""
        try:
            return bool(self.blob(path))
        except (FileNotFoundError, UnreadableError):
            return False

    def holds(self, path: str) -> bool:
        """Return whether the commit has an entry at the path, without following links."""
        return self._entry(path) is not None

    def blob(self, path: str) -> str:
        """Return the id of the contents that ``read`` returns; raises as ``read`` does."""
        plain = None if is_outside(path) else self._entry(path)
        if plain is not None and plain.kind is TreeEntryKind.FILE:
            return plain.id
        goal = resolved(path, self.link, self.prefix)
        entry = self._entry(goal)
        if entry is None:
            if goal != path:
                raise UnreadableError(NOWHERE)
            raise FileNotFoundError(path)
        if entry.kind is not TreeEntryKind.FILE:
            raise UnreadableError(NOT_A_FILE)
        return entry.id

    def blob_id(self, path: str) -> str | None:
        """Return the id that git has for the file's bytes; None if it cannot be read."""
        if (listed := self._plain.get(path)) is not None:
            return listed
        try:
            return self.blob(path)
        except (FileNotFoundError, UnreadableError):
            return None

    def _walk(self, folder: str, home: str) -> Iterator[tuple[str, TreeEntry]]:
        """Yield all entries below the folder except folders and hidden files; ``home`` is the folder without
        links.

        Includes a submodule or file in place of the folder, or of one of its parents.
        """
        seen = 0
        waiting = [(folder, home)]
        yield from self._in_place_of(home)
        while waiting:
            at, found = waiting.pop()
            entries = self._entries(found) or {}
            seen += len(entries)
            if is_too_much(seen, found):
                raise UnreadableError(TOO_MANY)
            for name, entry in entries.items():
                path = f"{at}/{name}" if at else name
                if name.startswith("."):
                    continue
                if entry.kind is TreeEntryKind.FOLDER:
                    waiting.append((path, f"{found}/{name}" if found else name))
                else:
                    if at == found and entry.kind is TreeEntryKind.FILE:
                        self._plain[path] = entry.id
                    yield path, entry

    def _in_place_of(self, folder: str) -> Iterator[tuple[str, TreeEntry]]:
        """Yield a submodule in place of the folder, or of one of its parents."""
        for path in (folder, *_above(folder)):
            entry = self._entry(path)
            if entry is not None and entry.kind is TreeEntryKind.SUBMODULE:
                yield path, entry

    def _unfit(self, path: str, entry: TreeEntry, home: str) -> str | None:
        if entry.kind is TreeEntryKind.SUBMODULE:
            return "is a submodule: its files are in another repository"
        return self._unfit_link(path, home)

    def _unfit_link(self, path: str, home: str) -> str | None:
        try:
            goal = resolved(path, self.link, self.prefix)
        except UnreadableError as error:
            return LEAVES_TENANTS if str(error) == LEAVES else str(error)
        if goal == home:
            return FOLDERS
        if not (is_below(home, goal) or is_outside(goal)):
            return LEAVES_TENANTS
        found = self._entry(goal)
        if found is None:
            return NOWHERE
        return None if found.kind is TreeEntryKind.FILE else FOLDERS

    def folder_id(self, path: str) -> str | None:
        """Return the id of the tree of a folder, to which no link leads; None if there is none."""
        if not path:
            return self.top
        try:
            entry = self._entry(path)
        except UnreadableError:
            return None
        return entry.id if entry is not None and entry.kind is TreeEntryKind.FOLDER else None

    def link(self, path: str) -> str | None:
        """Return the target of a link; None for anything else."""
        entry = self._entry(path)
        if entry is None or entry.kind is not TreeEntryKind.LINK:
            return None
        return os.fsdecode(self.objects.blob(entry.id, _MAX_PATH))

    def _entry(self, path: str) -> TreeEntry | None:
        folder, _, name = path.rpartition("/")
        entries = self._entries(folder)
        return None if entries is None else entries.get(name)

    def _entries(self, folder: str) -> dict[str, TreeEntry] | None:
        """Return the entries of a folder; None if it does not exist."""
        if folder in self._folders:
            return self._folders[folder]
        if is_outside(folder):
            at, found = "/", self._kept("/", self.whole)
            above = posixpath.normpath(f"{self.prefix}/{folder}")
            folder = "" if above == "." else above
        else:
            at, found = "", self._kept("", self.top)
        for part in folder.split("/") if folder else ():
            entry = found.get(part)
            if entry is None or entry.kind is not TreeEntryKind.FOLDER:
                return None
            at = f"{at}/{part}" if at else part
            found = self._kept(at, entry.id)
        return found

    def _kept(self, folder: str, tree: str) -> dict[str, TreeEntry]:
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self.objects.tree(tree)
        return known


def is_too_much(files: int, path: str) -> bool:
    """Return whether so many files below a folder, or the path of one, are more than is read."""
    return files > MOST_FILES or len(path) > _MAX_PATH


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
