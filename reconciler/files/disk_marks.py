"""Whether a file on disk is the one that was read before: by the marks that the file system gives it.

They are the device, the inode, the size, and the times of the last change of its bytes and of its inode. No
program can set the last one: whatever writes to the file, or puts another in its place, changes it. Git's index
has the same, with flags and filters by which an edit can be hidden: it is not asked.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

_MARK: Final = Struct("<QQqqq")
_TIMES: Final = Struct("<qq")
_DIGEST_BYTES: Final = 20
SETTLED_NS: Final = 2 * 10**9
"""The coarsest clock of a file system in use: a file that was changed later may be changed again unseen."""


def mark(status: os.stat_result) -> bytes:
    """Return the marks of a file."""
    return _MARK.pack(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class OnDisk(NamedTuple):
    """A file on disk whose bytes are known."""

    mark: bytes
    digest: bytes
    blob: str
    """The id that git has for its bytes."""
    alone: bool
    """Whether its tenant concerns no other one: it pins no project."""

    def packed(self) -> bytes:
        """Return it in a row of the cache."""
        return b"".join((self.mark, self.digest, bytes.fromhex(self.blob), b"\1" if self.alone else b"\0"))

    def settled(self, at_ns: int) -> bool:
        """Return whether each later change gives it other marks; ``at_ns`` is before it was read."""
        modified, changed = _TIMES.unpack_from(self.mark, _MARK.size - _TIMES.size)
        return max(int(modified), int(changed)) < at_ns - SETTLED_NS


def unpacked(row: bytes) -> OnDisk:
    """Return the file of a row."""
    blob, end = _MARK.size + _DIGEST_BYTES, _MARK.size + 2 * _DIGEST_BYTES
    return OnDisk(row[: _MARK.size], row[_MARK.size : blob], row[blob:end].hex(), row[end:] == b"\1")


def found(rows: Mapping[str, bytes], path: str, marks: bytes) -> OnDisk | None:
    """Return the file at a path, if it has had these marks before."""
    row = rows.get(path)
    return unpacked(row) if row is not None and row.startswith(marks) else None
