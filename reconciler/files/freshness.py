"""Whether the files at hand are the tip of a branch: a run on an old commit must not undo a newer one."""

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
"""Digits of a commit's id in a message."""


def require_tip(root: Path, ref: str, *, tiers: str = "tiers.yaml") -> None:
    """Raises StaleFilesError unless the files are those of the last commit of ``ref``, and not edited since.

    A branch of a remote, and a local one that follows one, is asked of the remote itself: what was fetched
    last may be old by now. Raises InvalidInputError for a ref that does not exist, and SupersededError where the
    files are of a commit that the remote's branch has left behind.
    """
    repository = found(root)
    tip, head = _tip(repository, ref), commit_id(root, "HEAD")
    if head != tip:
        left_behind = _was_on(repository, ref, head) and edited(root, tiers=tiers) is None
        kind = SupersededError if left_behind else StaleFilesError
        raise kind(
            f"the files are of commit {head[:SHORT]}, and {ref} is at {tip[:SHORT]}",
            hint=f"check out {ref} as it is now, and run again",
        )
    if what := edited(root, tiers=tiers):
        raise StaleFilesError(
            f"the files were edited since commit {head[:SHORT]}, the tip of {ref}: {what}",
            hint="commit the edits and bring them to the branch, or put them aside",
        )


def _was_on(repository: Repository, ref: str, head: str) -> bool:
    """Whether the remote's branch, as it was fetched last, holds the commit."""
    full = named(repository, ref).ref
    followed = None if full is None else remote.upstream(repository, full)
    if followed is None:
        return False
    fetched = repository.follow(f"refs/remotes/{followed[0]}/{followed[1].removeprefix('refs/heads/')}")[1]
    return fetched is not None and (fetched == head or ancestry(repository)(head, fetched))


def _tip(repository: Repository, ref: str) -> str:
    fetched, full = named(repository, ref)
    followed = None if full is None else remote.upstream(repository, full)
    if followed is None:
        return fetched
    tip = remote.tip(repository, *followed)
    if tip is None:
        raise StaleFilesError(
            f"remote {followed[0]} does not say where {ref} is; "
            f"the last commit fetched from it is {fetched[:SHORT]}",
            hint="is the remote in reach, and the branch still there? without --ref nothing is checked",
        )
    return tip
