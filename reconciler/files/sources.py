"""The sources in tiers.yaml: their files, and the tenants in them."""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from reconciler.desired.naming import TENANT_SIGN, identity
from reconciler.files.collection import alongside, declared_twice, names_in, pins_in
from reconciler.files.entry import ROWS, Entry, Text, entries_of
from reconciler.files.finding import Finding
from reconciler.files.patterns import compiled, fixed_folder
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tree import (
    MAX_FILE_BYTES,
    MAX_LINES_FILE_BYTES,
    FolderListing,
    WorkTree,
    pointer,
    stem_of,
)
from reconciler.files.unchanged_files import UnchangedFiles
from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.quoting import shown
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.desired.tenant import Tenant
    from reconciler.files.collection import Collection
    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.known_tenants import KnownFiles, KnownTenants
    from reconciler.files.price_list import TenantSource
    from reconciler.files.rows import ReadRows
    from reconciler.files.tree import Tree

MOST_BROKEN_LINES: Final = 1000
"""After this many broken lines the rest of a file is not read: it does not contain tenants."""
MOST_NAMED: Final = 3
"""Files that a warning names; the others are only counted."""
MOST_ONE_BY_ONE: Final = 500
"""Files on disk: to read so many takes as long as to look up all of a large fleet."""
NO_JSON: Final = "the rest is not read; write one JSON tenant per line"
_PIN: Final = b"project_id"
_EARLIER_NAMES: Final = b"previously"


class _File(NamedTuple):
    """The contents of one YAML file."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    names: frozenset[str]
    """Names of tenants in uncertain parts of it, as far as they can be found."""
    pins: frozenset[str] = frozenset()
    """The same for their projects."""


Memo: TypeAlias = dict[tuple[str, bytes], _File]
"""Files that were read before, by path and bytes."""


class Reading(Struct, frozen=True):
    """What is read, and how."""

    only: frozenset[str] | None = None
    """The wanted tenants; None means all."""
    memo: Memo | None = None
    about: frozenset[str] | None = None
    """The tenants that a full load is for: a broken line without a name does not concern them."""
    past: bool = False
    """Whether this is an earlier state: an unreadable file only makes its own tenants unknown, and settings that
    this release does not know, or has begun to check, count as unchecked."""
    pins: bool = False
    """Whether tenants with a pinned project are wanted too: no other tenant may take it by name."""
    known: KnownTenants | None = None
    """Tenants that were read before."""
    files: KnownFiles | None = None
    """Those of them that were read with the price list of this load."""
    commit: CommitTree | None = None
    """The tree, if it is that of a commit, which has the ids of folders and files. What git's index says of a file
    on disk is not trusted."""
    marks: Mapping[str, bytes] = {}
    """What the file system says of files on disk, by path, once they are listed (``disk_marks.py``)."""
    rows: ReadRows | None = None
    """Reads the queries of tiers.yaml; None for a command that reads no database."""

    def wants(self, path: str) -> bool:
        """Return whether the file's name matches a wanted tenant."""
        return self.only is None or identity(stem_of(path)) in _identities(self.only)

    def paths(self, paths: list[str]) -> list[str]:
        """Return the files to read: the wanted tenants' own if each has one and pins do not count, otherwise
        all.
        """
        if self.only is None or self.pins:
            return paths
        own = [path for path in paths if self.wants(path)]
        return own if _identities(self.only) <= {identity(stem_of(path)) for path in own} else paths

    def takes(self, names: set[str], line: bytes) -> bool:
        """Return whether the line is about a wanted tenant."""
        if self.only is None or self._pinned(line):
            return True
        wanted = not _identities(self.only).isdisjoint(map(identity, names))
        return wanted or (_EARLIER_NAMES in line and _mention(self.only).search(line) is not None)

    def names_in_line(self, line: bytes) -> set[str]:
        """Return the wanted tenants that a line without a readable name may be about."""
        if not (wanted := self.only or self.about):
            return set()
        words = {identity(match.decode()) for match in _mention(wanted).findall(line)}
        return {name for name in wanted if identity(name) in words}

    def skips(self, path: str, data: bytes, lines: Mapping[str, Entry]) -> bool:
        """Return whether the file cannot contain a wanted tenant, or override the line of one."""
        if self.only is None or self.wants(path) or self._pinned(data) or _mention(self.only).search(data):
            return False
        return not any(self._pinned(lines[name].text.data) for name in names_in(data) if name in lines)

    def _pinned(self, data: bytes) -> bool:
        return self.pins and _PIN in data

    def file(self, tree: Tree, path: str, data: bytes) -> _File:
        """Return the file's documents, from the memo if possible."""
        known = self.memo.get((path, data)) if self.memo is not None else None
        file = known or _read_file(Text(tree.name(path), data, path=path))
        if self.memo is not None:
            self.memo[path, data] = file
        return file

    def forget(self, path: str, data: bytes) -> None:
        """Take a file out of the memo."""
        if self.memo is not None:
            self.memo.pop((path, data), None)


