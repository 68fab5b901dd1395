"""Whether the current files are the tip of a branch: a run on an old commit must not undo a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import StaleFilesError, SupersededError
from reconciler.files import remote
from reconciler.files.git import ancestry, commit_id, edited
from reconciler.files.refs import named
from reconciler.files.repository import found

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.files.repository import Repository

SHORT: Final = 12
"""Digits of a commit id in a message."""


def require_tip(root: Path, ref: str) -> None:
    """Raise StaleFilesError unless the files are the last commit of ``ref``, without edits.

    For a branch of a remote, and a local one that follows it, the remote itself is asked: the last fetch may be
    old. Raises InvalidInputError if the ref does not exist, and SupersededError if the remote's branch has moved
    past the files' commit.
    """
    repository = found(root)
    tip, head = tip_of(repository, ref), commit_id(root, "HEAD")
    if head != tip:
        left_behind = _was_on(repository, ref, head) and edited(root) is None
        kind = SupersededError if left_behind else StaleFilesError
        raise kind(
            f"the files are at commit {head[:SHORT]}, but {ref} is at {tip[:SHORT]}",
            hint=f"check out the current {ref} and run again",
        )
    if what := edited(root):
        raise StaleFilesError(
            f"the files were edited since commit {head[:SHORT]}, the tip of {ref}: {what}",
            hint="commit and push the edits, or stash them",
        )


def _was_on(repository: Repository, ref: str, head: str) -> bool:
    """Return whether the remote's branch, as of the last fetch, contains the commit."""
    followed = remote.upstream_of_branch(repository, ref)
    if followed is None:
        return False
    fetched = repository.follow(f"refs/remotes/{followed[0]}/{followed[1].removeprefix('refs/heads/')}")[1]
    return fetched is not None and (fetched == head or ancestry(repository)(head, fetched))


def tip_of(repository: Repository, ref: str) -> str:
    """Return the last commit of ``ref``, of the remote if it follows one. Raises as ``require_tip``."""
    fetched, followed = named(repository, ref).commit, remote.upstream_of_branch(repository, ref)
    if followed is None:
        return fetched
    tip = remote.tip(repository, *followed)
    if tip is None:
        raise StaleFilesError(
            f"remote {followed[0]} did not return the commit of {ref}; the last commit fetched from it is "
            f"{fetched[:SHORT]}",
            hint="check that the remote is reachable and the branch exists; without --ref nothing is checked",
        )
    return tip
