"""Tenants whose files are broken at a commit: the newest earlier one at which they could be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.git import load_at
from reconciler.files.libgit import pygit2
from reconciler.files.refs import named
from reconciler.files.repository import AbsentError, found

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

MOST_COMMITS: Final = 200
"""Further back nobody looks: of a tenant whose file is broken for so long nobody can tell."""


def last_read(root: Path, ref: str, tenants: Collection[str]) -> dict[str, str | None]:
    """By tenant, the newest commit at ``ref`` or before it whose files were not broken for it.

    None where they have been broken ever since somebody wrote them; left out where nobody can tell: the history is
    not here, or too long. First parents are followed: what was merged, not what a branch tried.
    """
    left, read = set(tenants), dict[str, str | None]()
    for commit in _back(root, ref):
        if not left:
            return read
        if commit is None:  # the first of all commits is behind
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
    """The commit and its first parents; None after the first of all commits, if that is here."""
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
