"""Which files the sources in tiers.yaml match, and which of those a load looks at."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.naming import identity
from reconciler.files.patterns import compiled, fixed_folder
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.reading import identities
from reconciler.files.tree import FolderListing, WorkTree, stem_of
from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.files.collection import Collection
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.known_tenants import KnownTenants
    from reconciler.files.price_list import TenantSource
    from reconciler.files.reading import Reading
    from reconciler.files.tree import Tree

MOST_NAMED: Final = 3
"""Files that a warning names; the others are only counted."""


def folders(sources: Iterable[TenantSource]) -> list[str]:
    """Return the fixed folder of each source, each once."""
    return list(dict.fromkeys(fixed_folder(source.pattern) for source in sources))


def listings_of(tree: Tree, sources: Iterable[TenantSource], reading: Reading) -> dict[str, FolderListing]:
    """Return the files below the fixed folder of each source, each folder listed once."""
    listings: dict[str, FolderListing] = {}
    known, commit = reading.known, reading.commit
    for folder in folders(sources):
        same = known and commit and known.same_listing(folder, commit.folder_id(folder))
        listings[folder] = same or tree.listing(folder)
    return listings


def few_files(
    tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading
) -> dict[str, FolderListing] | None:
    """Return of the files that ``listings_of`` has those that a run about a few tenants looks at; None if that is
    not known.
    """
    if reading.only is None or reading.known is None or collection.lost or has_lines(sources, collection):
        return None
    if reading.commit is not None:
        return _own_files(sources, reading.only, reading.known, reading.commit)
    if reading.files is None or not isinstance(tree, WorkTree):
        return None
    found: dict[str, FolderListing] = {}
    for folder in folders(sources):
        if (listing := reading.files.concerning(tree, folder, identities(reading.only))) is None:
            return None
        found[folder] = listing
    return found


def _own_files(
    sources: Iterable[TenantSource], only: frozenset[str], known: KnownTenants, commit: CommitTree
) -> dict[str, FolderListing] | None:
    """Return the files of a commit that are named after the wanted tenants, if an earlier run has found just its
    files on disk; None if others are to be read, too (``Reading.paths``).
    """
    found: dict[str, FolderListing] = {}
    for folder in folders(sources):
        if (files := known.in_commit(commit, folder)) is None:
            return None
        found[folder] = FolderListing(tuple(files.named(identities(only))), others=files)
    matches = (
        filter(compiled(source.pattern).fullmatch, found[fixed_folder(source.pattern)].files) for source in sources
    )
    owned = {identity(stem_of(path)) for path in chain.from_iterable(matches) if path != PRICE_LIST}
    return found if identities(only) <= owned else None


def has_lines(sources: Iterable[TenantSource], collection: Collection) -> bool:
    """Return whether tenants are declared by lines of files, or by rows."""
    fleet = collection.fleet
    return any(source.json_lines for source in sources) or (fleet is not None and bool(fleet.sql_sources))


class ListedFiles(Struct, frozen=True):
    """The files in the folders of the sources; what is wrong with their names is added to ``collection``."""

    tree: Tree
    listings: Mapping[str, FolderListing]
    """By the fixed folder of a source."""
    collection: Collection
    reading: Reading

    def of(self, sources: Iterable[TenantSource]) -> list[str]:
        """Return the files of all these sources, each once; warn of sources without any."""
        found: dict[str, None] = {}
        for source in sources:
            matches = self.matching([source])
            found.update(dict.fromkeys(matches))
            others = filter(compiled(source.pattern).fullmatch, self._listing(source).others)
            if not matches and self.collection.fleet is not None and all(path == PRICE_LIST for path in others):
                self.collection.problems.append(_no_match(source))
        return list(found)

    def matching(self, sources: Iterable[TenantSource]) -> list[str]:
        """Return the files that any of these sources matches, each once."""
        found: dict[str, None] = {}
        for source in sources:
            files, pattern = self._listing(source).files, compiled(source.pattern)
            found.update(dict.fromkeys(filter(pattern.fullmatch, files)))
            found.pop(PRICE_LIST, None)
            for path in filter(_misnamed, files):
                if pattern.fullmatch(f"{_without_suffix(path)}.yaml") and self.reading.wants(path):
                    place = Location(self.tree.name(path))
                    self.collection.lose(Problem(place, "is not read", "rename it to .yaml"), path)
        return list(found)

    def _listing(self, source: TenantSource) -> FolderListing:
        return self.listings[fixed_folder(source.pattern)]


def unmatched(
    sources: Iterable[TenantSource], listings: Mapping[str, FolderListing], known: set[str]
) -> Iterator[Problem]:
    """Warn of YAML files in the folder of a source that no source reads. ``known`` are the files that are read or
    reported.

    A pattern without a folder covers the whole repository, where other YAML files are usual.
    """
    for source in sources:
        folder = fixed_folder(source.pattern)
        if not folder or source.json_lines:
            continue
        missed = [path for path in listings[folder].files if path not in known and _is_yaml(path)]
        known.update(missed)
        if missed:
            more = f" and {len(missed) - MOST_NAMED:,} more" if len(missed) > MOST_NAMED else ""
            message = f"no pattern matches {', '.join(map(shown, missed[:MOST_NAMED]))}{more}: not read"
            hint = f"{folder}/**/*.yaml matches all .yaml files below {folder}/"
            yield Problem(source.location, message, hint, Severity.WARNING)


def _no_match(source: TenantSource) -> Problem:
    message = f"no file matches {shown(source.pattern)}: this source has no tenants"
    return Problem(source.location, message, severity=Severity.WARNING)


def _is_yaml(path: str) -> bool:
    return path.endswith(".yaml") or _misnamed(path)


def _misnamed(path: str) -> bool:
    return path.endswith((".yml", ".YML", ".YAML"))


def _without_suffix(path: str) -> str:
    return path.rpartition(".")[0]
