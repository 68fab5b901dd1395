"""Tenants in earlier commits: the last readable version of a broken file, and tenants that a commit removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.collection import names_in
from reconciler.files.git import load_at
from reconciler.files.libgit import pygit2
from reconciler.files.names_in_files import MOST_BYTES, is_tenant_file
from reconciler.files.refs import named
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import AbsentError, find, found

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from reconciler.files.objects import TreeEntry
    from reconciler.files.repository import Repository

MOST_COMMITS: Final = 200
"""Maximum number of commits searched: a file that is broken for longer has an unknown last version."""


def last_read(root: Path, ref: str, tenants: Collection[str]) -> dict[str, str | None]:
    """Return, by tenant, the newest commit at or before ``ref`` whose files were not broken for it.

    None if they were always broken; left out if unknown: the history is missing here, or too long. First parents
    are followed: what was merged, not what a branch tried.
    """
    left, read = set(tenants), dict[str, str | None]()
    for commit in _back(root, ref):
        if not left:
            return read
        if commit is None:  # before the first commit
            return read | dict.fromkeys(sorted(left))
        try:
            files = load_at(root, commit, only=frozenset(left)).desired
        except AbsentError:
            return read | dict.fromkeys(sorted(left))  # there was no fleet before
        except InvalidInputError:
            return read
        if files is not None and files.unread:
            return read
        if files is not None:
            read |= dict.fromkeys(sorted(left - files.held_back), commit)
            left &= files.held_back
    return read


def _back(root: Path, ref: str) -> Iterator[str | None]:
    """Yield the commit and its first parents; None after the first commit, if that is here."""
    repository = found(root)
    commit: str | None = named(repository, ref).commit
    for _ in range(MOST_COMMITS):
        yield commit
        try:
            parents = repository.libgit[commit].peel(pygit2.Commit).parents if commit else []
        except (KeyError, ValueError, pygit2.GitError):
            return
        if not parents:
            if not repository.libgit.is_shallow:
                yield None
            return
        commit = str(parents[0].id)


MOST_REMOVALS_SEARCHED: Final = 10_000
"""Maximum number of commits searched: a tenant that only older commits declared counts as never declared."""


def removed(root: Path, tenants: Collection[str]) -> frozenset[str]:
    """Return those of these tenants that a commit removed from the files. None outside a repository."""
    found: set[str] = set()
    try:
        repository = find(root)
        if repository is None or not tenants:
            return frozenset()
        for parent, removed_here in _removals(repository, frozenset(tenants)):
            declared = load_at(root, parent, only=removed_here - found).desired
            if declared is not None:
                found |= {name for name in removed_here if name in declared.tenants}
            if found.issuperset(tenants):
                break
    except (
        InvalidInputError,
        UnreadableError,
        KeyError,
        pygit2.GitError,
    ):  # the rest of a shallow clone is unknown
        pass
    return frozenset(found)


def _removals(repository: Repository, tenants: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield commits, newest first, whose child no longer contains some of these names."""
    head = repository.head()
    walk = () if head is None else repository.libgit.walk(head, pygit2.enums.SortMode.TOPOLOGICAL)
    for number, commit in enumerate(walk):
        if number == MOST_REMOVALS_SEARCHED:
            return
        for parent in commit.parents[:1]:
            if removed_here := tenants & frozenset(_removed_names(repository, parent, commit)):
                yield str(parent.id), removed_here


def _removed_names(repository: Repository, before: pygit2.Commit, after: pygit2.Commit) -> Iterator[str]:
    from reconciler.files.tree_differences import differences  # noqa: PLC0415 - where tenants were removed only

    for one in differences(repository.objects, str(before.tree_id), str(after.tree_id)):
        if is_tenant_file(one.path):
            kept = _names(repository, one.now)
            yield from (name for name in _names(repository, one.before) if name not in kept)


def _names(repository: Repository, entry: TreeEntry | None) -> frozenset[str]:
    blob = None if entry is None else repository.libgit.get(entry.id)
    if not isinstance(blob, pygit2.Blob) or blob.size > MOST_BYTES:
        return frozenset()
    return frozenset(names_in(blob.data))
