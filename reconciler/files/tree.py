"""What a filter of git leaves in the place of a file: no filter is ever run, so that it is named and not read."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from reconciler.files.links import LEAVES, NOWHERE, is_beside, resolved, stays_in
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.files.repository import Beside

_BEGINNINGS: Final[Mapping[bytes, tuple[str, str]]] = {
    b"version https://git-lfs.github.com/spec/": ("is a pointer of Git LFS, not the file", "git lfs pull"),
    b"version https://hawser.github.com/spec/": ("is a pointer of Git LFS, not the file", "git lfs pull"),
    b"/annex/objects/": ("is a pointer of git-annex, not the file", "git annex get"),
    b"\0GITCRYPT\0": ("is encrypted by git-crypt", "git-crypt unlock"),
}
_WITHOUT_FILTER: Final = "keep the files of the fleet in git itself: take them out of the filter in .gitattributes"


def pointer(data: bytes) -> tuple[str, str] | None:
    """What the bytes are in place of the file, in words that follow its name, and what to do; None for a file."""
    for beginning, (what, command) in _BEGINNINGS.items():
        if data.startswith(beginning):
            return what, f"{command}; or {_WITHOUT_FILTER}"
    return None


MAX_FILE_BYTES: Final = 2**20
MAX_LINES_FILE_BYTES: Final = 2**28
"""For files of one tenant a line, which hold whole fleets."""
MAX_FOLDERS: Final = 32
"""In each other, below the folder of a source."""
LEAVES_TENANTS: Final = "the symbolic link leaves the folder of the tenants"
FOLDERS: Final = "symbolic links to folders are not followed"
_OPEN_FOLDER: Final = READ | os.O_DIRECTORY
_MAYBE_A_LINK: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR})
"""What the operating systems say of a link, in place of a file or of a folder, that is not followed."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files below a folder, as paths from the tree's root with ``/``, sorted; and what could not be listed."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    unread: tuple[str, ...] = ()
    """Where what could not be listed is, for each problem; empty where that is the folder itself."""


