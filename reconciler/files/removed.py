"""Tenants that are in the files no more: whether an earlier commit declared them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.git import load_at
from reconciler.files.libgit import pygit2
from reconciler.files.mentioned import MOST_BYTES, is_tenant_file, names_in
from reconciler.files.repository import find

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from reconciler.files.repository import Repository

MOST_COMMITS: Final = 10_000
"""Further back nobody looks: whom only an older commit declared is taken for one that none did."""


def removed(root: Path, tenants: Collection[str]) -> frozenset[str]:
    """Of these tenants, those that a commit took out of the files. Nobody outside a repository."""
    found: set[str] = set()
    try:
        repository = find(root)
        if repository is None or not tenants:
            return frozenset()
        for parent, taken in _taken_out(repository, frozenset(tenants)):
            declared = load_at(root, parent, only=taken - found).desired
            if declared is not None:
                found |= {name for name in taken if name in declared.tenants}
            if found.issuperset(tenants):
                break
    except (InvalidInputError, KeyError, pygit2.GitError):  # of a shallow clone nobody knows the rest
        pass
    return frozenset(found)


def _taken_out(repository: Repository, tenants: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Commits, newest first, of whose files the next one lacks some of these names."""
    head = repository.head()
    walk = () if head is None else repository.libgit.walk(head, pygit2.enums.SortMode.TOPOLOGICAL)
    for number, commit in enumerate(walk):
        if number == MOST_COMMITS:
            return
        for parent in commit.parents[:1]:
            if taken := tenants & frozenset(_names_taken(repository, parent, commit)):
                yield str(parent.id), taken


def _names_taken(repository: Repository, before: pygit2.Commit, after: pygit2.Commit) -> Iterator[str]:
    for delta in repository.libgit.diff(before, after, context_lines=0).deltas:
        if is_tenant_file(delta.old_file.path):
            kept = _names(repository, delta.new_file)
            yield from (name for name in _names(repository, delta.old_file) if name not in kept)


def _names(repository: Repository, file: pygit2.DiffFile) -> frozenset[str]:
    blob = repository.libgit.get(file.id)
    if not isinstance(blob, pygit2.Blob) or blob.size > MOST_BYTES:
        return frozenset()
    return frozenset(names_in(blob.data))
