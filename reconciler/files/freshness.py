"""Whether the files at hand are the tip of a branch: a run on an old commit must not undo a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import StaleFilesError
from reconciler.files.git import commit_id, git, is_edited

if TYPE_CHECKING:
    from pathlib import Path

_HEADS: Final = "refs/heads/"
_REMOTES: Final = "refs/remotes/"
SHORT: Final = 12
"""Digits of a commit's id in a message."""


def require_tip(root: Path, ref: str, *, tiers: str = "tiers.yaml") -> None:
    """Raises StaleFilesError unless the files are those of the last commit of ``ref``, and not edited since.

    A branch of a remote, and a local one that follows one, is asked of the remote itself: what was fetched
    last may be old by now. Raises InvalidInputError for a ref that does not exist.
    """
    tip, head = _tip(root, ref), commit_id(root, "HEAD")
    if head != tip:
        raise StaleFilesError(
            f"the files are of commit {head[:SHORT]}, and {ref} is at {tip[:SHORT]}",
            hint=f"check out {ref} as it is now, and run again",
        )
    if is_edited(root, tiers=tiers):
        raise StaleFilesError(
            f"the files were edited since commit {head[:SHORT]}, the tip of {ref}",
            hint="commit the edits and bring them to the branch, or put them aside",
        )


def _tip(root: Path, ref: str) -> str:
    fetched = commit_id(root, ref)
    remote, branch = _upstream(root, ref)
    if not remote:
        return fetched
    answer = git(root, "ls-remote", "--exit-code", "--end-of-options", remote, branch)
    if answer is None:
        raise StaleFilesError(
            f"remote {remote} does not say where {ref} is; the last commit fetched from it is {fetched[:SHORT]}",
            hint="is the remote in reach, and the branch still there? without --ref nothing is checked",
        )
    return answer.split()[0].decode()


def _upstream(root: Path, ref: str) -> tuple[str, str]:
    """The remote and the branch there that a ref follows; empty for one that is this repository's alone."""
    full = (git(root, "rev-parse", "--symbolic-full-name", ref) or b"").decode().strip()
    if full.startswith(_HEADS):
        form = "--format=%(upstream:remotename)%00%(upstream:remoteref)"
        answer = (git(root, "for-each-ref", form, full) or b"").decode().strip()
        remote, _, branch = answer.partition("\0")
        return (remote, branch) if remote != "." else ("", "")
    if full.startswith(_REMOTES):
        remotes = (git(root, "remote") or b"").decode().split()
        path = full.removeprefix(_REMOTES)
        found = [remote for remote in remotes if path.startswith(f"{remote}/")]
        if found:
            remote = max(found, key=len)
            return remote, _HEADS + path.removeprefix(f"{remote}/")
    return "", ""
