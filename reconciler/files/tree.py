"""The files of a folder: here the work tree; ``commit_tree.py`` has the same for a commit.

No filter of git is ever run: a file that a filter replaced by a pointer is reported and not read.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from msgspec import Struct, field

from reconciler.files.disk_marks import mark
from reconciler.files.links import FOLDERS, LEAVES, LEAVES_TENANTS, NOWHERE, is_below, is_outside, remedy, resolved
from reconciler.files.regular_files import (
    FILE,
    FOLDER,
    LINK,
    READ,
    UnreadableError,
    content,
    kind,
    printable,
)
from reconciler.model.problem import Location, Problem
from reconciler.model.values import PartlyCompared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.files.repository import LinkTargets

_BEGINNINGS: Final[Mapping[bytes, tuple[str, str]]] = {
    b"version https://git-lfs.github.com/spec/": ("is a pointer of Git LFS, not the file", "git lfs pull"),
    b"version https://hawser.github.com/spec/": ("is a pointer of Git LFS, not the file", "git lfs pull"),
    b"/annex/objects/": ("is a pointer of git-annex, not the file", "git annex get"),
    b"\0GITCRYPT\0": ("is encrypted by git-crypt", "git-crypt unlock"),
}
_WITHOUT_FILTER: Final = "keep the files of the fleet in git itself: remove them from the filter in .gitattributes"


def stem_of(path: str) -> str:
    """Return the name of a file without its ending."""
    return path.rpartition("/")[2].rpartition(".")[0]


def pointer(data: bytes) -> tuple[str, str] | None:
    """Return what the bytes are instead of the file, to follow its name, and the remedy; None for a file."""
    for beginning, (what, command) in _BEGINNINGS.items():
        if data.startswith(beginning):
            return what, f"{command}; or {_WITHOUT_FILTER}"
    return None


MAX_FILE_BYTES: Final = 2**20
MAX_LINES_FILE_BYTES: Final = 2**28
"""For files with one tenant per line, which contain whole fleets."""
MAX_FOLDERS: Final = 32
"""Maximum depth below the folder of a source."""
_OPEN_FOLDER: Final = READ | os.O_DIRECTORY
_MAYBE_A_LINK: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR})
"""Errors of the operating systems for a link, in place of a file or folder, that is not followed."""


class FolderListing(Struct, frozen=True):
    """The files below a folder, as paths from the tree's root with ``/``, sorted; and what could not be listed."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    unread: tuple[str, ...] = ()
    """The path of each problem; empty if that is the folder itself."""


class Tree(Protocol):
    """A source of files. Paths are relative to its root, with ``/``."""

    def name(self, path: str) -> str:
        """Return the file's name as the user would type it."""

    def listing(self, folder: str) -> FolderListing:
        """Return all regular files below the folder, at any depth, without hidden ones; empty if it is missing."""

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """Return the file's bytes; raises UnreadableError, and FileNotFoundError if there is none."""


