"""Files that the operator names on the command line: saved plans to read; documents and journals to write.

They may be anywhere. But a name such as ``plan.md`` is known to strangers, and a pull request can put a link or a
pipe in its place. So only regular files are read and written, and no link is followed that lies in a repository or
below the current folder; a file to write is itself no link anywhere. What stands in /dev was named on
purpose: /dev/stdin, /dev/stdout, /dev/null, and /dev/fd/63 of ``<(...)``.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from reconciler.files.regular import READ, UnreadableError, bounded, content, kind

if TYPE_CHECKING:
    from pathlib import Path

_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_OF_THE_SYSTEM: Final = frozenset({"/dev", "/dev/fd", "/proc/self/fd"})
REMEDY: Final = "name a file"
EVERYBODY: Final = 0o666
"""Less the umask."""


def read(path: Path, limit: int) -> bytes:
    """The bytes of a file, or of a pipe below /dev. Raises UnreadableError, and OSError of the system's."""
    descriptor = _opened(path, READ)
    try:
        if _of_the_system(path) and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.set_blocking(descriptor, True)
            return bounded(descriptor, limit)
        return content(descriptor, limit)
    finally:
        os.close(descriptor)


def open_to_write(path: Path, *, append: bool = False, mode: int = EVERYBODY) -> int:
    """A descriptor of the file, which is made if need be, and emptied unless ``append``.

    Raises UnreadableError for what is no regular file, and OSError of the system's.
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
    """Raises UnreadableError where something else than a regular file is, or a link that is not followed."""
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
    """The path without the links that may be followed; raises UnreadableError for another one.

    ``itself``: nor may the last step be one that could be followed.
    """
    here = "/" if path.is_absolute() else os.getcwd()  # noqa: PTH109 (a text like the rest)
    steps = [step for step in os.fspath(path).split("/") if step not in {"", "."}]
    for number, step in enumerate(steps, start=1):
        there = os.path.join(here, step)  # noqa: PTH118
        if os.path.islink(there) and ((itself and number == len(steps)) or _strangers_write_in(here)):  # noqa: PTH114
            name = "" if number == len(steps) else f"{there} "
            raise UnreadableError(f"{name}is a symbolic link, which a stranger may have made: it is not followed")
        here = os.path.realpath(there)
    return here


def _strangers_write_in(folder: str) -> bool:
    """Whether a pull request can put something there: in a repository, or below the current folder."""
    above = [folder]
    while above[-1] != "/":
        above.append(os.path.dirname(above[-1]))  # noqa: PTH120
    return os.getcwd() in above[:-1] or any(os.path.lexists(f"{one}/.git") for one in above)  # noqa: PTH109


def _of_the_system(path: Path) -> bool:
    return os.fspath(path.parent) in _OF_THE_SYSTEM
