"""The rule for symbolic links, shared by the work tree and the tree of a commit.

A named path (tiers.yaml, the folder of a source) may be a link, and so may every folder on its path; a file in the
folder of a source may be one. Targets are resolved step by step, without opening anything, and have to be in the
fleet's folder, or be a file outside it that the last commit contains. No link may lead to a hidden folder or file
at the top of it (.git, .env), nor to .git anywhere; outside it, to nothing hidden. A tenant's file may be a link
to such a file, or to one in the folder of its source. Links to folders inside a source's folder are not followed.
Forbidden targets are neither opened nor repeated.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINKS: Final = 16
"""Maximum number of links in one path."""
LEAVES: Final = "the symbolic link leads out of the folder of the fleet"
HIDDEN: Final = "the symbolic link leads to a hidden file or folder"
NOWHERE: Final = "the target of the symbolic link does not exist"
LEAVES_TENANTS: Final = "the symbolic link leads out of the folder of the tenants"
FOLDERS: Final = "symbolic links to folders are not followed"
_OTHER_FOLDER: Final = "a folder is read if a source in the tenants of tiers.yaml names it"
_REMEDIES: Final = {
    LEAVES: "place its target in the folder of the fleet",
    NOWHERE: "correct the link, or remove it",
    LEAVES_TENANTS: _OTHER_FOLDER,
    FOLDERS: f"remove the link: {_OTHER_FOLDER}",
}


def remedy(reason: str) -> str | None:
    """Return what to do about a link, by the reason why it is not followed; None for other reasons."""
    return _REMEDIES.get(reason)


def resolved(path: str, link: Callable[[str], str | None], prefix: str = "") -> str:
    """Return the path from the tree's root without links; raises UnreadableError if a link breaks the rule above.

    ``link`` gets a path whose folders are not links, and returns the target of a link there; None for anything
    else. ``prefix`` is the path of the root in its repository, where links may lead out of the root: such a path
    starts with ``../``.
    """
    root = prefix.split("/") if prefix else []
    done = [*root]
    todo, followed = path.split("/")[::-1], 0
    while todo:
        step = todo.pop()
        if step == ".." and not done:
            raise UnreadableError(LEAVES)
        if step in {"", ".", ".."}:
            del done[len(done) - (step == "..") :]
            continue
        goal = link(_from(root, [*done, step]))
        if goal is None:
            done.append(step)
            continue
        followed += 1
        if goal.startswith("/"):
            raise UnreadableError(LEAVES)
        if followed > MOST_LINKS:
            raise UnreadableError(NOWHERE)
        todo += goal.split("/")[::-1]
    found = _from(root, done)
    if is_outside(found) and not followed:
        raise UnreadableError(LEAVES)
    if followed and _enters_hidden(path, found):
        raise UnreadableError(HIDDEN)
    return found


def is_outside(path: str) -> bool:
    """Return whether a path from the root leads out of it."""
    return path == ".." or path.startswith("../")


def _from(root: list[str], steps: list[str]) -> str:
    """Return steps from the top of the repository as a path from the tree's root."""
    pairs = zip(root, steps, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return "/".join([".."] * (len(root) - shared) + steps[shared:])


def is_below(folder: str, path: str) -> bool:
    """Return whether a path from the root is below the folder; everything is below ``""``."""
    return not folder or path.startswith(f"{folder}/")


def is_git(step: str) -> bool:
    """Return whether a folder of that name is git's own, on any file system."""
    return step.rstrip(". ").casefold() in {".git", "git~1"}


def _enters_hidden(path: str, found: str) -> bool:
    steps = found.split("/")
    if is_outside(found):
        return any(step.startswith(".") and step != ".." for step in steps)
    top = steps[0]
    return (top.startswith(".") and top != path.split("/", 1)[0]) or any(map(is_git, steps))