def read_tenants(tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading) -> None:
    """Add every tenant of every source; a YAML document overrides the JSON line of the same tenant."""
    if _takes_as_before(tree, sources, collection, reading) or _takes_from_disk(
        tree, sources, collection, reading
    ):
        return
    found_before = len(collection.problems)
    listings = _few_files(tree, sources, collection, reading) or _listings(tree, sources, reading)
    for folder, listing in listings.items():
        unread = listing.unread or (folder,) * len(listing.problems)
        for problem, path in zip(listing.problems, unread, strict=True):
            collection.lose(problem, path)
    of_lines = _paths(tree, [source for source in sources if source.json_lines], listings, collection, reading)
    files = _paths(tree, [source for source in sources if not source.json_lines], listings, collection, reading)
    if collection.fleet is not None and reading.only is None and not reading.past:
        known = {*of_lines, *files, *collection.unread, PRICE_LIST}
        collection.problems += _unmatched(sources, listings, known)
    lines = _lines(tree, of_lines, collection, reading)
    _add_rows(lines, collection, reading)
    _add_files(tree, reading.paths(files), lines, collection, reading)
    for name, entry in lines.items():
        if reading.takes({name}, entry.text.data):
            collection.add([entry])
    if not of_lines and len(collection.problems) == found_before and collection.spotless:
        _keep_whole(files, collection, reading)


def _takes_as_before(
    tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading
) -> bool:
    """Take all tenants of the files on disk from an earlier run; False, with none taken, if any may be another."""
    if reading.only is not None or reading.files is None or not isinstance(tree, WorkTree):
        return False
    if collection.lost or _has_lines(sources, collection):
        return False
    if (whole := reading.files.as_before(tree, _folders(sources))) is None:
        return False
    collection.take_whole(whole)
    return True


def _has_lines(sources: Iterable[TenantSource], collection: Collection) -> bool:
    """Return whether tenants are declared by lines of files, or by rows."""
    fleet = collection.fleet
    return any(source.json_lines for source in sources) or (fleet is not None and bool(fleet.sql_sources))


def _takes_from_disk(
    tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading
) -> bool:
    """Take the tenants of a commit from those on disk, and read only the files that are not the same there.

    False, with none taken, where anything was found in a file of either.
    """
    files, known, commit = reading.files, reading.known, reading.commit
    if commit is None or known is None or files is None or files.whole is None or reading.only is not None:
        return False
    apart = known.apart(commit, {fixed_folder(source.pattern) for source in sources})
    if apart is None:
        return False
    if not (apart.in_commit or apart.on_disk):
        collection.take_whole(files.whole)
        return True
    attempt = collection.copy()
    in_commit = FolderListing(tuple(apart.in_commit))
    listings = {fixed_folder(source.pattern): in_commit for source in sources}
    _add_files(tree, _matching(tree, sources, listings, attempt, reading), {}, attempt, reading)
    if not attempt.spotless or attempt.clashes or len(attempt.problems) > len(collection.problems):
        return False
    tenants = alongside(files.whole, apart.on_disk, attempt.tenants())
    if tenants is None or not all(_has_any(source, tenants.values()) for source in sources):
        return False
    collection.take_whole(tenants)
    return True


def _has_any(source: TenantSource, tenants: Iterable[Tenant]) -> bool:
    matching = compiled(source.pattern)
    return any(matching.fullmatch(path) for tenant in tenants for path in tenant.files)


