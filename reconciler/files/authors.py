"""Who wrote what the files ask for since the base: commits of git, and lines by git blame where that takes one.

One walk over the commits since the base says which of them changed which file. Only a file that several of them
changed is blamed, once, and no long one: of others the last commit counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.files.edits import differs, has_the_same_files
from reconciler.files.entry import is_row
from reconciler.files.git import HEAD, fleet_tree
from reconciler.files.libgit import pygit2
from reconciler.files.positions import read_positions
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.refs import named
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import find
from reconciler.files.tree import MAX_FILE_BYTES, WorkTree
from reconciler.files.tree_differences import differences
from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import unit_of
from reconciler.model.problem import Location
from reconciler.plan.plan import Authored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.known_tenants import KnownTenants
    from reconciler.files.positions import Positions
    from reconciler.files.repository import Repository
    from reconciler.files.tree import Tree
    from reconciler.plan.authors import FileKey

MOST_COMMITS: Final = 200
"""Commits since the base that are looked at, the newest first."""
MOST_BLAMED: Final = 50
"""Files that are blamed."""
MOST_LINES: Final = 5_000
"""A longer file is not blamed."""
MOST_PLACED: Final = 200
"""Tenants of which the line of the key is looked up; of others it is that of the document."""
LONGEST_SUBJECT: Final = 100


def authors(
    root: Path,
    base: str,
    desired: DesiredState,
    places: Collection[FileKey],
    *,
    at: str | None = None,
    known: KnownTenants | None = None,
) -> dict[FileKey, Authored]:
    """Return who wrote these keys since the base.

    What no commit since changed is missing, and so is a file with changes that are not committed. Empty outside of
    git, and if git cannot be read. ``at`` is the commit of the files, if they are not those on disk. ``known`` are
    the files of this run.
    """
    try:
        repository = find(root)
        if repository is None or not places:
            return {}
        commits = _Commits.between(repository, base, at or HEAD)
        tree = fleet_tree(repository, at or HEAD)
        if tree is None:
            return {}
        work = WorkTree(root) if at is None else None
        lines = _Lines(work or tree, desired)
        same = work is not None and known is not None and has_the_same_files(tree, known.tree(root), known)
        return dict(_Authors(repository, tree, work, same, commits).each(lines.each(places)))
    except (InvalidInputError, UnreadableError, OSError, KeyError, ValueError, pygit2.GitError):
        return {}


class _Commits(Struct, frozen=True):
    """The commits since the base with the files that each changed, the newest first; no merges."""

    newest: str
    oldest: str | None
    """Where the two parted; None if that is not known here."""
    files: dict[str, tuple[pygit2.Commit, frozenset[str]]]

    @classmethod
    def between(cls, repository: Repository, base: str, head: str) -> _Commits:
        """Return those after ``base`` up to ``head``."""
        newest, older = (named(repository, ref).commit for ref in (head, base))
        walk = repository.libgit.walk(newest, pygit2.enums.SortMode.TOPOLOGICAL)
        walk.hide(older)
        found = islice(walk, MOST_COMMITS)
        files = {str(one.id): (one, _changed(repository, one)) for one in found if len(one.parents) == 1}
        oldest: pygit2.Oid | None = repository.libgit.merge_base(newest, older)
        return cls(newest, None if oldest is None else str(oldest), files)


def _changed(repository: Repository, commit: pygit2.Commit) -> frozenset[str]:
    before, now = (str(one.tree_id) for one in (commit.parents[0], commit))
    return frozenset(one.path for one in differences(repository.objects, before, now))


class _Line(Struct, frozen=True):
    """The line of a place."""

    place: FileKey
    path: str
    """Below the fleet's folder."""
    source: Location


