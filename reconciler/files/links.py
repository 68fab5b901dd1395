"""The rule for symbolic links, which the work tree and the tree of a commit share.

A path that is named (tiers.yaml, the folder of a source) may be a link, and so may every folder on the way to it;
a file in the folder of a source may be one. What it stands for is found step by step, without opening anything,
and has to be in the fleet's folder. No link leads into a hidden folder or file at the top of it (.git, .env), nor
into .git anywhere. A tenant's file may be a link only to a file in the folder of its source. Links to folders
that a source's folder holds are not followed. Of what a link must not lead to, nothing is opened or repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.files.regular import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINKS: Final = 16
"""That one path may lead through."""
LEAVES: Final = "the symbolic link leaves the folder of the fleet"
HIDDEN: Final = "the symbolic link leads to a hidden file or folder"
NOWHERE: Final = "the symbolic link leads nowhere"


def resolved(path: str, link: Callable[[str], str | None]) -> str:
    """The path from the tree's root without links; raises UnreadableError where a link breaks the rule above.

    ``link`` gets a path whose folders are no links, and says where a link there points; None for anything else.
    """
    done: list[str] = []
    todo, followed = path.split("/")[::-1], 0
    while todo:
        step = todo.pop()
        if step == ".." and not done:
            raise UnreadableError(LEAVES)
        if step in {"", ".", ".."}:
            del done[len(done) - (step == "..") :]
            continue
        goal = link("/".join((*done, step)))
        if goal is None:
            done.append(step)
            continue
        followed += 1
        if goal.startswith("/"):
            raise UnreadableError(LEAVES)
        if followed > MOST_LINKS:
            raise UnreadableError(NOWHERE)
        todo += goal.split("/")[::-1]
    if followed and _enters_hidden(path, done):
        raise UnreadableError(HIDDEN)
    return "/".join(done)


def stays_in(folder: str, path: str) -> bool:
    """Whether a path from the root is below the folder; everything is below ``""``."""
    return not folder or path.startswith(f"{folder}/")


def is_git(step: str) -> bool:
    """Whether a folder of that name is git's own, on whatever file system the files were checked out."""
    return step.rstrip(". ").casefold() in {".git", "git~1"}


def _enters_hidden(path: str, steps: list[str]) -> bool:
    top = steps[0] if steps else ""
    return (top.startswith(".") and top != path.split("/", 1)[0]) or any(map(is_git, steps))