def _keep_whole(paths: Iterable[str], collection: Collection, reading: Reading) -> None:
    """Remember the tenants of the files on disk, of which each is known and nothing was found in any."""
    fleet, files = collection.fleet, reading.files
    if fleet is None or fleet.sql_sources or files is None or reading.past or reading.only is not None:
        return
    if not collection.lost and files.on_disk.keys() >= {*paths}:
        files.whole = collection.tenants()
        collection.take_whole(files.whole)


def _add_files(
    tree: Tree, paths: Sequence[str], lines: dict[str, Entry], collection: Collection, reading: Reading
) -> None:
    """Add files: those that need not be read at once, and then the others; all in order where any are in conflict,
    so that the later one is reported.
    """
    unchanged = None if lines else _unchanged(tree, collection, lines, reading)
    if unchanged is None:
        _add_in_order(tree, paths, lines, collection, reading)
    elif reading.only is not None:
        _add_in_order(tree, unchanged.others(paths, reading.wants), lines, collection, reading)
    else:
        attempt = collection.copy()
        others = replace(unchanged, collection=attempt).take_at_once(paths)
        if others is not None:
            _add_in_order(tree, others, lines, attempt, reading)
        if others is not None and attempt.clashes == collection.clashes:
            collection.become(attempt)
        else:
            _add_in_order(tree, paths, lines, collection, reading)


def _add_in_order(
    tree: Tree, paths: Sequence[str], lines: dict[str, Entry], collection: Collection, reading: Reading
) -> None:
    unchanged = _unchanged(tree, collection, lines, reading)
    for path in paths:
        stem = stem_of(path)
        if unchanged is not None and _is_known(unchanged, path, stem, reading):
            continue
        data = _data(tree, path, collection, MAX_FILE_BYTES)
        if data is None or reading.skips(path, data, lines):
            continue
        if unchanged is None:
            file = _without_rows(reading.file(tree, path, data), lines, collection, reading)
            _add_file(file, stem, lines, collection)
        elif not unchanged.takes(path, stem, data):
            before = len(collection.problems)
            file = _without_rows(reading.file(tree, path, data), lines, collection, reading)
            _add_file(file, stem, lines, collection)
            if unchanged.keep(path, data, file.entries, before):
                reading.forget(path, data)


def _is_known(unchanged: UnchangedFiles, path: str, stem: str, reading: Reading) -> bool:
    """Return whether a file need not be read: its tenant is known, and was taken if it is wanted."""
    return unchanged.takes_unread(path, stem) if reading.wants(path) else unchanged.skips_unread(path)


def _unchanged(
    tree: Tree, collection: Collection, lines: Mapping[str, Entry], reading: Reading
) -> UnchangedFiles | None:
    """Return the files that were read before with the same price list; None if that cannot be used."""
    if reading.files is None or collection.lost:
        return None
    few = reading.only is not None and 0 < len(reading.marks) <= MOST_ONE_BY_ONE
    return UnchangedFiles(tree, reading.marks, reading.commit, reading.files, collection, lines, few)


@lru_cache(maxsize=2)
def _identities(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(identity, names))


@lru_cache(maxsize=2)
def _mention(names: frozenset[str]) -> re.Pattern[bytes]:
    """Match any of the names as a whole word, in any case."""
    words = "|".join(re.escape(name) for name in sorted(names))
    return re.compile(f"(?<!{TENANT_SIGN})(?:{words})(?!{TENANT_SIGN})".encode(), re.IGNORECASE)


def _folders(sources: Iterable[TenantSource]) -> list[str]:
    """Return the fixed folder of each source, each once."""
    return list(dict.fromkeys(fixed_folder(source.pattern) for source in sources))


def _listings(tree: Tree, sources: Iterable[TenantSource], reading: Reading) -> dict[str, FolderListing]:
    """Return the files below the fixed folder of each source, each folder listed once."""
    listings: dict[str, FolderListing] = {}
    known, commit = reading.known, reading.commit
    for folder in _folders(sources):
        same = known and commit and known.same_listing(folder, commit.folder_id(folder))
        listings[folder] = same or tree.listing(folder)
    return listings


