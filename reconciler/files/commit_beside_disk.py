"""Which files of a commit are others than those on disk: folders with the same id are not compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.files.commit_tree import is_too_much
from reconciler.files.digests import Apart, above_each
from reconciler.files.disk_marks import blob_in
from reconciler.files.objects import TreeEntryKind
from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.digests import FoldersOnDisk
    from reconciler.files.objects import TreeEntry


def compared(disk: FoldersOnDisk, rows: Mapping[str, bytes], commit: CommitTree, folder: str) -> Apart | None:
    """Return the files of a folder that differ from those of a commit; the others have the same bytes in both.

    ``rows`` are those of the files on disk (``disk_marks.row``). None where the commit has more in it than files
    and folders, or has no such folder, or cannot be read.
    """
    try:
        return _Comparison(disk, rows).of(commit, folder)
    except UnreadableError:
        return None


class _Comparison(Struct, frozen=True):
    disk: FoldersOnDisk
    rows: Mapping[str, bytes]

    def of(self, commit: CommitTree, top: str) -> Apart | None:
        if (id_ := commit.folder_id(top)) is None or top not in self.disk.files:
            return None
        compared, others = dict.fromkeys((top,), False), Apart([], [])
        waiting, seen = [(top, id_)], 0
        while waiting:
            folder, id_ = waiting.pop()
            compared[folder] = self.disk.ids.get(folder) == id_
            if compared[folder]:
                continue
            entries = commit.objects.tree(id_)
            seen += len(entries)
            if is_too_much(seen, folder) or not self._compare(folder, entries, waiting, others):
                return None
        for folder in [path for path in self.disk.files if path not in compared]:
            if not compared[next(above for above in above_each(folder) if above in compared)]:
                others.on_disk.extend(self.disk.files[folder])
        others.in_commit.sort()
        return others

    def _compare(
        self, folder: str, entries: Mapping[str, TreeEntry], below: list[tuple[str, str]], others: Apart
    ) -> bool:
        """Compare the files directly in a folder, and add the folders in it; return False for links and others."""
        here = dict.fromkeys(self.disk.files.get(folder, ()))
        for name, entry in entries.items():
            path = f"{folder}/{name}" if folder else name
            if name.startswith("."):
                continue
            if entry.kind is TreeEntryKind.FOLDER:
                below.append((path, entry.id))
            elif entry.kind is not TreeEntryKind.FILE:
                return False
            elif path in here and self._has(path, entry.id):
                del here[path]
            else:
                others.in_commit.append(path)
        others.on_disk.extend(here)
        return True

    def _has(self, path: str, blob: str) -> bool:
        row = self.rows.get(path)
        return row is not None and blob_in(row).hex() == blob
