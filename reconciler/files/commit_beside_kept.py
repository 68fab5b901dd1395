"""Which files of a commit are others than those that an earlier run has found on disk and kept.

Git has the same folder, if it was ever committed: then two trees are compared, and folders with the same id are
not read. It does not matter what is on disk now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.files.commit_tree import is_too_much
from reconciler.files.kept_scans import SinceKept
from reconciler.files.objects import TreeEntryKind
from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.objects import Objects, TreeEntry

_USUAL: Final = frozenset({None, TreeEntryKind.FILE, TreeEntryKind.FOLDER})


def since_kept(id_: str, commit: CommitTree, folder: str) -> SinceKept | None:
    """Return the files of a folder that are others in a commit than where it had the id that git gives to it.

    None where the commit has links or submodules in it, or no such folder, or where git has not both.
    """
    now = commit.folder_id(folder)
    if not id_ or now is None:
        return None
    try:
        return _between(commit.objects, folder, id_, now)
    except UnreadableError:
        return None


def _between(objects: Objects, top: str, before: str, now: str) -> SinceKept | None:
    found, waiting, seen = SinceKept([], []), [(top, before, now)], 0
    while waiting:
        folder, *ids = waiting.pop()
        if ids[0] == ids[1]:
            continue
        then, here = (objects.tree(id_) if id_ else {} for id_ in ids)
        seen += len(then) + len(here)
        if is_too_much(seen, folder):
            return None
        for name in {**then, **here}:
            both = (then.get(name), here.get(name))
            if name.startswith(".") or both[0] == both[1]:
                continue
            path, kinds = f"{folder}/{name}" if folder else name, [one and one.kind for one in both]
            if not _USUAL.issuperset(kinds):
                return None
            if TreeEntryKind.FOLDER in kinds:
                waiting.append((path, _id_of_folder(both[0]), _id_of_folder(both[1])))
            for paths, kind in zip(found, kinds, strict=True):
                paths.extend([path] if kind is TreeEntryKind.FILE else [])
    return found


def _id_of_folder(entry: TreeEntry | None) -> str:
    return "" if entry is None or entry.kind is not TreeEntryKind.FOLDER else entry.id
