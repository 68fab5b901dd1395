"""Which of the current files git holds: for a tenant in another file it is unknown what was asked for before.

Git holds a file of HEAD, with an edit that ``git status`` shows, staged or on disk only. It does not hold a file
that is ignored or not committed, nor an edit that it is configured to ignore (assume-unchanged, skip-worktree). A
link counts with everything on its path.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from reconciler.desired.roster import Roster, with_names
from reconciler.files.digests import blob_id
from reconciler.files.edits import (
    differs,
    has_the_same_files,
    ignores_can_be_read,
    is_ignored,
    is_left_out,
    listed_apart,
)
from reconciler.files.git import HEAD, fleet_tree, load_at
from reconciler.files.libgit import is_overlooked, pygit2
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import find
from reconciler.files.tree import MAX_LINES_FILE_BYTES, WorkTree, stem_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.known_tenants import KnownTenants
    from reconciler.files.reading import Memo
    from reconciler.files.repository import Repository


def uncommitted(
    root: Path,
    tenants: Mapping[str, Tenant],
    changed: Iterable[str],
    memo: Memo | None = None,
    known: KnownTenants | None = None,
) -> frozenset[str]:
    """Return the tenants declared by a file, or an edit, that git does not hold; none outside a git checkout.

    ``changed`` are the tenants whose declaration may differ from HEAD. ``known`` are the files of this run, if
    nothing else declares tenants. Raises InvalidInputError for a repository that cannot be read.
    """
    status = _WorkTreeStatus.of(root)
    if status is None or (known is not None and status.is_head(known)):
        return frozenset()
    others = status.others(known) if known is not None and isinstance(tenants, Roster) else None
    asked = tenants.values() if others is None else with_names(tenants, map(stem_of, others))
    lacking = frozenset(one.name for one in asked if not all(map(status.knows, one.files)))
    there = _at_head(root, frozenset(changed) - lacking, memo, known)
    edited = (name for name, tenant in there.items() if tenants.get(name) != tenant)
    return lacking.union(name for name in edited if not status.shows_all(_files(tenants.get(name), there[name])))


def ignored(root: Path, tenants: Iterable[Tenant]) -> frozenset[str]:
    """Return those of these tenants that a file without a commit declares, which git ignores: it may be old."""
    repository = find(root)
    status = _WorkTreeStatus.of(root)
    if repository is None or status is None:
        return frozenset()
    found = (tenant for tenant in tenants if any(is_ignored(repository, path) for path in tenant.files))
    return frozenset(tenant.name for tenant in found if not all(map(status.knows, tenant.files)))


def removed_without_commit(root: Path, desired: DesiredState, memo: Memo | None = None) -> frozenset[str]:
    """Return the tenants that HEAD declares and the files do not, by an edit that git is configured to ignore."""
    status = _WorkTreeStatus.of(root)
    head = None if status is None else load_at(root, HEAD, memo=memo).desired
    if status is None or head is None:
        return frozenset()
    names = {*desired.tenants, *desired.held_back}.union(*(desired.names(name) for name in desired.tenants))
    gone = (tenant for name, tenant in head.tenants.items() if name not in names)
    return frozenset(tenant.name for tenant in gone if not status.shows_all(tenant.files))


def declared_at_head(root: Path, tenants: Iterable[str], known: KnownTenants | None = None) -> frozenset[str]:
    """Return those of these tenants that a file of HEAD declares, even a broken one; none without a commit.

    ``known`` are the files of this run.
    """
    names = frozenset(tenants)
    if not names or _WorkTreeStatus.of(root) is None:
        return frozenset()
    head = load_at(root, HEAD, only=names, known=known).desired
    if head is None:
        return names
    declared = {name for name, tenant in head.tenants.items() if not tenant.absent}
    return names & (declared | head.held_back)


def missing_in_git(root: Path, path: str) -> str | None:
    """Return what git does not hold of a file, to follow "git"; None if it holds all of it, or there is no git."""
    status = _WorkTreeStatus.of(root)
    if status is None:
        return None
    if not status.knows(path):
        return f"does not hold {path}"
    return None if status.shows_all((path,)) else f"is configured to ignore an edit of {path}"


def filter_of(repository: Repository, path: str) -> str | None:
    """Return the filter that git runs on a file: what it writes to disk is in no commit, and shown as no edit."""
    name = repository.libgit.get_attr(repository.from_top(path), "filter")
    return name if isinstance(name, str) else None


def _at_head(
    root: Path, names: frozenset[str], memo: Memo | None, known: KnownTenants | None
) -> dict[str, Tenant | None]:
    """Return what HEAD declares for these tenants."""
    if not names:
        return {}
    head = load_at(root, HEAD, only=names, memo=memo, known=known).desired
    return {name: None if head is None else head.tenants.get(name) for name in names}


def _files(*statements: Tenant | None) -> Collection[str]:
    return {path for tenant in statements if tenant is not None for path in tenant.files}


class _WorkTreeStatus:
    """What git knows of the work tree."""

    def __init__(self, repository: Repository, head: CommitTree | None, root: Path) -> None:
        self._repository = repository
        self._head = head
        self._root = root
        self._work = WorkTree(root)
        self.knows = lru_cache(maxsize=None)(self._knows)
        self._shows = lru_cache(maxsize=None)(self._shows_one)

    @classmethod
    def of(cls, root: Path) -> _WorkTreeStatus | None:
        """Return None outside a git checkout, and without a commit."""
        repository = find(root)
        if repository is None or repository.head() is None:
            return None
        return cls(repository, fleet_tree(repository, HEAD), root)

    def is_head(self, known: KnownTenants) -> bool:
        """Return whether this run has read just the files that HEAD has; False where that is not said fast."""
        return self._head is not None and has_the_same_files(self._head, known.tree(self._root), known)

    def others(self, known: KnownTenants) -> Collection[str] | None:
        """Return the files on disk that HEAD has not, or may have otherwise; None if that is not known."""
        listed = None if self._head is None else listed_apart(self._head, known.tree(self._root), known)
        return None if listed is None else listed[1]

    def _knows(self, path: str) -> bool:
        return self._head is not None and self._head.has(path)

    def shows_all(self, paths: Iterable[str]) -> bool:
        """Return whether the files equal HEAD, except for edits that git shows."""
        return all(map(self._shows, paths))

    def _shows_one(self, path: str) -> bool:
        try:
            return all(map(self._is_in_sight, self._places(path)))
        except UnreadableError:
            return False

    def _places(self, path: str) -> list[str]:
        """Return the links on the path, and its final target."""
        links: dict[str, None] = {}

        def link(step: str) -> str | None:
            leads_to = self._work.link(step)
            if leads_to is not None:
                links[step] = None
            return leads_to

        goal = self._work.resolved(path, link)
        return [*links, goal]

    def _is_in_sight(self, place: str) -> bool:
        if self._head is None or not self._head.holds(place):
            return False
        goal = self._work.link(place)
        if goal is not None and self._head.link(place) == goal:
            return True
        return (goal is None and not differs(self._work, self._head, place)) or self._is_shown(place)

    def _is_shown(self, place: str) -> bool:
        """Return whether git shows that the file on disk differs from HEAD."""
        path = self._repository.from_top(place)
        overlooked = is_overlooked(self._repository.libgit, path)
        if overlooked is None:
            return not (os.path.lexists(self._root / place) or is_left_out(self._repository, place))
        return self._is_staged(path, place) or (not overlooked and self._is_modified(path, place))

    def _is_staged(self, path: str, place: str) -> bool:
        """Return whether the index has what is on disk."""
        try:
            return blob_id(self._work.read(place, MAX_LINES_FILE_BYTES)) == str(
                self._repository.libgit.index[path].id
            )
        except (FileNotFoundError, KeyError, UnreadableError):
            return False

    def _is_modified(self, path: str, place: str) -> bool:
        if not ignores_can_be_read(self._repository, place):
            return False
        try:
            found = self._repository.libgit.status_file(path) & _on_disk()
        except (pygit2.GitError, KeyError, ValueError):
            return False
        modified = pygit2.enums.FileStatus.WT_MODIFIED
        return bool(found) and not (found & modified and filter_of(self._repository, place))


@cache
def _on_disk() -> pygit2.enums.FileStatus:
    """What git says of a file whose contents, kind or existence differs on disk."""
    status = pygit2.enums.FileStatus
    return status.WT_MODIFIED | status.WT_TYPECHANGE | status.WT_DELETED