def _few_files(
    tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading
) -> dict[str, FolderListing] | None:
    """Return of the files that ``_listings`` has those that a run about a few tenants looks at; None if that is
    not known.
    """
    if reading.only is None or reading.known is None or collection.lost or _has_lines(sources, collection):
        return None
    if reading.commit is not None:
        return _own_files(sources, reading.only, reading.known, reading.commit)
    if reading.files is None or not isinstance(tree, WorkTree):
        return None
    found: dict[str, FolderListing] = {}
    for folder in _folders(sources):
        if (listing := reading.files.concerning(tree, folder, _identities(reading.only))) is None:
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
    for folder in _folders(sources):
        if (kept := known.kept_as(folder, commit.folder_id(folder))) is None:
            return None
        found[folder] = FolderListing(tuple(kept.named(_identities(only))), others=kept)
    matches = (
        filter(compiled(source.pattern).fullmatch, found[fixed_folder(source.pattern)].files) for source in sources
    )
    owned = {identity(stem_of(path)) for path in chain.from_iterable(matches) if path != PRICE_LIST}
    return found if _identities(only) <= owned else None


def _paths(
    tree: Tree,
    sources: Iterable[TenantSource],
    listings: Mapping[str, FolderListing],
    collection: Collection,
    reading: Reading,
) -> list[str]:
    """Return the files of all sources, each once; warn of sources without any."""
    found: dict[str, None] = {}
    for source in sources:
        matches = _matching(tree, [source], listings, collection, reading)
        found.update(dict.fromkeys(matches))
        others = filter(compiled(source.pattern).fullmatch, listings[fixed_folder(source.pattern)].others)
        if not matches and collection.fleet is not None and all(path == PRICE_LIST for path in others):
            collection.problems.append(_no_match(source))
    return list(found)


def _matching(
    tree: Tree,
    sources: Iterable[TenantSource],
    listings: Mapping[str, FolderListing],
    collection: Collection,
    reading: Reading,
) -> list[str]:
    """Return the files that any of the sources matches, each once."""
    found: dict[str, None] = {}
    for source in sources:
        files, matching = listings[fixed_folder(source.pattern)].files, compiled(source.pattern)
        found.update(dict.fromkeys(filter(matching.fullmatch, files)))
        found.pop(PRICE_LIST, None)
        for path in filter(_misnamed, files):
            if matching.fullmatch(f"{_without_suffix(path)}.yaml") and reading.wants(path):
                collection.lose(Problem(Location(tree.name(path)), "is not read", "rename it to .yaml"), path)
    return list(found)


