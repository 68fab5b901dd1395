"""Opening files that somebody else may have placed: never hangs, and never returns more than the limit.

Files named on the command line (saved plans, documents, journals) may be anywhere. But a name such as ``plan.md``
is well known, and a pull request can put a link or a pipe in its place. So only regular files are read and
written, and links in a repository or below the current folder are not followed; a file to write is never a link.
Paths in /dev were named on purpose: /dev/stdin, /dev/stdout, /dev/null, and /dev/fd/63 of ``<(...)``.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""No link is followed, and opening a pipe does not wait for a writer."""
TOO_LARGE: Final = "the file is larger than {limit} MiB"
FILE: Final = "a file"
FOLDER: Final = "a folder"
LINK: Final = "a symbolic link"
_CHUNK: Final = 2**16
_KINDS: Final = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: FOLDER,
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: LINK,
}


class UnreadableError(Exception):
    """A file cannot be read; ``str()`` is the reason, to follow the file's name."""


def kind(mode: int) -> str:
    """Return the type of a directory entry, by its ``st_mode``: "a pipe"."""
    return _KINDS.get(stat.S_IFMT(mode), "something other than a file")


def content(descriptor: int, limit: int) -> bytes:
    """Return all bytes of an open file. Raises UnreadableError unless it is a regular file of at most ``limit``
    bytes.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError(f"is {kind(status.st_mode)}, not a file")
    if status.st_size > limit:
        raise _too_large(limit)
    return bounded(descriptor, limit, expected=status.st_size)


def bounded(descriptor: int, limit: int, *, expected: int = 0) -> bytes:
    """Return all bytes up to the end, also of a growing file or a pipe.

    Raises UnreadableError if there are more than ``limit``. ``expected``, of a regular file only: its bytes are
    requested at once, and it has ended where one byte more was requested than came.
    """
    chunks = [os.read(descriptor, min(expected, limit) + 1)]
    size = len(chunks[0])
    if 0 < size == expected:
        return chunks[0]
    while chunks[-1] and size <= limit:
        chunks.append(os.read(descriptor, min(_CHUNK, limit + 1 - size)))
        size += len(chunks[-1])
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> UnreadableError:
    if limit < 2**20:
        return UnreadableError(f"the file is larger than {limit:,} bytes")
    return UnreadableError(TOO_LARGE.format(limit=limit >> 20))


_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_OF_THE_SYSTEM: Final = frozenset({"/dev", "/dev/fd", "/proc/self/fd"})
REMEDY: Final = "use the path of a file"
EVERYBODY: Final = 0o666
"""Before the umask is applied."""


def read(path: Path, limit: int) -> bytes:
    """Return the bytes of a file, or of a pipe below /dev. Raises UnreadableError, and OSError of the system."""
    descriptor = _opened(path, READ)
    try:
        if _of_the_system(path) and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.set_blocking(descriptor, True)
            return bounded(descriptor, limit)
        return content(descriptor, limit)
    finally:
        os.close(descriptor)


def open_to_write(path: Path, *, append: bool = False, mode: int = EVERYBODY) -> int:
    """Return a descriptor of the file, created if needed, and emptied unless ``append``.

    Raises UnreadableError unless it is a regular file, and OSError of the system.
    """
    descriptor = _opened(path, _WRITE | (os.O_APPEND if append else 0), mode)
    found = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(found) or _of_the_system(path)):
        os.close(descriptor)
        raise UnreadableError(f"is {kind(found)}, not a file")
    os.set_blocking(descriptor, True)
    if stat.S_ISREG(found) and not append:
        os.ftruncate(descriptor, 0)
    return descriptor


def require_file(path: Path) -> None:
    """Raise UnreadableError for anything but a regular file, and for a link that is not followed."""
    try:
        mode = os.lstat(_located(path)).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise UnreadableError(f"is {kind(mode)}, not a file")


def _opened(path: Path, flags: int, mode: int = EVERYBODY) -> int:
    if _of_the_system(path):
        return os.open(path, flags & ~os.O_NOFOLLOW, mode)
    try:
        return os.open(_located(path, itself=bool(flags & os.O_WRONLY)), flags | os.O_NOFOLLOW, mode)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise UnreadableError("is a pipe or a socket, not a file") from error
        raise


def _located(path: Path, *, itself: bool = False) -> str:
    """Return the path with allowed links resolved; raises UnreadableError for other links.

    ``itself``: the last step may not be a link at all.
    """
    here = "/" if path.is_absolute() else os.getcwd()  # noqa: PTH109 - text like the rest
    steps = [step for step in os.fspath(path).split("/") if step not in {"", "."}]
    for number, step in enumerate(steps, start=1):
        there = os.path.join(here, step)  # noqa: PTH118
        if os.path.islink(there) and ((itself and number == len(steps)) or strangers_write_in(here)):  # noqa: PTH114
            name = "" if number == len(steps) else f"{there} "
            raise UnreadableError(
                f"{name}is a symbolic link in a place that a pull request can write to: it is not followed"
            )
        here = os.path.realpath(there)
    return here


def strangers_write_in(folder: str) -> bool:
    """Return whether a pull request can write there: in a repository, or below the current folder."""
    above = [folder]
    while above[-1] != "/":
        above.append(os.path.dirname(above[-1]))  # noqa: PTH120
    return os.getcwd() in above[:-1] or any(os.path.lexists(f"{one}/.git") for one in above)  # noqa: PTH109


def _of_the_system(path: Path) -> bool:
    return os.fspath(path.parent) in _OF_THE_SYSTEM


def printable(name: str) -> str:
    """Return a file name that is safe for a line of output, whatever bytes it contains."""
    if name.isprintable():
        return name
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in name)
