"""The cache of what was parsed: for each tiers.yaml what it says, the tenants that were read with it, and the
marks that their files had on disk.

These are files in a folder of the user's own. A row of a tenant has the digest of the file that it was read from.
What cannot be read, has another checksum, or was written by another version of the program does not exist.
Processes replace whole files: the last one counts. They have what the files say, and no keys.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.files.disk_marks import KeptFolder, marks_are_reliable
from reconciler.files.kept_scans import KeptScan, KeptScans, kept_scan
from reconciler.files.packed_values import built
from reconciler.files.packed_values import packed as packed_value
from reconciler.files.price_list import PriceList
from reconciler.files.regular_files import UnreadableError
from reconciler.files.regular_files import read as read_file
from reconciler.files.tenant_rows import PackedTenants, Rebuilding, TenantRows
from reconciler.files.tree import stem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.desired.tenant import Tenant
    from reconciler.files.kept_roster import KeptRoster
    from reconciler.files.tree import Scan

MOST_BYTES: Final = 2**28
MOST_FILES: Final = 8
"""Older ones are deleted: a change of tiers.yaml begins a new one."""
TENANTS: Final = ".tenants"
PRICES: Final = ".prices"
DISK: Final = ".disk"
SCANS: Final = ".scans"
ROSTER: Final = ".roster"
_MAGIC: Final = b"reconciler tenants 1\n"
_CHECK_BYTES: Final = 32
_RUN_BYTES: Final = 16
_OWN: Final = 0o700
_PROGRAM: Final = ("files", "desired", "model", "plan")
"""The packages that decide what a file means."""
_LIBRARIES: Final = ("yaml", "pydantic", "pydantic_core", "msgspec")
_INVALID: Final = (msgspec.MsgspecError, LookupError, TypeError, ValueError)


class _OnDisk(msgspec.Struct, array_like=True):
    """What was found in the fleet's folder."""

    run: bytes
    """As in ``KeptScans``."""
    files: Mapping[str, bytes]
    """In the order of the tenants' names."""
    folders: Mapping[str, KeptFolder]


ENOUGH: Final = 100
"""One new file in so many is worth that all are written."""