class Tree(Protocol):
    """Where files come from. Paths are relative to its root, with ``/``."""

    def name(self, path: str) -> str:
        """The file's name as the user would type it."""

    def listing(self, folder: str) -> Listing:
        """All regular files below the folder, at any depth, without hidden ones; empty where it is missing."""

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """The file's bytes; raises UnreadableError, and FileNotFoundError where there is none."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The files on disk. Not for use by several threads at once."""

    root: Path
    _held: _Held = field(default_factory=lambda: _Held(), repr=False, compare=False)  # noqa: PLW0108 (below)

    def name(self, path: str) -> str:
        """As Tree."""
        return printable(self._on_disk(path))

    def listing(self, folder: str) -> Listing:
        """As Tree."""
        problems: list[Problem] = []
        try:
            home = resolved(folder, self.link)
            files = sorted(self._walk(folder, home, problems))
        except UnreadableError as error:
            return Listing((), (self._problem(folder, str(error)),))
        return Listing(tuple(files), tuple(problems))

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As Tree."""
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
        """A path may lead through links; what it leads to is opened through none."""
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
        """The folder, open; none on the way from the root is a link. The last one stays open: files share it."""
        if self._held.path != path:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            for step in filter(None, path.split("/")):
                above = descriptor
                try:
                    descriptor = os.open(step, _OPEN_FOLDER, dir_fd=above)
                finally:
                    os.close(above)
            self._held.keep(path, descriptor)
        return self._held.descriptor

    def resolved(self, path: str, link: Callable[[str], str | None] | None = None) -> str:
        """The path of a file without links (``links.py``): in the folder, or beside it if the last commit has it.

        ``link`` takes the place of ``self.link``. Raises UnreadableError.
        """
        try:
            return resolved(path, link or self.link)
        except UnreadableError as error:
            around = self._held.beside(self.root) if str(error) == LEAVES else None
            if around is None:
                raise
            goal = resolved(path, link or self.link, around.prefix)
            if not around.holds(goal):
                raise
            return goal

    def link(self, path: str) -> str | None:
        """Where a link points; None for anything else."""
        try:
            return os.readlink(self._on_disk(path))  # noqa: PTH115 (as written, not as a Path)
        except OSError:
            return None

    def _on_disk(self, path: str) -> str:
        folder = os.fspath(self.root)
        return path if folder == "." else os.path.join(folder, path)  # noqa: PTH118 (as fast as 30,000 times needs)

    def _walk(self, folder: str, home: str, problems: list[Problem]) -> Iterator[str]:
        """Files as they are named; ``home`` is what the folder stands for, without links."""
        todo = [""]
        while todo:
            below = todo.pop()
            for entry, what in self._entries(_joined(home, below), _joined(folder, below), home, problems):
                path = _joined(below, entry)
                if what == FILE:
                    yield _joined(folder, path)
                elif path.count("/") < MAX_FOLDERS:
                    todo.append(path)
                else:
                    message = f"lies below more than {MAX_FOLDERS} folders"
                    problems.append(self._problem(_joined(folder, path), message))

    def _entries(self, real: str, named: str, home: str, problems: list[Problem]) -> Iterator[tuple[str, str]]:
        """What a folder holds: names of files and folders, hidden ones and what has a problem left out."""
        try:
            with os.scandir(self._folder(real)) as entries:
                found = [(entry.name, _what(entry)) for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            if not isinstance(error, FileNotFoundError) or real != named:
                problems.append(self._problem(named, self._no_folder(real, error)))
            return
        for name, what in found:
            hindrance = self._hindrance(_joined(real, name), what, home)
            if hindrance is None:
                yield name, FOLDER if what == FOLDER else FILE
            else:
                problems.append(self._problem(_joined(named, name), hindrance))

    def _hindrance(self, path: str, what: str, home: str) -> str | None:
        """Why an entry is neither a file to read nor a folder to look into."""
        if what == LINK:
            return self._of_link(path, home)
        return None if what in {FILE, FOLDER} else f"is neither a file nor a folder, but {what}"

    def _of_link(self, path: str, home: str) -> str | None:
        try:
            goal = self.resolved(path)
            mode = os.lstat(self._on_disk(goal)).st_mode
        except UnreadableError as error:
            return LEAVES_TENANTS if str(error) == LEAVES else str(error)
        except OSError:
            return NOWHERE
        if not (stays_in(home, goal) or is_beside(goal)):
            return LEAVES_TENANTS
        if kind(mode) == FOLDER:
            return FOLDERS
        return None if kind(mode) == FILE else f"the symbolic link leads to {kind(mode)}"

    def _no_folder(self, path: str, error: OSError) -> str:
        """What stands where a folder should."""
        if isinstance(error, FileNotFoundError):
            return NOWHERE
        try:
            what = kind(os.lstat(self._on_disk(path)).st_mode)
        except OSError:
            what = FOLDER
        return f"the folder cannot be read: {error.strerror}" if what == FOLDER else f"is {what}, not a folder"

    def _problem(self, path: str, message: str) -> Problem:
        return Problem(Location(self.name(path)), message)


class _Held:
    """The folder that was opened last, and what is beside the root."""

    def __init__(self) -> None:
        self._beside: tuple[Beside | None] | None = None
        self.path: str | None = None
        self.descriptor = -1

    def beside(self, root: Path) -> Beside | None:
        """Looked for once, and only for a link that leaves the folder: no other file needs a repository."""
        from reconciler.files.repository import beside  # noqa: PLC0415 - only links that leave the folder need libgit2

        if self._beside is None:
            self._beside = (beside(root),)
        return self._beside[0]

    def keep(self, path: str, descriptor: int) -> None:
        """In place of the one before."""
        self.close()
        self.path, self.descriptor = path, descriptor

    def close(self) -> None:
        """Harmless when repeated."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.path, self.descriptor = None, -1

    def __del__(self) -> None:
        self.close()


def _what(entry: os.DirEntry[str]) -> str:
    """As ``kind``, without a look at the disk for most."""
    if entry.is_symlink():
        return LINK
    if entry.is_file(follow_symlinks=False):
        return FILE
    return FOLDER if entry.is_dir(follow_symlinks=False) else kind(entry.stat(follow_symlinks=False).st_mode)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _unreadable(error: OSError) -> UnreadableError:
    """Opening a socket is all that fails so."""
    if error.errno == errno.ENXIO:
        return UnreadableError("is a socket or a device, not a file")
    return UnreadableError(f"cannot be read: {error.strerror}")
