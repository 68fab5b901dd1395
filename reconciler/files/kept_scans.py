"""Which files below a folder a run about a few tenants need not look at, by what an earlier run has kept.

Such a file has the marks that it had, and its one tenant has the name of the file and pins no project: it concerns
this tenant alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reconciler.desired.naming import identity
from reconciler.files.disk_marks import each, is_alone
from reconciler.files.tree import BETWEEN, names_in, stem_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as Names

    from reconciler.files.tree import Scan, ScannedFolder


class KeptFolderScan(msgspec.Struct, array_like=True, frozen=True):
    """The files of one folder (``ScannedFolder``)."""

    names: str
    marks: bytes
    concerning: tuple[str, ...]
    """The names of those that every run looks at."""


class KeptScan(msgspec.Struct, array_like=True, frozen=True):
    """What was found below a folder."""

    id: str
    """What git has for the folder; empty if that is not known."""
    folders: dict[str, KeptFolderScan]
    """By path."""

    def is_still(self, scan: Scan) -> bool:
        """Return whether there are the same files, with the same marks."""
        if scan.links or scan.problems or len(scan.folders) != len(self.folders):
            return False
        return all(_is_still(self.folders.get(found.path), found) for found in scan.folders)

    def concerning(self, scan: Scan, wanted: Names[str]) -> list[str]:
        """Return the paths to look at for a run about the tenants with these identities, sorted."""
        found = {*scan.links}
        for folder in scan.folders:
            names = {*_named(folder, wanted), *self._looked_at(folder)}
            found.update(f"{folder.path}/{name}" if folder.path else name for name in names)
        return sorted(found)

    def _looked_at(self, folder: ScannedFolder) -> Iterator[str]:
        kept = self.folders.get(folder.path)
        if kept is None or not folder.marks:
            yield from folder.files()
        elif _is_still(kept, folder):
            yield from kept.concerning
        else:
            before = dict(zip(names_in(kept.names), each(kept.marks), strict=True))
            for name in kept.concerning:
                before.pop(name, None)
            now = zip(folder.files(), each(folder.marks), strict=True)
            yield from (name for name, mark in now if before.get(name) != mark)


class KeptScans(msgspec.Struct, array_like=True, frozen=True):
    """What a run has found on disk."""

    run: bytes
    """Which run it was."""
    folders: dict[str, KeptScan]
    whole: bool
    """Whether it knew the tenant of each file, and found nothing in any."""


def _is_still(kept: KeptFolderScan | None, found: ScannedFolder) -> bool:
    return kept is not None and kept.names == found.names and kept.marks == found.marks


def kept_scan(scan: Scan, rows: Mapping[str, bytes], id_: str) -> KeptScan:
    """Return what to keep. ``rows`` are the files whose tenants are known (``disk_marks.row``)."""
    folders: dict[str, KeptFolderScan] = {}
    for found in scan.folders:
        marked = zip(found.files(), each(found.marks), strict=True)
        prefix = f"{found.path}/" if found.path else ""
        rest = tuple(name for name, mark in marked if not _is_alone(rows.get(prefix + name), mark))
        folders[found.path] = KeptFolderScan(found.names, found.marks, rest)
    return KeptScan(id_, folders)


def _is_alone(row: bytes | None, mark: bytes) -> bool:
    return row is not None and row.startswith(mark) and is_alone(row)


def named(scan: Scan, wanted: Names[str]) -> list[str]:
    """Return the files that are named after the tenants with these identities, sorted, without links."""
    paths = ((folder.path, name) for folder in scan.folders for name in _named(folder, wanted))
    return sorted(f"{path}/{name}" if path else name for path, name in paths)


def _named(folder: ScannedFolder, wanted: Names[str]) -> Iterator[str]:
    names = folder.names
    found = _beginning_with(names, wanted) if names.isascii() else folder.files()
    yield from (name for name in found if identity(stem_of(name)) in wanted)


def _beginning_with(names: str, wanted: Names[str]) -> Iterator[str]:
    """Yield those of the names, all in ASCII, that continue one of these identities with a dot."""
    text = f"{BETWEEN}{names.lower()}{BETWEEN}"
    for one in wanted:
        at = text.find(f"{BETWEEN}{one}.")
        while at >= 0:
            end = text.index(BETWEEN, at + 1)
            yield names[at : end - 1]
            at = text.find(f"{BETWEEN}{one}.", end)
