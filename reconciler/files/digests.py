"""What identifies the bytes of a file."""

from __future__ import annotations

import os
from hashlib import blake2b, sha1
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.files.disk_marks import blobs_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BYTES: Final = 20


def digest(data: bytes) -> bytes:
    """Return a digest that no two files can be made to share (BLAKE2)."""
    return blake2b(data, digest_size=_BYTES).digest()


def blob_id(data: bytes) -> str:
    """Return the id that git gives to a file with these bytes."""
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class Apart(NamedTuple):
    """The files that a commit and the disk do not have in common: of other bytes, or of one of them only."""

    in_commit: list[str]
    on_disk: list[str]


class FoldersOnDisk(NamedTuple):
    """A folder on disk and all folders below it, by path."""

    files: Mapping[str, Sequence[str]]
    """Those directly in each."""
    ids: Mapping[str, str]
    """Those that git gives to them, as far as they are known."""


def by_folder(folder: str, files: Iterable[str]) -> dict[str, list[str]]:
    """Return the files at any depth below a folder, by the folder that each is in, and all folders between."""
    found: dict[str, list[str]] = {folder: []}
    for path in files:
        home = path.rpartition("/")[0]
        if home not in found:
            _add_folders(found, home)
        found[home].append(path)
    return found


def with_folders_between(top: str, files: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the files by the folder that each is in, below ``top``, with all folders between (``by_folder``)."""
    found: dict[str, list[str]] = {top: []}
    for folder, own in files.items():
        _add_folders(found, folder)
        found[folder] = own
    return found


def _add_folders(found: dict[str, list[str]], folder: str) -> None:
    """Add a folder and those above it, up to one that is there."""
    while folder not in found:
        found[folder] = []
        folder = _above(folder)


def at_any_depth(files: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return for each folder the files in it and below it, of those that are directly in each (``by_folder``)."""
    found = {folder: [*own] for folder, own in files.items()}
    for folder in _deepest_first(files):
        if folder and (above := found.get(_above(folder))) is not None:
            above += found[folder]
    return found


def tree_ids(
    files: Mapping[str, Sequence[str]], rows: Mapping[str, bytes], known: Mapping[str, str]
) -> dict[str, str]:
    """Return the ids that git gives to folders with these files (``by_folder``) and no others, none of them
    executable.

    ``rows`` are those of the files; a folder where one is missing has no id, nor have those above it. Ids that are
    ``known`` are not computed.
    """
    found: dict[str, str] = {}
    below: dict[str, list[str]] = {folder: [] for folder in files}
    for folder in _deepest_first(files):
        if (id_ := known.get(folder) or _tree_id(folder, files[folder], rows, below[folder], found)) is not None:
            found[folder] = id_
        if folder and _above(folder) in below:
            below[_above(folder)].append(folder)
    return found


def _tree_id(
    folder: str,
    files: Sequence[str],
    rows: Mapping[str, bytes],
    folders: Iterable[str],
    ids: Mapping[str, str],
) -> str | None:
    before = len(folder) + 1 if folder else 0
    if None in (found := [*map(rows.get, files)]):
        return None
    names = os.fsencode("/".join(path[before:] for path in files)).split(b"/") if found else []
    blobs = blobs_in(filter(None, found))
    entries = [(name, b"100644 %b\0%b" % (name, blob)) for name, blob in zip(names, blobs, strict=True)]
    for below in folders:
        if below not in ids:
            return None
        name = os.fsencode(below[before:])
        entries.append((name + b"/", b"40000 %b\0%b" % (name, bytes.fromhex(ids[below]))))
    data = b"".join(entry for _, entry in sorted(entries))
    return sha1(b"tree %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _deepest_first(folders: Iterable[str]) -> list[str]:
    return sorted(folders, key=lambda path: path.count("/") + bool(path), reverse=True)


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def above_each(path: str) -> Iterator[str]:
    """Yield the folders above a path, the root last."""
    while path:
        path = _above(path)
        yield path
