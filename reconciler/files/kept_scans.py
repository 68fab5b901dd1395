"""Which files below a folder a run about a few tenants need not look at, by what an earlier run has kept.

Such a file has the marks that it had, and its one tenant has the name of the file and pins no project: it concerns
this tenant alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from reconciler.desired.naming import identity
from reconciler.files.digests import above_each
from reconciler.files.disk_marks import each, is_alone
from reconciler.files.tree import BETWEEN, names_in, stem_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as Names

    from reconciler.files.tree import Scan, ScannedFolder


class SinceKept(NamedTuple):
    """The files that are not as they were kept."""

    gone: list[str]
    """Those that were others, or are no more."""
    new: list[str]
    """Those that are others, or are new."""


class KeptFolderScan(msgspec.Struct, array_like=True, frozen=True):
    """The files of one folder (``ScannedFolder``)."""

    names: str
    marks: bytes
    concerning: tuple[str, ...]
    """The names of those that every run looks at."""


class KeptScan(msgspec.Struct, array_like=True, frozen=True):
    """What was found below a folder."""

    id: str
    """What git has for the folder as it was then; empty if that is not known."""
    folders: dict[str, KeptFolderScan]
    """By path."""

    def is_still(self, scan: Scan) -> bool:
        """Return whether there are the same files, with the same marks."""
        if scan.links or scan.problems or len(scan.folders) != len(self.folders):
            return False
        return all(_is_still(self.folders.get(found.path), found) for found in scan.folders)

    def __iter__(self) -> Iterator[str]:
        """Yield the path of each file."""
        for path, kept in self.folders.items():
            yield from (_joined(path, name) for name in names_in(kept.names))

    def named(self, wanted: Names[str]) -> list[str]:
        """Return the files that are named after the tenants with these identities, sorted."""
        found = ((path, name) for path, kept in self.folders.items() for name in _named(kept.names, wanted))
        return sorted(_joined(path, name) for path, name in found)

    def since_on_disk(self, scan: Scan) -> SinceKept | None:
        """Return the files with other marks now; None where there are links, or the marks are not known."""
        if scan.links or scan.problems or not scan.has_marks:
            return None
        found, now = SinceKept([], []), {folder.path: folder for folder in scan.folders}
        for path in dict.fromkeys((*self.folders, *now)):
            kept, here = self.folders.get(path), now.get(path)
            if kept is not None and here is not None and kept.names == here.names:
                edited = [_joined(path, name) for name in _with_other_marks(kept, here)]
                found.gone.extend(edited)
                found.new.extend(edited)
            else:
                before, after = _marked(kept), _marked(here)
                for files, marks, others in ((found.gone, before, after), (found.new, after, before)):
                    files += [_joined(path, name) for name in marks if others.get(name) != marks[name]]
        return found

    def changed(self, scan: Scan) -> set[str]:
        """Return the folders in which, or below which, files have other marks now, are new or are gone."""
        now = {folder.path: folder for folder in scan.folders}
        found: set[str] = set()
        for path in dict.fromkeys((*self.folders, *now)):
            if path not in now or not _is_still(self.folders.get(path), now[path]):
                found |= {path, *above_each(path)}
        return found

    def concerning(self, scan: Scan, wanted: Names[str]) -> list[str]:
        """Return the paths to look at for a run about the tenants with these identities, sorted."""
        found = {*scan.links}
        for folder in scan.folders:
            names = {*_named(folder.names, wanted), *self._looked_at(folder)}
            found.update(_joined(folder.path, name) for name in names)
        return sorted(found)

    def _looked_at(self, folder: ScannedFolder) -> Iterator[str]:
        kept = self.folders.get(folder.path)
        if kept is None or not folder.marks:
            yield from folder.files()
        elif _is_still(kept, folder):
            yield from kept.concerning
        else:
            before = _marked(kept)
            for name in kept.concerning:
                before.pop(name, None)
            yield from (name for name, mark in _marked(folder).items() if before.get(name) != mark)


class FilesInCommit(msgspec.Struct, frozen=True):
    """The files of a folder of a commit, as those that were kept, and what is different there."""

    kept: KeptScan
    since: SinceKept

    def named(self, wanted: Names[str]) -> list[str]:
        """Return the files that are named after the tenants with these identities, sorted."""
        new = (path for path in self.since.new if identity(stem_of(path)) in wanted)
        return sorted({*self.kept.named(wanted)}.difference(self.since.gone).union(new))

    def __iter__(self) -> Iterator[str]:
        """Yield the path of each file."""
        gone = {*self.since.gone}
        yield from (path for path in self.kept if path not in gone)
        yield from self.since.new


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


def _with_other_marks(kept: KeptFolderScan, here: ScannedFolder) -> list[str]:
    """Return which of the same files have other marks now."""
    if kept.marks == here.marks:
        return []
    marked = zip(here.files(), each(kept.marks), each(here.marks), strict=True)
    return [name for name, before, now in marked if before != now]


def _marked(folder: KeptFolderScan | ScannedFolder | None) -> dict[str, bytes]:
    """Return the marks of the files of a folder, by name."""
    return {} if folder is None else dict(zip(names_in(folder.names), each(folder.marks), strict=True))


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _named(names: str, wanted: Names[str]) -> Iterator[str]:
    found = _beginning_with(names, wanted) if names.isascii() else names_in(names)
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
