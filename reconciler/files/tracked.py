"""What git holds of the files at hand: of a tenant in another file nobody can tell what was asked for before.

Git holds a file that HEAD has, with an edit that ``git status`` shows, be it in the index or on disk only. It does
not hold one that is ignored or not committed yet, nor an edit that it was told to overlook (assume-unchanged,
skip-worktree). A link counts with all that it leads through.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from reconciler.files.edits import differs, ignores_can_be_read, is_ignored, is_left_out
from reconciler.files.git import HEAD, fleet_tree, load_at
from reconciler.files.libgit import is_overlooked, pygit2
from reconciler.files.objects import blob_id
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import find
from reconciler.files.tree import MAX_LINES_FILE_BYTES, WorkTree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.repository import Repository
    from reconciler.files.sources import Memo

_ON_DISK: Final = (
    pygit2.enums.FileStatus.WT_MODIFIED
    | pygit2.enums.FileStatus.WT_TYPECHANGE
    | pygit2.enums.FileStatus.WT_DELETED
)


def unheld(
    root: Path, tenants: Mapping[str, Tenant], changed: Iterable[str], memo: Memo | None = None
) -> frozenset[str]:
    """The tenants that are made of a file, or of an edit, that git does not hold; none outside a git checkout.

    ``changed`` are the tenants whose statement may not be that of HEAD. Raises InvalidInputError for a repository
    that cannot be read.
    """
    sight = _Sight.of(root)
    if sight is None:
        return frozenset()
    lacking = frozenset(name for name, tenant in tenants.items() if not all(map(sight.knows, tenant.files)))
    there = _at_head(root, frozenset(changed) - lacking, memo)
    edited = (name for name, tenant in there.items() if tenants.get(name) != tenant)
    return lacking.union(name for name in edited if not sight.shows_all(_files(tenants.get(name), there[name])))


def ignored(root: Path, tenants: Iterable[Tenant]) -> frozenset[str]:
    """Of these tenants, those that are made of a file that no commit has and that git ignores: it may be old."""
    repository = find(root)
    sight = _Sight.of(root)
    if repository is None or sight is None:
        return frozenset()
    found = (tenant for tenant in tenants if any(is_ignored(repository, path) for path in tenant.files))
    return frozenset(tenant.name for tenant in found if not all(map(sight.knows, tenant.files)))


def taken_out_unseen(root: Path, desired: DesiredState, memo: Memo | None = None) -> frozenset[str]:
    """The tenants whom HEAD declares and the files at hand do not, by an edit that git was told to overlook."""
    sight = _Sight.of(root)
    head = None if sight is None else load_at(root, HEAD, memo=memo).desired
    if sight is None or head is None:
        return frozenset()
    names = {*desired.tenants, *desired.held_back}.union(*(desired.names(name) for name in desired.tenants))
    gone = (tenant for name, tenant in head.tenants.items() if name not in names)
    return frozenset(tenant.name for tenant in gone if not sight.shows_all(tenant.files))


def declared_at_head(root: Path, tenants: Iterable[str]) -> frozenset[str]:
    """Of these tenants, those whom a file of HEAD declares, be it a broken one; none where there is no commit."""
    names = frozenset(tenants)
    if not names or _Sight.of(root) is None:
        return frozenset()
    head = load_at(root, HEAD, only=names).desired
    if head is None:
        return names
    declared = {name for name, tenant in head.tenants.items() if not tenant.absent}
    return names & (declared | head.held_back)


def unseen(root: Path, path: str) -> str | None:
    """What git does not hold of a file, in words that follow "git"; None where it holds it, or there is no git."""
    sight = _Sight.of(root)
    if sight is None:
        return None
    if not sight.knows(path):
        return f"does not hold {path}"
    return None if sight.shows_all((path,)) else f"is told to overlook an edit of {path}"


def _at_head(root: Path, names: frozenset[str], memo: Memo | None) -> dict[str, Tenant | None]:
    """What HEAD says of these tenants."""
    if not names:
        return {}
    head = load_at(root, HEAD, only=names, memo=memo).desired
    return {name: None if head is None else head.tenants.get(name) for name in names}


def _files(*statements: Tenant | None) -> Collection[str]:
    return {path for tenant in statements if tenant is not None for path in tenant.files}


class _Sight:
    """What git sees of the work tree."""

    def __init__(self, repository: Repository, head: CommitTree | None, root: Path) -> None:
        self._repository = repository
        self._head = head
        self._root = root
        self._work = WorkTree(root)
        self.knows = lru_cache(maxsize=None)(self._knows)
        self._shows = lru_cache(maxsize=None)(self._shows_one)

    @classmethod
    def of(cls, root: Path) -> _Sight | None:
        """None outside a git checkout, and where it has no commit yet."""
        repository = find(root)
        if repository is None or repository.head() is None:
            return None
        return cls(repository, fleet_tree(repository, HEAD), root)

    def _knows(self, path: str) -> bool:
        return self._head is not None and self._head.has(path)

    def shows_all(self, paths: Iterable[str]) -> bool:
        """Whether the files are as HEAD has them, but for edits that git shows."""
        return all(map(self._shows, paths))

    def _shows_one(self, path: str) -> bool:
        try:
            return all(map(self._is_in_sight, self._places(path)))
        except UnreadableError:
            return False

    def _places(self, path: str) -> list[str]:
        """The links that the path leads through, and what it leads to."""
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
        """Whether git tells that what is on disk is not what HEAD has."""
        path = self._repository.from_top(place)
        overlooked = is_overlooked(self._repository.libgit, path)
        if overlooked is None:
            return not (os.path.lexists(self._root / place) or is_left_out(self._repository, place))
        return self._is_staged(path, place) or (not overlooked and self._is_modified(path, place))

    def _is_staged(self, path: str, place: str) -> bool:
        """Whether the index has what is on disk."""
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
            return bool(self._repository.libgit.status_file(path) & _ON_DISK)
        except (pygit2.GitError, KeyError, ValueError):
            return False
