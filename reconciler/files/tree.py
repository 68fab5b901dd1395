"""The files of a folder: here the work tree; ``commit_tree.py`` has the same for a commit.

No filter of git is ever run: a file that a filter replaced by a pointer is reported and not read.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Protocol

from msgspec import Struct, field

from reconciler.files.disk_marks import GONE, MEASURES, NO_MARKS, UNSETTLED, each, marks_of
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
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
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


BETWEEN: Final = "\0"
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
    others: Iterable[str] = ()
    """Where only a part is listed: all files."""


def names_in(joined: str) -> list[str]:
    """Return names that are joined by NUL, which no name contains."""
    return joined.split(BETWEEN) if joined else []


class ScannedFolder(NamedTuple):
    """The files of one folder on disk that are no links, in the order of the file system."""

    path: str
    """From the tree's root."""
    names: str
    """Joined (``names_in``)."""
    marks: bytes
    """Those of each file (``disk_marks.py``), if they are noted."""

    def files(self) -> list[str]:
        """Return the names."""
        return names_in(self.names)

    def marks_but(self, others: Collection[str]) -> bytes:
        """Return the marks, with some that no file has in place of those of others."""
        marked = zip(self.files(), each(self.marks), strict=True)
        return b"".join(UNSETTLED if _joined(self.path, name) in others else mark for name, mark in marked)


