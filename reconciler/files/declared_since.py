"""Since when files declare something: the time of the first commit from which on they do without a gap.

One walk for all claims, from HEAD to where the last one began. Whoever rebases or forges a commit chooses its
times, and clocks may be wrong: of its author's and its committer's the earlier one counts, a commit is as old as
every later one and every annotated tag of these, such as the base's, and of several paths in history the longest
counts, so that errors make a claim older. An older tombstone ends fewer projects, and an older number resets fewer
branches.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.files.git import fleet_tree, load_at, load_without
from reconciler.files.libgit import pygit2
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.desired.tenant import Tenant
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.repository import Repository

MOST_COMMITS: Final = 20_000
"""Maximum number of commits: in a longer history a claim is as old as the last one read."""

_TAGS: Final = "refs/tags/"
_DOCUMENT: Final = ".yaml"

Key = TypeVar("Key")


class Declaration(Struct, frozen=True):
    """Something that the files of a tenant declare."""

    tenant: str
    files: tuple[str, ...]
    """The paths below the fleet's folder that declare the tenant."""
    holds: Callable[[Tenant], bool]
    """Whether a tenant of an earlier commit declares it."""

    @property
    def may_be_covered(self) -> bool:
        """Whether a document can override these files, which then are as they were and claim nothing."""
        return not any(path.endswith(_DOCUMENT) for path in self.files)


class DeclaredSince(Struct, Generic[Key], frozen=True):
    """When claims began."""

    began: Mapping[Key, datetime] = {}
    """Missing if HEAD does not declare it, or git cannot be read."""
    newest: datetime | None = None
    """Time of HEAD."""
    cut_off: frozenset[Key] = frozenset()
    """Claims that still hold where the history ends here, as in a shallow clone: they may be older."""
    uncovered: Mapping[Key, str] = {}
    """Claims that no commit made: another file denied them until it was removed, which is this one."""


def declared_since(root: Path, claims: Mapping[Key, Declaration]) -> DeclaredSince[Key]:
    """Return since when the commits up to HEAD make these claims."""
    try:
        repository = find(root)
        head = None if repository is None else repository.head()
        if repository is None or head is None:
            return DeclaredSince()
        return _Walk(root, repository, claims).since(head)
    except (InvalidInputError, UnreadableError):
        return DeclaredSince()


class _Walk(Generic[Key]):
    def __init__(self, root: Path, repository: Repository, claims: Mapping[Key, Declaration]) -> None:
        self._root = root
        self._repository = repository
        self._claims = claims
        self._known: set[tuple[Key, tuple[str, ...]]] = set()
        """Claims, with the ids of the files that together make them."""
        self._began: dict[Key, datetime] = {}
        self._cut_off: set[Key] = set()
        self._uncovered: dict[Key, str] = {}

    def since(self, head: str) -> DeclaredSince[Key]:
        pending = {head: self._claiming(head, frozenset(self._claims))}
        for commit in self._history(head):
            keys = pending.pop(commit, frozenset())
            if keys:
                self._note(commit, keys)
                for parent, still in self._before(commit, keys):
                    pending[parent] = pending.get(parent, frozenset()) | still
            if not any(pending.values()):
                break
        self._cut_off.update(*pending.values())
        return DeclaredSince(self._began, self._time(head), frozenset(self._cut_off), self._uncovered)

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

    def _note(self, commit: str, keys: frozenset[Key]) -> None:
        at = self._time(commit)
        for key in keys:
            self._began[key] = min(at, self._began.get(key, at))

    def _time(self, commit: str) -> datetime:
        found = self._repository.libgit[commit]
        times = (found.author.time, found.committer.time, *self._tagged.get(commit, ()))
        return datetime.fromtimestamp(min(times), UTC)

    @cached_property
    def _tagged(self) -> Mapping[str, list[int]]:
        """By commit, when it was tagged. A run that moves the tag of its base dates the commit by Neon's clock."""
        found: dict[str, list[int]] = {}
        for name in self._repository.libgit.references:
            tag = self._object(name) if name.startswith(_TAGS) else None
            if isinstance(tag, pygit2.Tag) and tag.tagger is not None:
                found.setdefault(str(tag.target), []).append(tag.tagger.time)
        return found

    def _object(self, ref: str) -> pygit2.Object | None:
        """Return what a ref leads to; None if it leads nowhere here."""
        try:
            return self._repository.libgit.get(self._repository.libgit.references[ref].target)
        except (KeyError, ValueError, pygit2.GitError):
            return None

    def _before(self, commit: str, keys: frozenset[Key]) -> Iterator[tuple[str, frozenset[Key]]]:
        """Yield the parents, each with the claims that it makes too.

        Of a merge, the other branches count if their files are the same: one without the file was cut before it
        and would have to be searched.
        """
        for number, parent in enumerate(self._repository.objects.commit(commit).parents):
            yield parent, self._claiming(parent, keys, search=number == 0)

    def _claiming(self, commit: str, keys: frozenset[Key], *, search: bool = True) -> frozenset[Key]:
        try:
            tree = fleet_tree(self._repository, commit)
        except InvalidInputError:
            self._cut_off |= keys if search else frozenset()
            return frozenset()
        if tree is None:
            return frozenset()
        found = {key: self._contents(tree, key) for key in keys}
        known = frozenset(
            key
            for key, file in found.items()
            if file and (key, file) in self._known and not (search and self._claims[key].may_be_covered)
        )
        asked = keys - known
        if not asked or not search:
            return known
        claimed = self._search(commit, asked)
        self._known.update((key, file) for key in claimed if (file := found[key]))
        return known | claimed

    def _search(self, commit: str, asked: frozenset[Key]) -> frozenset[Key]:
        """Return the claims that the files of a commit make. What cannot be read there may be older."""
        tenants = frozenset(self._claims[key].tenant for key in asked)
        loaded = load_at(self._root, commit, only=tenants).desired
        if loaded is None:
            return asked
        unknown = loaded.held_back | (tenants - loaded.tenants.keys() if loaded.unread else frozenset())
        claimed = frozenset(key for key in asked if self._holds(key, loaded.tenants, unknown))
        for key in asked - claimed:
            self._note_if_covered(commit, key, loaded.tenants.get(self._claims[key].tenant))
        return claimed

    def _note_if_covered(self, commit: str, key: Key, denying: Tenant | None) -> None:
        """Note the file that denies a claim which the files that make it now made already."""
        claim = self._claims[key]
        covering = [] if denying is None else [path for path in denying.files if path not in claim.files]
        if denying is None or not covering or not set(claim.files) <= set(denying.files):
            return
        beneath = load_without(self._root, commit, covering, frozenset({claim.tenant})).desired
        if beneath is not None and self._holds(key, beneath.tenants, frozenset()):
            self._uncovered[key] = covering[0]

    def _holds(self, key: Key, tenants: Mapping[str, Tenant], unknown: frozenset[str]) -> bool:
        claim = self._claims[key]
        tenant = tenants.get(claim.tenant)
        return claim.tenant in unknown or (tenant is not None and claim.holds(tenant))

    def _contents(self, tree: CommitTree, key: Key) -> tuple[str, ...] | None:
        try:
            return tuple(tree.blob(path) for path in self._claims[key].files)
        except (FileNotFoundError, UnreadableError):
            return None
