"""The files of a fleet at a commit, as a Tree."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.desired.problem import Location, Problem
from reconciler.files.objects import Entry, Kind
from reconciler.files.tree import MAX_FILE_BYTES, Listing, UnreadableError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.files.objects import Objects

MOST_FILES: Final = 500_000
"""Below one folder: a few objects can stand for more files than any machine holds."""
_MAX_PATH: Final = 4096
"""Characters of a path, and the bytes of a link."""
_MOST_LINKS: Final = 8
TOO_MANY: Final = f"holds more than {MOST_FILES:,} files, or paths of more than {_MAX_PATH:,} characters"
NOT_A_FILE: Final = "is neither a file nor a link to one in the commit"


@dataclass(frozen=True, slots=True)
class CommitTree:
    """The files below a folder of a commit; paths are relative to that folder, and nothing above it is read."""

    ref: str
    top: str
    """The id of the folder's tree."""
    objects: Objects
    _folders: dict[str, dict[str, Entry]] = field(default_factory=dict)
    """The folders that have been read, by path."""

    def name(self, path: str) -> str:
        """As Tree, in git's own notation."""
        return printable(f"{self.ref}:{path}")

    def listing(self, folder: str) -> Listing:
        """As Tree."""
        files: list[str] = []
        problems: list[Problem] = []
        try:
            for path, entry in self._walk(folder):
                reason = self._unfit(path, entry, f"{folder}/" if folder else "")
                if reason is None:
                    files.append(path)
                else:
                    problems.append(Problem(Location(self.name(path)), reason))
        except UnreadableError as error:
            return Listing((), (Problem(Location(self.name(folder or ".")), f"the folder {error}"),))
        return Listing(tuple(sorted(files)), tuple(problems))

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As Tree."""
        return self.objects.blob(self.blob(path), limit)

    def blob(self, path: str) -> str:
        """The id of the contents that ``read`` returns; raises as ``read`` does."""
        entry = self._entry(path)
        if entry is None:
            raise FileNotFoundError(path)
        followed = self._followed(path)
        target = None if followed is None else self._entry(followed)
        if target is None:
            raise UnreadableError(NOT_A_FILE)
        return target.id

    def _walk(self, folder: str) -> Iterator[tuple[str, Entry]]:
        """All entries below the folder that are no folders, without hidden ones; what stands in its place."""
        seen = 0
        waiting = [folder]
        yield from self._in_place_of(folder)
        while waiting:
            at = waiting.pop()
            entries = self._entries(at) or {}
            seen += len(entries)
            if seen > MOST_FILES or len(at) > _MAX_PATH:
                raise UnreadableError(TOO_MANY)
            for name, entry in entries.items():
                path = f"{at}/{name}" if at else name
                if name.startswith("."):
                    continue
                if entry.kind is Kind.FOLDER:
                    waiting.append(path)
                else:
                    yield path, entry

    def _in_place_of(self, folder: str) -> Iterator[tuple[str, Entry]]:
        """A link or a submodule that stands where the folder, or one that it is in, should be."""
        for path in (folder, *_above(folder)):
            entry = self._entry(path)
            if entry is not None and entry.kind in (Kind.LINK, Kind.SUBMODULE):
                yield path, entry

    def _unfit(self, path: str, entry: Entry, below: str) -> str | None:
        if entry.kind is Kind.SUBMODULE:
            return "is a submodule, whose files are in another repository"
        if entry.kind is Kind.FILE:
            return None
        goal = self._followed(path)
        if goal is not None and goal.startswith(below) and path.startswith(below):
            return None
        return "the symbolic link does not lead to a file in the folder of the tenants"

    def _followed(self, path: str) -> str | None:
        """The file that a path stands for, through at most a few links; None where it leads to none."""
        for _ in range(_MOST_LINKS):
            entry = self._entry(path)
            if entry is None or entry.kind is not Kind.LINK:
                return path if entry is not None and entry.kind is Kind.FILE else None
            goal = os.fsdecode(self.objects.blob(entry.id, _MAX_PATH))
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), goal))
        return None

    def _entry(self, path: str) -> Entry | None:
        folder, _, name = path.rpartition("/")
        entries = self._entries(folder)
        return None if entries is None else entries.get(name)

    def _entries(self, folder: str) -> dict[str, Entry] | None:
        """What is in a folder; None where there is no such folder."""
        if folder in self._folders:
            return self._folders[folder]
        at, found = "", self._kept("", self.top)
        for part in folder.split("/") if folder else ():
            entry = found.get(part)
            if entry is None or entry.kind is not Kind.FOLDER:
                return None
            at = f"{at}/{part}" if at else part
            found = self._kept(at, entry.id)
        return found

    def _kept(self, folder: str, tree: str) -> dict[str, Entry]:
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self.objects.tree(tree)
        return known


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
