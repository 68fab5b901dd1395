"""The rule for symbolic links, which the work tree and the tree of a commit share.

A path that is named (tiers.yaml, the folder of a source) may be a link, and so may every folder on the way to it;
a file in the folder of a source may be one. What it stands for is found step by step, without opening anything,
and has to be in the fleet's folder, or a file beside it that the last commit has. No link leads into a hidden
folder or file at the top of it (.git, .env), nor into .git anywhere; beside it, into none that is hidden. A
tenant's file may be a link to such a file, or to one in the folder of its source. Links to folders that a source's
folder holds are not followed. Of what a link must not lead to, nothing is opened or repeated.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINKS: Final = 16
"""That one path may lead through."""
LEAVES: Final = "the symbolic link leaves the folder of the fleet"
HIDDEN: Final = "the symbolic link leads to a hidden file or folder"
NOWHERE: Final = "the symbolic link leads nowhere"


def resolved(path: str, link: Callable[[str], str | None], prefix: str = "") -> str:
    """The path from the tree's root without links; raises UnreadableError where a link breaks the rule above.

    ``link`` gets a path whose folders are no links, and says where a link there points; None for anything else.
    ``prefix`` is where the root is in its repository, where links may lead to what is beside it: such a path
    begins with ``../``.
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
    if is_beside(found) and not followed:
        raise UnreadableError(LEAVES)
    if followed and _enters_hidden(path, found):
        raise UnreadableError(HIDDEN)
    return found


def is_beside(path: str) -> bool:
    """Whether a path from the root leads out of it."""
    return path == ".." or path.startswith("../")


def _from(root: list[str], steps: list[str]) -> str:
    """Steps from the top of the repository, from the tree's root."""
    pairs = zip(root, steps, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return "/".join([".."] * (len(root) - shared) + steps[shared:])


def stays_in(folder: str, path: str) -> bool:
    """Whether a path from the root is below the folder; everything is below ``""``."""
    return not folder or path.startswith(f"{folder}/")


def is_git(step: str) -> bool:
    """Whether a folder of that name is git's own, on whatever file system the files were checked out."""
    return step.rstrip(". ").casefold() in {".git", "git~1"}


def _enters_hidden(path: str, found: str) -> bool:
    steps = found.split("/")
    if is_beside(found):
        return any(step.startswith(".") and step != ".." for step in steps)
    top = steps[0]
    return (top.startswith(".") and top != path.split("/", 1)[0]) or any(map(is_git, steps))
