"""Opening a file that somebody else may have put there: it never hangs, and never gives more than is asked for."""

from __future__ import annotations

import os
import stat
from typing import Final

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""No link is followed, and no pipe waits for somebody to write into it."""
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
    """A file cannot be read; ``str()`` says why, in words that follow its name."""


def kind(mode: int) -> str:
    """What something in a folder is, by its ``st_mode``: "a pipe"."""
    return _KINDS.get(stat.S_IFMT(mode), "no file")


def content(descriptor: int, limit: int) -> bytes:
    """All bytes of an open file. Raises UnreadableError for what is no regular file or has more than ``limit``."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError(f"is {kind(status.st_mode)}, not a file")
    if status.st_size > limit:
        raise _too_large(limit)
    return bounded(descriptor, limit, expected=status.st_size)


def bounded(descriptor: int, limit: int, *, expected: int = 0) -> bytes:
    """All bytes up to the end of what is open, be it a file that grows or a pipe.

    Raises UnreadableError where there are more than ``limit``. ``expected`` bytes are asked for at once.
    """
    chunks = [os.read(descriptor, min(expected, limit) + 1)]
    size = len(chunks[0])
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
