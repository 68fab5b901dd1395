"""Whether a file on disk is the one that was read before: by the marks that the file system gives it.

They are the device, the inode, the size, and the times of the last change of its bytes and of its inode. No
program can set the last one: once it is old enough (``SETTLED_NS``), whatever writes to the file, or puts another
in its place, changes it. Git's index has the same, with flags and filters by which an edit can be hidden: it is
not asked.
"""

from __future__ import annotations

from itertools import chain, starmap
from operator import attrgetter, itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MARK: Final = Struct("<QQqqq")
MEASURES: Final = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
"""What is marked of the status of a file."""
GONE: Final = (0, 0, 0, 0, 0)
"""The measures of a file that was deleted while its folder was listed."""
NO_MARKS: Final = _MARK.pack(*GONE)
UNSETTLED: Final = b"\xff" * _MARK.size
"""What is kept in place of the marks of a file that was young when it was read: no file has them."""
_TIMES: Final = Struct("<qq")
_ID_BYTES: Final = 20
_DIGEST: Final = slice(_MARK.size, _MARK.size + _ID_BYTES)
_EACH: Final = Struct(f"{_MARK.size}s")
_BLOB: Final = slice(_DIGEST.stop, _DIGEST.stop + _ID_BYTES)
_ALONE: Final = b"\1"
_NOT_ALONE: Final = b"\0"
SETTLED_NS: Final = 40 * 10**9
"""A file that was changed later may be changed again unseen. The coarsest clock of a file system counts 2 seconds.
A program that writes through a memory map changes the times once, until the system has written the page to the
disk: by default after 30 seconds, with 5 more until it looks (Linux: ``vm.dirty_expire_centisecs``)."""


class KeptFolder(NamedTuple):
    """What git has for a folder on disk, as it was when each of its files had the marks that are kept."""

    id: str
    files: int
    """How many there were."""


def marks_of(measures: Iterable[tuple[int, ...]]) -> bytes:
    """Return the marks of files with these measures, one after the other."""
    return b"".join(starmap(_MARK.pack, measures))


def each(marks: bytes) -> Iterator[bytes]:
    """Return the marks of each file."""
    return chain.from_iterable(_EACH.iter_unpack(marks))


def row(marks: bytes, digest: bytes, blob: str, *, alone: bool) -> bytes:
    """Return what is kept of a file with these marks whose bytes are known.

    ``blob`` is the id that git has for them; ``alone``: its tenant concerns no other one, because it pins no
    project.
    """
    return b"".join((marks, digest, bytes.fromhex(blob), _ALONE if alone else _NOT_ALONE))


def digest_in(row: bytes) -> bytes:
    """Return the digest of the file's bytes."""
    return row[_DIGEST]


def blob_in(row: bytes) -> bytes:
    """Return the id that git has for them."""
    return row[_BLOB]


def digests_in(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Return ``digest_in`` of each of many rows."""
    return map(itemgetter(_DIGEST), rows)


def blobs_in(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Return ``blob_in`` of each of many rows."""
    return map(itemgetter(_BLOB), rows)


def is_alone(row: bytes) -> bool:
    """Return whether the file's tenant concerns no other one."""
    return row.endswith(_ALONE)


def marks_are_reliable(row: bytes, at_ns: int) -> bool:
    """Return whether each later change gives the file other marks; ``at_ns`` is before it was read."""
    modified, changed = _TIMES.unpack_from(row, _MARK.size - _TIMES.size)
    return max(int(modified), int(changed)) < at_ns - SETTLED_NS
