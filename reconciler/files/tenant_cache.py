"""The cache of parsed tenants: one file for each tiers.yaml, in a folder of the user's own.

A row has the digest of the file that it was read from. What cannot be read, has another checksum, or was written
by another version of the program does not exist. Processes replace the whole file: the last one counts. It has
what the files say, and no keys.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

import msgspec
import pydantic
import yaml

from reconciler.files.regular_files import UnreadableError
from reconciler.files.regular_files import read as read_file
from reconciler.files.tenant_rows import Rebuilding, packed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.tenant import Tenant

MOST_BYTES: Final = 2**28
MOST_FILES: Final = 8
"""Older ones are deleted: a change of tiers.yaml begins a new one."""
_ENDING: Final = ".tenants"
_MAGIC: Final = b"reconciler tenants 1\n"
_CHECK_BYTES: Final = 32
_OWN: Final = 0o700
_PROGRAM: Final = ("files", "desired", "model", "plan")
"""The packages that decide what a file means."""


@dataclass(slots=True)
class TenantCache:
    """The rows for one tiers.yaml."""

    file: Path
    _rows: dict[bytes, msgspec.Raw]
    _rebuilding: Rebuilding = field(default_factory=Rebuilding)

    @classmethod
    def open(cls, folder: Path, prices: bytes) -> TenantCache | None:
        """Return the cache for the bytes of a tiers.yaml; None if the folder is not the user's own."""
        if not _is_own(folder):
            return None
        key = blake2b(prices, digest_size=20, key=_program())
        file = folder / f"{key.hexdigest()}{_ENDING}"
        return cls(file, _read(file))

    def tenant(self, digest: bytes, path: str, file: str) -> Tenant | None:
        """Return the tenant of the file with this digest; None if it is not known, or its row is damaged."""
        row = self._rows.get(digest)
        try:
            return None if row is None else self._rebuilding.tenant(row, path, file)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError):
            return None

    def save(self, tenants: Mapping[bytes, Tenant]) -> None:
        """Write these tenants, and as many of the others, if enough of them are new."""
        new = [digest for digest in tenants if digest not in self._rows]
        if not new or len(new) * 100 < len(tenants):
            return
        rows = {digest: row for digest in tenants if (row := self._rows.get(digest)) is not None}
        rows |= {digest: row for digest in new if (row := packed(tenants[digest])) is not None}
        others = (digest for digest in self._rows if digest not in rows)
        rows |= {digest: self._rows[digest] for digest, _ in zip(others, range(len(rows)), strict=False)}
        with suppress(OSError):
            _write(self.file, rows)


def _program() -> bytes:
    """Return a digest of the program as far as it decides what a file means, with the libraries that read it."""
    found = blake2b(f"{yaml.__version__} {pydantic.VERSION} {msgspec.__version__}".encode())
    root = Path(__file__).parents[1]
    for package in _PROGRAM:
        for source in sorted((root / package).rglob("*.py")):
            found.update(source.read_bytes())
    return found.digest()


def _is_own(folder: Path) -> bool:
    """Return whether nobody else can write to the folder, which is made if it does not exist."""
    try:
        folder.mkdir(mode=_OWN, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    others = stat.S_IMODE(found.st_mode) & ~_OWN
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not others


def _read(file: Path) -> dict[bytes, msgspec.Raw]:
    try:
        whole = memoryview(read_file(file, MOST_BYTES))
        start = len(_MAGIC) + _CHECK_BYTES
        check, body = bytes(whole[len(_MAGIC) : start]), whole[start:]
        if bytes(whole[: len(_MAGIC)]) != _MAGIC or blake2b(body, digest_size=_CHECK_BYTES).digest() != check:
            return {}
        return msgspec.msgpack.decode(body, type=dict[bytes, msgspec.Raw])
    except (OSError, UnreadableError, msgspec.MsgspecError):
        return {}


def _write(file: Path, rows: Mapping[bytes, msgspec.Raw]) -> None:
    body = msgspec.msgpack.encode(rows)
    if len(body) >= MOST_BYTES:
        return
    with NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as part:
        part.write(_MAGIC + blake2b(body, digest_size=_CHECK_BYTES).digest())
        part.write(body)
    Path(part.name).replace(file)
    kept = sorted(file.parent.glob(f"*{_ENDING}"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[MOST_FILES:]:
        old.unlink(missing_ok=True)