@dataclass
class TenantCache:
    """What is kept for one tiers.yaml. Each part is read when it is first needed."""

    folder: Path
    price_list: bytes
    """The bytes of tiers.yaml."""
    root: str = ""
    """The folder of the fleet, without links; empty if no file on disk is to be known by its marks."""
    _written: TenantRows | None = None
    """The rows that this run has written."""

    @classmethod
    def open(cls, folder: Path, prices: bytes, root: Path | None = None) -> TenantCache | None:
        """Return the cache for the bytes of a tiers.yaml; None if the folder is not the user's own."""
        return None if _is_strange(folder) else cls(folder, prices, os.path.realpath(root) if root else "")

    @cached_property
    def file(self) -> Path:
        """The file of the tenants; that of the price list has the same name with another ending."""
        key = blake2b(self.price_list, digest_size=20, key=digest_of_the_program())
        return self.folder / f"{key.hexdigest()}{TENANTS}"

    @cached_property
    def _rows(self) -> TenantRows:
        found = _read(self.file, TenantRows) if self._has(TENANTS) else None
        return found or TenantRows({}, [])

    @cached_property
    def _rebuilding(self) -> Rebuilding:
        return Rebuilding(self._rows)

    @cached_property
    def _prices(self) -> Any:
        return _read(self.file.with_suffix(PRICES), list[Any]) if self._has(PRICES) else None

    @property
    def on_disk(self) -> Mapping[str, bytes]:
        """The files of the fleet's folder whose tenants are known, by path (``disk_marks.row``)."""
        return self._on_disk.files

    def kept_folder(self, folder: str) -> KeptFolder | None:
        """Return what git has for a folder with just such files in ``on_disk``; None if that was not kept."""
        return self._on_disk.folders.get(folder)

    def kept_scan(self, folder: str) -> KeptScan | None:
        """Return what was found below a folder, for runs about a few tenants; None if that was not kept."""
        return self._scans.folders.get(folder)

    @property
    def is_whole(self) -> bool:
        """Whether ``on_disk`` has all files that ``kept_scan`` has the marks of, and nothing was found in any."""
        return self._scans.whole and self._scans.run == self._on_disk.run

    @cached_property
    def roster(self) -> KeptRoster | None:
        """All tenants of the files that ``kept_scan`` has; None where that was not kept, or not of just these."""
        has = self.root and self._scans.whole and self._has(ROSTER)
        if not has:
            return None
        from reconciler.files.kept_roster import KeptRoster  # noqa: PLC0415 - for runs about few of all tenants

        found = _read(self._disk_file.with_suffix(ROSTER), KeptRoster)
        return found if isinstance(found, KeptRoster) and found.run == self._scans.run else None

    @cached_property
    def _scans(self) -> KeptScans:
        has = self.root and self._has(SCANS)
        found = _read(self._disk_file.with_suffix(SCANS), KeptScans) if has else None
        return found or KeptScans(b"", {}, whole=False)

    @cached_property
    def _on_disk(self) -> _OnDisk:
        found = _read(self._disk_file, _OnDisk) if self.root and self._has(DISK) else None
        return found or _OnDisk(b"", {}, {})

    @property
    def _disk_file(self) -> Path:
        folder = blake2b(os.fsencode(self.root), digest_size=10).hexdigest()
        return self.file.with_name(f"{self.file.stem}-{folder}{DISK}")

    def save_on_disk(
        self,
        files: Mapping[str, bytes],
        looked_at_ns: int,
        folders: Callable[[], Mapping[str, KeptFolder]],
        scans: Mapping[str, Scan],
        *,
        whole: bool,
    ) -> None:
        """Write which files have which marks, if enough are new. ``looked_at_ns`` is before they were read;
        ``folders`` says what git has for the folders of these files, and ``scans`` has what is below each.
        ``whole`` as in ``KeptScans``.
        """
        if not self.root or _is_strange(self.folder):
            return
        known = self.on_disk.get
        others = [path for path, row in files.items() if known(path) != row]
        new = {path for path in others if marks_are_reliable(files[path], looked_at_ns)}
        if new and self.are_enough(len(new), len(files)):
            late, in_order = {*others} - new, {path: files[path] for path in sorted(files, key=stem_of)}
            kept = {path: row for path, row in in_order.items() if path not in late}
            of_git, run = folders(), os.urandom(_RUN_BYTES)
            _write(self._disk_file, _OnDisk(run, kept, of_git))
            ids = {folder: one.id for folder, one in of_git.items()}
            marked = {folder: scan.without_marks_of(late) for folder, scan in scans.items() if scan.has_marks}
            seen = {folder: kept_scan(scan, kept, ids.get(folder, "")) for folder, scan in marked.items()}
            complete = whole and len(marked) == len(scans)
            _write(self._disk_file.with_suffix(SCANS), KeptScans(run, seen, whole=complete))
            if complete:
                self._save_roster(run, in_order)

    def _save_roster(self, run: bytes, files: Mapping[str, bytes]) -> None:
        from reconciler.files.kept_roster import kept_roster  # noqa: PLC0415 - only where anything is kept

        if (found := kept_roster(run, files, self._written or self._rows)) is not None:
            _write(self._disk_file.with_suffix(ROSTER), found)

    @staticmethod
    def are_enough(new: int, of: int) -> bool:
        """Return whether so many new files are worth being written."""
        return new * ENOUGH >= of

    def forget_on_disk(self) -> None:
        """Free the memory of what is known of the disk, which is read again when it is needed."""
        for name in ("_on_disk", "_scans", "roster"):
            self.__dict__.pop(name, None)
        self._written = None

    def _has(self, ending: str) -> bool:
        """Return whether there is any such file: if not, the program need not be read."""
        with suppress(OSError):
            return any(name.endswith(ending) for name in os.listdir(self.folder))  # noqa: PTH208 - names only
        return False

    def _has_folder(self) -> bool:
        """Return whether there is a folder to write to, which is made where it is missing."""
        with suppress(OSError):
            self.folder.mkdir(mode=_OWN, parents=True, exist_ok=True)
        return not _is_strange(self.folder)

    def prices(self, name: str) -> PriceList | None:
        """Return what tiers.yaml says, under its name in messages; None if that is not known."""
        try:
            found = None if self._prices is None else built(self._prices, name)
        except _INVALID:
            return None
        return found if isinstance(found, PriceList) else None

    def tenant(self, digest: bytes, path: str, file: str) -> Tenant | None:
        """Return the tenant of the file with this digest; None if it is not known, or its row is damaged."""
        row = self._rows.by_digest.get(digest)
        try:
            return None if row is None else self._rebuilding.tenant(row, path, file)
        except _INVALID:
            return None

    def all_tenants(self, files: Iterable[tuple[bytes, str]], name: Callable[[str], str]) -> dict[bytes, Tenant]:
        """Return the tenants of files, given by digest and path, by digest; without those that ``tenant`` has not.

        ``name`` returns the name of a file in messages.
        """
        rows, rebuilt, found = self._rows.by_digest.get, self._rebuilding.tenant, dict[bytes, "Tenant"]()
        for digest, path in files:
            if (row := rows(digest)) is not None:
                try:
                    found[digest] = rebuilt(row, path, name(path))
                except _INVALID:
                    continue
        return found

    def save_tenants(self, tenants: Mapping[bytes, Tenant]) -> None:
        """Write these tenants, and as many of the others, if enough of them are new."""
        if not self._has_folder():
            return
        known = self._rows.by_digest
        new = [digest for digest in tenants if digest not in known]
        if not new or not self.are_enough(len(new), len(tenants)):
            return
        packing = PackedTenants()
        packing.add_rows((digest for digest in tenants if digest in known), self._rows)
        for digest in new:
            packing.add(digest, tenants[digest])
        others = [digest for digest in known if digest not in tenants]
        packing.add_rows(others[: len(packing.rows)], self._rows)
        self._written = packing.packed()
        _write(self.file, self._written)

    def save_prices(self, price_lists: Mapping[str, PriceList]) -> None:
        """Write what tiers.yaml says, if that is not kept yet."""
        if not price_lists or self._prices is not None or not self._has_folder():
            return
        for name, prices in price_lists.items():
            with suppress(LookupError, TypeError, OverflowError, msgspec.MsgspecError):
                _write(self.file.with_suffix(PRICES), packed_value(prices, name))
                return