@dataclass(slots=True)
class _Lines:
    """Finds the lines of keys."""

    _tree: Tree
    _desired: DesiredState
    _positions: dict[str, tuple[Positions, ...]] = field(default_factory=dict)

    def each(self, places: Iterable[FileKey]) -> Iterator[_Line]:
        """Yield the line of each place whose file is known."""
        for place in places:
            if place.tenant is None:
                keys = ("tiers", place.tier, *keys_of(place.key)) if place.tier else tuple(keys_of(place.key))
                yield self._line(place, PRICE_LIST, keys, None)
            elif (
                (tenant := self._desired.tenants.get(place.tenant)) is not None
                and tenant.files
                and not is_row(tenant.files[0])
            ):
                yield self._line(place, tenant.files[0], tuple(keys_of(place.key)), tenant.location)

    def _line(self, place: FileKey, path: str, keys: tuple[str, ...], start: Location | None) -> _Line:
        name = self._tree.name(path) if start is None else start.file
        source = start or Location(name)
        if keys and (path in self._positions or len(self._positions) < MOST_PLACED):
            line, column = self._place(path, keys, source)
            source = Location(name, line, column)
        return _Line(place, path, source)

    def _place(self, path: str, keys: tuple[str, ...], start: Location) -> tuple[int, int]:
        if path not in self._positions:
            self._positions[path] = read_positions(self._tree.read(path, MAX_FILE_BYTES))
        for document in self._positions[path]:
            if document.values.get(()) == (start.line, start.column) or path == PRICE_LIST:
                return document.place(keys, at_key=True)
        return start.line, start.column


def keys_of(key: str) -> Iterator[str]:
    """Yield the keys of the file: a unit ends the name of a field, and no key."""
    unit = unit_of(key.removeprefix("overrides.").removeprefix("dev_branches."))
    yield from filter(None, (key if unit is Unit.CU else key.removesuffix(unit.value)).split("."))


@dataclass(slots=True)
class _Authors:
    _repository: Repository
    _tree: CommitTree
    _work: WorkTree | None
    """None if the files are those of the commit."""
    _same: bool
    """Whether it is known that the tenant files are those of the commit."""
    _commits: _Commits
    _touching: dict[str, list[str]] = field(default_factory=dict)
    _blames: dict[str, pygit2.blame.Blame | None] = field(default_factory=dict)
    _edited: dict[str, bool] = field(default_factory=dict)

    def each(self, lines: Iterable[_Line]) -> Iterator[tuple[FileKey, Authored]]:
        """Yield who wrote each line."""
        for each, (_, paths) in self._commits.files.items():
            for path in paths:
                self._touching.setdefault(path, []).append(each)
        for line in lines:
            if (commit := self._commit(line)) is not None:
                yield line.place, _authored(line, self._commits.files[commit][0])

    def _commit(self, line: _Line) -> str | None:
        """Return the commit since the base that wrote the line; of a tenant's file, else the last that changed it.

        tiers.yaml is shared: a commit that changed another line of it asks for nothing here.
        """
        touching = self._touching.get(self._repository.from_top(line.path), [])
        if not touching or self._is_edited(line.path):
            return None
        shared = line.place.tenant is None
        if (len(touching) == 1 and not shared) or (blame := self._blame(line.path)) is None:
            return touching[0]
        try:
            written = str(blame.for_line(line.source.line).final_commit_id)
        except IndexError:
            return touching[0]
        if written in self._commits.files:
            return written
        return None if shared else touching[0]

    def _is_edited(self, path: str) -> bool:
        if self._same and path != PRICE_LIST:
            return False
        if path not in self._edited:
            self._edited[path] = self._work is not None and differs(self._work, self._tree, path)
        return self._edited[path]

    def _blame(self, path: str) -> pygit2.blame.Blame | None:
        if path not in self._blames:
            few = len(self._blames) < MOST_BLAMED and self._tree.read(path).count(b"\n") <= MOST_LINES
            self._blames[path] = self._blamed(self._repository.from_top(path)) if few else None
        return self._blames[path]

    def _blamed(self, path: str) -> pygit2.blame.Blame:
        newest, oldest = self._commits.newest, self._commits.oldest
        return self._repository.libgit.blame(path, newest_commit=newest, oldest_commit=oldest)


def _authored(line: _Line, commit: pygit2.Commit) -> Authored:
    subject = commit.raw_message.decode("utf-8", "replace").strip().split("\n", 1)[0].strip()
    return Authored(
        source=line.source,
        tier=line.place.tier,
        tenant=line.place.tenant,
        key=line.place.key,
        commit=str(commit.id),
        author=commit.author.raw_name.decode("utf-8", "replace").strip(),
        subject=subject if len(subject) <= LONGEST_SUBJECT else f"{subject[: LONGEST_SUBJECT - 3]}...",
    )
