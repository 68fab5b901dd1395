"""What differs between two folders in git: those below them with the same id are not read.

So a commit is compared with the files that an earlier run has found on disk and kept, if git has the same folder:
wherever these came from, and whatever is on disk now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.files.commit_tree import TOO_MANY, is_too_much
from reconciler.files.kept_scans import SinceKept
from reconciler.files.objects import TreeEntryKind
from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.objects import Objects, TreeEntry

_USUAL: Final = frozenset({None, TreeEntryKind.FILE})


class Difference(NamedTuple):
    """An entry of two folders, at any depth, that is another one in the second; none of the two is a folder."""

    path: str
    before: TreeEntry | None
    now: TreeEntry | None


def differences(objects: Objects, before: str, now: str, top: str = "") -> Iterator[Difference]:
    """Yield what differs between the folders with these ids; ``top`` is their path. Raises UnreadableError."""
    waiting, seen = [(top, before, now)], 0
    while waiting:
        folder, *ids = waiting.pop()
        if ids[0] == ids[1]:
            continue
        then, here, entries = objects.differing(*ids)
        seen += entries
        if is_too_much(seen, folder):
            raise UnreadableError(TOO_MANY)
        for name in sorted({**then, **here}):
            first, second = then.get(name), here.get(name)
            if first == second:
                continue
            path, folders = f"{folder}/{name}" if folder else name, (_id_of_folder(first), _id_of_folder(second))
            if any(folders):
                waiting.append((path, *folders))
            others = (None if id_ else entry for id_, entry in zip(folders, (first, second), strict=True))
            if any(found := (*others,)):
                yield Difference(path, *found)


def _id_of_folder(entry: TreeEntry | None) -> str:
    return "" if entry is None or entry.kind is not TreeEntryKind.FOLDER else entry.id


def since_kept(id_: str, commit: CommitTree, folder: str) -> SinceKept | None:
    """Return the files of a folder that are others in a commit than where it had the id that git gives to it.

    None where the commit has links or submodules in it, or no such folder, or where git has not both.
    """
    now, found = commit.folder_id(folder), SinceKept([], [])
    if not id_ or now is None:
        return None
    try:
        for one in differences(commit.objects, id_, now, folder):
            if _is_hidden(one.path, folder):
                continue
            if not _USUAL.issuperset(entry and entry.kind for entry in (one.before, one.now)):
                return None
            found.gone.extend([one.path] if one.before else [])
            found.new.extend([one.path] if one.now else [])
    except UnreadableError:
        return None
    return found


def _is_hidden(path: str, folder: str) -> bool:
    return any(part.startswith(".") for part in path[len(folder) :].split("/"))