@cache
def digest_of_the_program() -> bytes:
    """Return a digest of the program as far as it decides what a file means, with the libraries that read it."""
    found = blake2b("\n".join(_libraries()).encode())
    for source in _sources():
        with open(source, "rb", buffering=0) as opened:  # noqa: PTH123 - 200 files: pathlib takes twice as long
            found.update(opened.read())
    return found.digest()


def _sources() -> Iterator[str]:
    """Yield the files of the program, always in the same order."""
    root = Path(__file__).parents[1]
    for package in _PROGRAM:
        for folder, folders, names in os.walk(root / package):
            folders.sort()
            yield from (f"{folder}/{name}" for name in sorted(names) if name.endswith(".py"))


def _libraries() -> Iterator[str]:
    """Yield the libraries with their versions, as the installer has noted them, without importing one."""
    for library in _LIBRARIES:
        spec = find_spec(library)
        if spec is not None and spec.origin is not None:
            names = os.listdir(Path(spec.origin).parents[1])  # noqa: PTH208 - names only
            yield from sorted(n for n in names if n.lower().startswith((library, f"py{library}")) and "-" in n)


def _is_strange(folder: Path) -> bool:
    """Return whether somebody else can write to the folder. One that does not exist is nobody's."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    others = stat.S_IMODE(found.st_mode) & ~_OWN
    return not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or bool(others)


def _read(file: Path, kind: Any) -> Any:
    """Return the contents of a file of the cache; None if there is none, or it is damaged."""
    try:
        content = memoryview(read_file(file, MOST_BYTES))
        start = len(_MAGIC) + _CHECK_BYTES
        check, body = bytes(content[len(_MAGIC) : start]), content[start:]
        if bytes(content[: len(_MAGIC)]) != _MAGIC or blake2b(body, digest_size=_CHECK_BYTES).digest() != check:
            return None
        return msgspec.msgpack.decode(body, type=kind)
    except (OSError, UnreadableError, msgspec.MsgspecError):
        return None


def _write(file: Path, contents: object) -> None:
    """Replace a file of the cache, if that is possible, and delete the oldest of its kind."""
    try:
        body = msgspec.msgpack.encode(contents)
    except UnicodeEncodeError:  # a path whose bytes are no text here: the files are read again each time
        return
    if len(body) >= MOST_BYTES:
        return
    with suppress(OSError):
        with NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as part:
            part.write(_MAGIC + blake2b(body, digest_size=_CHECK_BYTES).digest())
            part.write(body)
        Path(part.name).replace(file)
        kept = sorted(file.parent.glob(f"*{file.suffix}"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in kept[MOST_FILES:]:
            old.unlink(missing_ok=True)
