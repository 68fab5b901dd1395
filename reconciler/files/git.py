"""The files of a fleet at a commit, read from the repository: the work tree is not touched, no program started."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.commit_tree import CommitTree
from reconciler.files.edits import differ
from reconciler.files.load import Loaded, OnInvalid, load_tree
from reconciler.files.objects import Kind
from reconciler.files.refs import named
from reconciler.files.repository import AbsentError, Repository, fetching, find, found
from reconciler.files.sources import Memo, Reading
from reconciler.files.tree import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = "HEAD"
_PARENT: Final = "HEAD^1"


def base_ref(root: Path, *, tiers: str = "tiers.yaml") -> str | None:
    """What the files at hand are a change of: HEAD while they are edited, its first parent otherwise.

    None outside a git checkout, and where that commit does not exist or holds no price list. Files that git
    ignores do not count as edits. ``tiers`` is relative to ``root``. Raises InvalidInputError for a repository
    that cannot be read.
    """
    repository = find(root)
    if repository is None or repository.head() is None:
        return None
    head = _tree(repository, _HEAD)
    ref = _HEAD if head is None or differ(repository, head, root, tiers, ignoring=True) else _PARENT
    return ref if _holds(repository, ref, tiers) else None


def is_edited(root: Path, *, tiers: str = "tiers.yaml") -> bool:
    """Whether the price list or a tenant's file is not as HEAD has it, files that git ignores included.

    The bytes are compared, whatever git's index says of them; a line may end in LF here and in CRLF there. Raises
    InvalidInputError outside a git checkout, and for a repository that cannot be read.
    """
    repository = found(root)
    head = _tree(repository, _HEAD)
    return head is None or differ(repository, head, root, tiers, ignoring=False)


def commit_id(root: Path, ref: str) -> str:
    """The full id of the commit that a branch, tag or abbreviation names; raises InvalidInputError."""
    return named(found(root), ref).commit


def load_at(
    root: Path,
    ref: str,
    *,
    tiers: str = "tiers.yaml",
    only: frozenset[str] | None = None,
    memo: Memo | None = None,
) -> Loaded:
    """The fleet as the files of a commit state it. ``tiers`` is relative to ``root``; the rest as in ``load``,
    but for pinned projects: ``only`` leaves out every other tenant.

    Tenants of files that are broken there are held back: today's files cannot repair them.
    """
    tree = _tree(found(root), ref)
    if tree is None:
        raise AbsentError(f"the commit {ref!r} lacks the folder of the fleet", hint="name one that has its files")
    return load_tree(tree, OnInvalid.SKIP, Reading(only, memo, posixpath.normpath(tiers)))


def _tree(repository: Repository, ref: str) -> CommitTree | None:
    """The fleet's folder at a commit; None where the commit has none."""
    commit = named(repository, ref).commit
    try:
        tree = repository.objects.commit(commit).tree
        if repository.prefix:
            entry = repository.entry(commit, repository.prefix)
            if entry is None or entry.path != repository.prefix or entry.kind is not Kind.FOLDER:
                return None
            tree = entry.id
        return CommitTree(ref, tree, repository.objects)
    except UnreadableError as error:
        message = f"the folder of the fleet at {ref} cannot be read: it {error}"
        raise InvalidInputError(message, hint=fetching(error)) from error


def _holds(repository: Repository, ref: str, path: str) -> bool:
    try:
        tree = _tree(repository, ref)
        return tree is not None and bool(tree.blob(posixpath.normpath(path)))
    except (AbsentError, FileNotFoundError, UnreadableError):
        return False
