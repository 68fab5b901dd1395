"""What identifies the bytes of a file."""

from __future__ import annotations

import os
from hashlib import blake2b, sha1
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BYTES: Final = 20


def digest(data: bytes) -> bytes:
    """Return a digest that no two files can be made to share (BLAKE2)."""
    return blake2b(data, digest_size=_BYTES).digest()


def blob_id(data: bytes) -> str:
    """Return the id that git gives to a file with these bytes."""
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def tree_id(folder: str, files: Iterable[str], blobs: Mapping[str, bytes]) -> str | None:
    """Return the id that git gives to a folder with these files, and no others, none of them executable.

    ``blobs`` are their ids; None if that of one is missing.
    """
    entries: dict[str, list[tuple[bytes, bytes]]] = {folder: []}
    for path in files:
        if (blob := blobs.get(path)) is None:
            return None
        above, _, name = path.rpartition("/")
        if above not in entries:
            _add_folders(entries, above)
        encoded = os.fsencode(name)
        entries[above].append((encoded, b"100644 %b\0%b" % (encoded, blob)))
    found = b""
    for below in sorted(entries, key=lambda path: path.count("/") + bool(path), reverse=True):
        data = b"".join(entry for _, entry in sorted(entries[below]))
        found = sha1(b"tree %d\0" % len(data) + data, usedforsecurity=False).digest()
        if below != folder:
            above, _, name = below.rpartition("/")
            encoded = os.fsencode(name)
            entries[above].append((encoded + b"/", b"40000 %b\0%b" % (encoded, found)))
    return found.hex()


def _add_folders(entries: dict[str, list[tuple[bytes, bytes]]], folder: str) -> None:
    """Add a folder and those above it, up to one that is there."""
    while folder not in entries:
        entries[folder] = []
        folder = folder.rpartition("/")[0]