class Scan(Struct, frozen=True):
    """What is below a folder on disk, folder by folder."""

    folders: tuple[ScannedFolder, ...] = ()
    links: tuple[str, ...] = ()
    """The paths of links to files."""
    problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[str]:
        """Yield the path of each file."""
        yield from self.links
        for folder in self.folders:
            yield from (_joined(folder.path, name) for name in folder.files())

    def marks(self) -> dict[str, bytes]:
        """Return the marks of all files that are no links, by path; without those that were deleted meanwhile."""
        found: dict[str, bytes] = {}
        for folder in (folder for folder in self.folders if folder.marks):
            paths = (_joined(folder.path, name) for name in folder.files())
            found.update(zip(paths, each(folder.marks), strict=True))
        if NO_MARKS in found.values():
            return {path: mark for path, mark in found.items() if mark != NO_MARKS}
        return found

    @property
    def is_plain(self) -> bool:
        """Whether there are no links, and nothing is wrong."""
        return not self.links and not self.problems

    def by_folder(self) -> dict[str, list[str]]:
        """Return the paths of the files that are no links, sorted, by the folder that they are in."""
        return {
            one.path: [_joined(one.path, name) for name in sorted(one.files())]
            for one in self.folders
            if one.names
        }

    @property
    def has_marks(self) -> bool:
        """Whether the marks of all files are noted."""
        return all(folder.marks or not folder.names for folder in self.folders)

    def without_marks_of(self, files: Collection[str]) -> Scan:
        """Return the same files, as if these had marks that no file has."""
        folders = {path.rpartition("/")[0] for path in files}
        return Scan(
            tuple(
                one._replace(marks=one.marks_but(files)) if one.path in folders else one for one in self.folders
            ),
            self.links,
            self.problems,
        )

    def without_marks(self) -> Scan:
        """Return the same files, as if their marks had not been noted."""
        folders = (folder._replace(marks=b"") for folder in self.folders)
        return Scan(tuple(folders), self.links, self.problems)


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
            return _listed(self.scan(folder))
        if folder not in self._cache.listings:
            scan = self.scan(folder)
            self.marks.update(scan.marks())
            self._cache.listings[folder] = _listed(scan)
        return self._cache.listings[folder]

    def scan(self, folder: str) -> Scan:
        """Return what is below a folder, found once if marks are noted."""
        if folder in self._cache.scans:
            return self._cache.scans[folder]
        problems: list[Problem] = []
        try:
            home = resolved(folder, self.link)
            folders, links = self._walk(folder, home, problems)
            found = Scan(tuple(folders), tuple(links), tuple(problems))
        except UnreadableError as error:
            found = Scan(problems=(self._problem(folder, str(error)),))
        if self.marks is not None:
            self._cache.scans[folder] = found
        return found

    def note(self, folder: str, files: Iterable[str]) -> None:
        """Put the marks of some files below a folder into ``marks``."""
        if (noted := self.marks) is None:
            return
        wanted: dict[str, set[str]] = {}
        for path in files:
            above, _, name = path.rpartition("/")
            wanted.setdefault(above, set()).add(name)
        for found in self.scan(folder).folders:
            names = wanted.get(found.path)
            if names and found.marks:
                marked = zip(found.files(), each(found.marks), strict=True)
                those = ((name, mark) for name, mark in marked if name in names and mark != NO_MARKS)
                noted.update((_joined(found.path, name), mark) for name, mark in those)

    def scans(self) -> Mapping[str, Scan]:
        """Return what was found of each folder."""
        return self._cache.scans

    def listed(self) -> Mapping[str, FolderListing]:
        """Return the folders of which all files were listed, if each is listed once."""
        return self._cache.listings

    def forget_marks(self) -> None:
        """Free their memory: files that are loaded once more are read."""
        if self.marks is not None:
            self.marks.clear()
            self._cache.scans.update({folder: one.without_marks() for folder, one in self.scans().items()})

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

    def _walk(self, folder: str, home: str, problems: list[Problem]) -> tuple[list[ScannedFolder], list[str]]:
        """Return files under their given names, and links to files; ``home`` is the folder without links."""
        folders: list[ScannedFolder] = []
        links: list[str] = []
        todo = [""]
        while todo:
            below = todo.pop()
            real, named = _joined(home, below), _joined(folder, below)
            try:
                scanned, others = self._scanned(real, named)
            except OSError as error:
                if not isinstance(error, FileNotFoundError) or real != named:
                    problems.append(self._problem(named, self._no_folder(real, error)))
                continue
            folders.append(scanned)
            for name, what in others:
                path = _joined(below, name)
                if what != FOLDER:
                    self._add_other(_joined(folder, path), _joined(home, path), what, home, links, problems)
                elif path.count("/") < MAX_FOLDERS:
                    todo.append(path)
                else:
                    message = f"is more than {MAX_FOLDERS} folders deep"
                    problems.append(self._problem(_joined(folder, path), message))
        return folders, links

    def _add_other(
        self, named: str, real: str, what: str, home: str, links: list[str], problems: list[Problem]
    ) -> None:
        """Add an entry that is neither a file nor a folder."""
        if (hindrance := self._hindrance(real, what, home)) is None:
            links.append(named)
        else:
            problems.append(self._problem(named, hindrance))

    def _scanned(self, real: str, named: str) -> tuple[ScannedFolder, list[tuple[str, str]]]:
        """Return the files of a folder, the names of its other entries, and what each is, without hidden ones."""
        names: list[str] = []
        measures: list[tuple[int, ...]] = []
        others: list[tuple[str, str]] = []
        noted = self.marks is not None
        with os.scandir(self._folder(real)) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if not entry.is_file(follow_symlinks=False):
                    others.append((name, _what(entry)))
                    continue
                names.append(name)
                if noted:
                    try:
                        measures.append(MEASURES(entry.stat(follow_symlinks=False)))
                    except OSError:
                        measures.append(GONE)
        return ScannedFolder(named, BETWEEN.join(names), marks_of(measures)), others

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
        self.scans: dict[str, Scan] = {}
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


def _listed(scan: Scan) -> FolderListing:
    return FolderListing(tuple(sorted(scan)), scan.problems)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _unreadable(error: OSError) -> UnreadableError:
    """Return the error; ENXIO means that a socket or device was opened."""
    if error.errno == errno.ENXIO:
        return UnreadableError("is a socket or a device, not a file")
    return UnreadableError(f"cannot be read: {error.strerror}")
