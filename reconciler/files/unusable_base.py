"""Why HEAD cannot be compared with an earlier commit, and what a person can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.files.git import is_shallow
from reconciler.files.libgit import pygit2
from reconciler.files.repository import found
from reconciler.plan.baseline import Unusable

if TYPE_CHECKING:
    from pathlib import Path

_FETCH: Final = "fetch the whole history (fetch-depth: 0)"


def why_unusable(root: Path, commit: str) -> Unusable:
    """Return why the tenants of which this commit is the base have an unknown history here."""
    if is_shallow(root):
        return Unusable("that commit cannot be read here, in a shallow clone", _FETCH)
    libgit = found(root).libgit
    try:
        common: pygit2.Oid | None = libgit.merge_base(libgit[commit].id, libgit.head.target)
    except (KeyError, ValueError, pygit2.GitError):
        return Unusable("that commit cannot be read here, and may be in no branch any more", _FETCH)
    if common is None:
        return Unusable("that commit and HEAD have no commit in common: the history was rewritten", None)
    return Unusable(
        "that commit and HEAD parted in several commits, by criss-cross merges",
        f"merge it once more (git merge {commit[:12]})",
    )