def _unmatched(
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


def _data(tree: Tree, path: str, collection: Collection, limit: int) -> bytes | None:
    try:
        data = tree.read(path, limit)
        if (instead := pointer(data)) is None:
            return data
        collection.lose(Problem(Location(tree.name(path)), *instead), path)
    except UnreadableError as error:
        collection.lose(Problem(Location(tree.name(path)), str(error)), path)
    except FileNotFoundError:
        collection.lose(Problem(Location(tree.name(path)), "was deleted while the files were read"), path)
    return None


def _lines(tree: Tree, paths: Iterable[str], collection: Collection, reading: Reading) -> dict[str, Entry]:
    """Return the tenants of NDJSON files by name, wanted or not; report problems of wanted ones only."""
    lines: dict[str, Entry] = {}
    for path in paths:
        from reconciler.files.json_lines import read_lines  # noqa: PLC0415 - for such files only

        data = _data(tree, path, collection, MAX_LINES_FILE_BYTES) or b""
        broken = 0
        for line, entry in read_lines(data, tree.name(path), path):
            broken += isinstance(entry, Problem)
            if broken > MOST_BROKEN_LINES:
                collection.lose(
                    Problem(entry.location, f"more than {MOST_BROKEN_LINES:,} broken lines", NO_JSON), path
                )
                break
            names = _names(entry, line) or reading.names_in_line(line)
            if not names and reading.only is None and reading.about is None:
                collection.unread.add(path)
            if isinstance(entry, Entry) and entry.tenant is not None and entry.tenant not in lines:
                lines[entry.tenant] = entry
            elif reading.takes(names, line):
                _add_broken_line(entry, names, pins_in(line), lines, collection)
    return lines


def _add_rows(lines: dict[str, Entry], collection: Collection, reading: Reading) -> None:
    """Add the rows of each query to the lines. Of an earlier state no rows are known."""
    fleet = collection.fleet
    if fleet is None or not fleet.sql_sources or reading.past:
        return
    from reconciler.files.rows import entries, not_read  # noqa: PLC0415 - for a fleet with a query only

    for source in fleet.sql_sources:
        if reading.rows is None:
            collection.problems.append(not_read(source))
            continue
        for entry in entries(source, reading.rows(source, fleet)):
            if isinstance(entry, Problem):
                collection.problems.append(entry)
                if entry.severity is Severity.ERROR:
                    collection.unread.add(f"{ROWS}{source.index}")
            elif entry.tenant is not None and entry.tenant not in lines:
                lines[entry.tenant] = entry
            elif reading.takes({entry.tenant or ""}, entry.text.data):
                _add_broken_line(entry, {entry.tenant or ""}, set(), lines, collection)


def _without_rows(file: _File, lines: Mapping[str, Entry], collection: Collection, reading: Reading) -> _File:
    """Return the file without the documents that override rows which are not read; each of those is a warning."""
    fleet = collection.fleet
    if fleet is None or not fleet.sql_sources or (reading.rows is not None and not reading.past):
        return file
    from reconciler.files.rows import OVERRIDES, overrides_a_row  # noqa: PLC0415 - as above

    left = [entry for entry in file.entries if overrides_a_row(entry) and entry.tenant not in lines]
    warnings = (
        Problem(entry.location, OVERRIDES, severity=Severity.WARNING) for entry in left if not reading.past
    )
    kept = tuple(entry for entry in file.entries if entry not in left)
    return file._replace(entries=kept, problems=(*file.problems, *warnings)) if left else file


def _add_broken_line(
    entry: Entry | Problem, names: set[str], pins: set[str], lines: Mapping[str, Entry], collection: Collection
) -> None:
    """Add a line that cannot be read, that names no tenant, or whose tenant already has a line."""
    if isinstance(entry, Problem):
        collection.add([], [entry], names, pins)
    elif entry.tenant is None:
        collection.add([entry], (), names)
    else:
        collection.add(
            [], [entry.problem(declared_twice(entry.tenant, lines[entry.tenant].location))], names, pins
        )


def _names(entry: Entry | Problem, line: bytes) -> set[str]:
    if isinstance(entry, Problem):
        return set(names_in(line))
    return {entry.tenant} if entry.tenant is not None else set()


def _read_file(text: Text) -> _File:
    from reconciler.files.events import parse  # noqa: PLC0415 - not where every file is known

    parsed = parse(text.data, text.file)
    entries = entries_of(parsed, text)
    if not entries and not parsed.problems:
        return _File((), (Problem(Location(text.file), "contains no tenant"),), frozenset())
    if not parsed.problems:
        return _File(entries, (), frozenset())
    doubtful = _lines_of(text.data, parsed.doubtful)
    return _File(entries, parsed.problems, frozenset(names_in(doubtful)), frozenset(pins_in(doubtful)))


def _lines_of(data: bytes, parts: Iterable[tuple[int, int | None]]) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(line for first, last in parts for line in lines[first - 1 : last])


def _add_file(file: _File, stem: str, lines: dict[str, Entry], collection: Collection) -> None:
    entries, problems = file.entries, [*file.problems]
    if len(entries) == 1 and not problems and (misplaced := list(_misplaced(entries[0], stem))):
        entries, problems = (dataclasses.replace(entries[0], sound=False),), misplaced
    collection.add(
        [_on_top(entry, lines) for entry in entries], problems, _doubtful(file, entries, stem), file.pins
    )


def _doubtful(file: _File, entries: Sequence[Entry], stem: str) -> set[str]:
    """Return the tenants that an uncertain part of the file may be about.

    If no name can be found, it is the one in the file's name; if that one is valid in the file, the file's name
    stands for the unknown tenant.
    """
    if file.names and len(entries) > 1:
        return set(file.names)
    sound = {entry.tenant: entry for entry in entries if entry.sound}
    return {*file.names, stem if stem not in sound else sound[stem].location.file}


def _misplaced(entry: Entry, stem: str) -> Iterator[Problem]:
    if entry.tenant is not None and entry.tenant != stem:
        message = f"tenant {shown(entry.tenant)} is in a file named {shown(stem)}"
        hint = "name the file after its tenant; only files with several documents may have another name"
        yield entry.problem(Finding(("tenant",), message, hint))


def _on_top(entry: Entry, lines: dict[str, Entry]) -> Entry:
    """Return the entry on top of its tenant's line, which is removed from ``lines``."""
    base = lines.pop(entry.tenant, None) if entry.tenant is not None else None
    return entry.overriding(base) if base is not None else entry
