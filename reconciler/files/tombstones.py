"""When tombstones were written: the time of the first commit from which on a file declares its tenant absent.

One walk for all of them, from HEAD to where the last one began. Whoever rebases or forges a commit chooses its
times: of its author's and its committer's the earlier one counts, and of several paths in history the longest, so
that errors make a tombstone older, and an older one ends fewer projects.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.git import fleet_tree, load_at
from reconciler.files.libgit import pygit2
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import find
from reconciler.plan.tombstones import Tombstones

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.desired.tenant import Tenant
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.repository import Repository

MOST_COMMITS: Final = 20_000
"""Maximum number of commits: in a longer history a tombstone is as old as the last one read."""


def tombstones(root: Path, files: Mapping[str, tuple[str, ...]]) -> Tombstones:
    """Return which of these tenants HEAD declares absent, and since when. ``files`` are the paths below ``root``
    that declare each tenant.
    """
    try:
        repository = find(root)
        head = None if repository is None else repository.head()
        if repository is None or head is None:
            return Tombstones()
        return _Walk(root, repository, files).tombstones(head)
    except (InvalidInputError, UnreadableError):
        return Tombstones()


class _Walk:
    def __init__(self, root: Path, repository: Repository, files: Mapping[str, tuple[str, ...]]) -> None:
        self._root = root
        self._repository = repository
        self._files = files
        self._absent: set[tuple[str, tuple[str, ...]]] = set()
        """Tenants, with the ids of the files that together declare them absent."""
        self._written: dict[str, datetime] = {}

    def tombstones(self, head: str) -> Tombstones:
        pending = {head: self._calling_absent(head, frozenset(self._files))}
        for commit in self._history(head):
            names = pending.pop(commit, frozenset())
            if names:
                self._note(commit, names)
                for parent, still in self._before(commit, names):
                    pending[parent] = pending.get(parent, frozenset()) | still
            if not any(pending.values()):
                break
        return Tombstones(self._written, self._time(head))

    def _history(self, head: str) -> Iterator[str]:
        """Yield every commit before its parents, as far as the history reaches."""
        try:
            walk = self._repository.libgit.walk(head, pygit2.enums.SortMode.TOPOLOGICAL)
            for number, commit in enumerate(walk):
                if number == MOST_COMMITS:
                    return
                yield str(commit.id)
        except (KeyError, pygit2.GitError):
            return

    def _note(self, commit: str, names: frozenset[str]) -> None:
        at = self._time(commit)
        for name in names:
            self._written[name] = min(at, self._written.get(name, at))

    def _time(self, commit: str) -> datetime:
        found = self._repository.libgit[commit]
        return datetime.fromtimestamp(min(found.author.time, found.committer.time), UTC)

    def _before(self, commit: str, names: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the parents, each with the tenants that it declares absent too.

        Of a merge, the other branches count if their files are the same: one without the file was cut before it
        and would have to be searched.
        """
        for number, parent in enumerate(self._repository.objects.commit(commit).parents):
            yield parent, self._calling_absent(parent, names, search=number == 0)

    def _calling_absent(self, commit: str, names: frozenset[str], *, search: bool = True) -> frozenset[str]:
        tree = self._tree(commit)
        if tree is None:
            return frozenset()
        found = {name: self._contents(tree, name) for name in names}
        known = frozenset(name for name, file in found.items() if file and (name, file) in self._absent)
        asked = names - known
        if not asked or not search:
            return known
        loaded = load_at(self._root, commit, only=asked).desired
        if loaded is None:
            return names  # unknown: it may be older
        unknown = loaded.held_back | (asked - loaded.tenants.keys() if loaded.unread else frozenset())
        absent = frozenset(n for n in asked if n in unknown or _is_absent(loaded.tenants.get(n)))
        self._absent.update((name, file) for name in absent if (file := found[name]))
        return known | absent

    def _tree(self, commit: str) -> CommitTree | None:
        try:
            return fleet_tree(self._repository, commit)
        except InvalidInputError:
            return None

    def _contents(self, tree: CommitTree, name: str) -> tuple[str, ...] | None:
        try:
            return tuple(tree.blob(path) for path in self._files[name])
        except (FileNotFoundError, UnreadableError):
            return None


def _is_absent(tenant: Tenant | None) -> bool:
    return tenant is not None and tenant.absent
