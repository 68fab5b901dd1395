"""What identifies the bytes of a file."""

from __future__ import annotations

from hashlib import blake2b, sha1
from typing import Final

_BYTES: Final = 20


def digest(data: bytes) -> bytes:
    """Return a digest that no two files can be made to share (BLAKE2)."""
    return blake2b(data, digest_size=_BYTES).digest()


def blob_id(data: bytes) -> str:
    """Return the id that git gives to a file with these bytes."""
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