class WorkTree(PartlyCompared, frozen=True):
    """The files on disk. Not thread-safe."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"_cache"})

    root: Path
    marks: dict[str, bytes] | None = None
    """The marks of every listed file that is no link (``disk_marks.py``); then each folder is listed once."""
    _cache: _Cache = field(default_factory=lambda: _Cache())  # noqa: PLW0108 - defined below

    def name(self, path: str) -> str:
        """As in Tree."""
        return printable(self._on_disk(path))

    def listing(self, folder: str) -> FolderListing:
        """As in Tree."""
        if self.marks is None:
            return self._listed(folder)
        if folder not in self._cache.listings:
            self._cache.listings[folder] = self._listed(folder)
        return self._cache.listings[folder]

    def _listed(self, folder: str) -> FolderListing:
        problems: list[Problem] = []
        try:
            home = resolved(folder, self.link)
            files = self._walk(folder, home, problems)
        except UnreadableError as error:
            return FolderListing((), (self._problem(folder, str(error)),))
        return FolderListing(tuple(sorted(files)), tuple(problems))

    def listed(self) -> Mapping[str, FolderListing]:
        """Return the folders that were listed, if each is listed once."""
        return self._cache.listings

    def forget_marks(self) -> None:
        """Free their memory: files that are loaded once more are read."""
        if self.marks is not None:
            self.marks.clear()

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As in Tree."""
        try:
            descriptor = self._opened(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _unreadable(error) from error
        try:
            return content(descriptor, limit)
        except OSError as error:
            raise _unreadable(error) from error
        finally:
            os.close(descriptor)

    def _opened(self, path: str) -> int:
        """Open a path that may lead through links; the target itself is opened without following any."""
        try:
            return self._opened_directly(path)
        except OSError as error:
            if error.errno not in _MAYBE_A_LINK:
                raise
            goal = self.resolved(path)
            if goal == path:
                raise
        try:
            return self._opened_directly(goal)
        except FileNotFoundError:
            raise UnreadableError(NOWHERE) from None

    def _opened_directly(self, path: str) -> int:
        folder, _, name = path.rpartition("/")
        return os.open(name, READ, dir_fd=self._folder(folder))

    def _folder(self, path: str) -> int:
        """Return the open folder; no folder on its path is a link. The last one stays open, because files share
        it.
        """
        if self._cache.path != path:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            for step in filter(None, path.split("/")):
                above = descriptor
                try:
                    descriptor = os.open(step, _OPEN_FOLDER, dir_fd=above)
                finally:
                    os.close(above)
            self._cache.keep(path, descriptor)
        return self._cache.descriptor

    def resolved(self, path: str, link: Callable[[str], str | None] | None = None) -> str:
        """Return the path of a file without links (``links.py``): in the folder, or outside it if the last commit
        has it.

        ``link`` replaces ``self.link``. Raises UnreadableError.
        """
        try:
            return resolved(path, link or self.link)
        except UnreadableError as error:
            around = self._cache.link_targets(self.root) if str(error) == LEAVES else None
            if around is None:
                raise
            goal = resolved(path, link or self.link, around.prefix)
            if not around.holds(goal):
                raise
            return goal

    def link(self, path: str) -> str | None:
        """Return the target of a link; None for anything else."""
        try:
            return os.readlink(self._on_disk(path))  # noqa: PTH115 - as written, not as a Path
        except OSError:
            return None

    def _on_disk(self, path: str) -> str:
        if self._cache.root is None:
            self._cache.root = os.fspath(self.root)
        folder = self._cache.root
        return path if folder == "." else os.path.join(folder, path)  # noqa: PTH118 - fast enough for 30,000 files

    def _walk(self, folder: str, home: str, problems: list[Problem]) -> list[str]:
        """Return files under their given names; ``home`` is the folder without links."""
        files: list[str] = []
        todo = [""]
        while todo:
            below = todo.pop()
            for entry in self._folders(_joined(home, below), _joined(folder, below), home, files, problems):
                if (path := _joined(below, entry)).count("/") < MAX_FOLDERS:
                    todo.append(path)
                else:
                    message = f"is more than {MAX_FOLDERS} folders deep"
                    problems.append(self._problem(_joined(folder, path), message))
        return files

    def _folders(
        self, real: str, named: str, home: str, files: list[str], problems: list[Problem]
    ) -> Iterator[str]:
        """Yield the names of the folders in a folder, and add its files, without hidden ones and those with a
        problem.
        """
        try:
            found = self._scanned(real, named, files)
        except OSError as error:
            if not isinstance(error, FileNotFoundError) or real != named:
                problems.append(self._problem(named, self._no_folder(real, error)))
            return
        for name, what in found:
            if what == FOLDER:
                yield name
            elif (hindrance := self._hindrance(_joined(real, name), what, home)) is None:
                files.append(_joined(named, name))
            else:
                problems.append(self._problem(_joined(named, name), hindrance))

    def _scanned(self, real: str, named: str, files: list[str]) -> list[tuple[str, str]]:
        """Add the files of a folder, and note their marks. Return the names of the others, and what each is.

        Hidden ones are left out.
        """
        found: list[tuple[str, str]] = []
        before, marks = f"{named}/" if named else "", self.marks
        with os.scandir(self._folder(real)) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if not entry.is_file(follow_symlinks=False):
                    found.append((name, _what(entry)))
                    continue
                path = before + name
                files.append(path)
                if marks is not None:
                    try:
                        marks[path] = mark(entry.stat(follow_symlinks=False))
                    except OSError:  # it was deleted since
                        continue
        return found

    def _hindrance(self, path: str, what: str, home: str) -> str | None:
        """Return why an entry that is neither a file nor a folder does not lead to a file either."""
        return self._of_link(path, home) if what == LINK else f"is neither a file nor a folder, but {what}"

    def _of_link(self, path: str, home: str) -> str | None:
        try:
            goal = self.resolved(path)
            mode = os.lstat(self._on_disk(goal)).st_mode
        except UnreadableError as error:
            return LEAVES_TENANTS if str(error) == LEAVES else str(error)
        except OSError:
            return NOWHERE
        if goal == home:
            return FOLDERS
        if not (is_below(home, goal) or is_outside(goal)):
            return LEAVES_TENANTS
        if kind(mode) == FOLDER:
            return FOLDERS
        return None if kind(mode) == FILE else f"the symbolic link leads to {kind(mode)}"

    def _no_folder(self, path: str, error: OSError) -> str:
        """Return what is in place of a folder."""
        if isinstance(error, FileNotFoundError):
            return NOWHERE
        try:
            what = kind(os.lstat(self._on_disk(path)).st_mode)
        except OSError:
            what = FOLDER
        return f"cannot read the folder: {error.strerror}" if what == FOLDER else f"is {what}, not a folder"

    def _problem(self, path: str, message: str) -> Problem:
        return Problem(Location(self.name(path)), message, remedy(message))


class _Cache:
    """The folder that was opened last, and the files outside the root."""

    def __init__(self) -> None:
        self._link_targets: tuple[LinkTargets | None] | None = None
        self.listings: dict[str, FolderListing] = {}
        self.root: str | None = None
        """The root as text, which a Path takes long to say."""
        self.path: str | None = None
        self.descriptor = -1

    def link_targets(self, root: Path) -> LinkTargets | None:
        """Return the files outside the root: searched once, and only for a link that leaves the folder."""
        from reconciler.files.repository import link_targets  # noqa: PLC0415 - only links that leave the folder need libgit2

        if self._link_targets is None:
            self._link_targets = (link_targets(root),)
        return self._link_targets[0]

    def keep(self, path: str, descriptor: int) -> None:
        """Replace the open folder."""
        self.close()
        self.path, self.descriptor = path, descriptor

    def close(self) -> None:
        """Close it; may be called again."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.path, self.descriptor = None, -1

    def __del__(self) -> None:
        self.close()


def _what(entry: os.DirEntry[str]) -> str:
    """Return ``kind`` of an entry that is no file, for most without reading the disk."""
    if entry.is_symlink():
        return LINK
    return FOLDER if entry.is_dir(follow_symlinks=False) else kind(entry.stat(follow_symlinks=False).st_mode)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _unreadable(error: OSError) -> UnreadableError:
    """Return the error; ENXIO means that a socket or device was opened."""
    if error.errno == errno.ENXIO:
        return UnreadableError("is a socket or a device, not a file")
    return UnreadableError(f"cannot be read: {error.strerror}")
