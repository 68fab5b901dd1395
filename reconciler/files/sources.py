"""The tenants of the sources in tiers.yaml: those in YAML files, in lines of JSON and in rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.roster import files_of
from reconciler.files.collection import alongside, declared_twice, names_in, pins_in
from reconciler.files.entry import ROWS, Entry
from reconciler.files.finding import Finding
from reconciler.files.patterns import compiled
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.regular_files import UnreadableError
from reconciler.files.source_files import (
    ListedFiles,
    few_files,
    folders,
    has_lines,
    listings_of,
    unmatched,
)
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
    from reconciler.files.kept_scans import SinceKept
    from reconciler.files.price_list import TenantSource
    from reconciler.files.reading import ReadFile, Reading
    from reconciler.files.tree import Tree

MOST_BROKEN_LINES: Final = 1000
"""After this many broken lines the rest of a file is not read: it does not contain tenants."""
MOST_ONE_BY_ONE: Final = 500
"""Files on disk: to read so many takes as long as to look up all of a large fleet."""
NO_JSON: Final = "the rest is not read; write one JSON tenant per line"


def read_tenants(tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading) -> None:
    """Add every tenant of every source; a YAML document overrides the JSON line of the same tenant."""
    taken = (_takes_roster, _takes_as_before, _takes_from_disk)
    if any(takes(tree, sources, collection, reading) for takes in taken):
        return
    found_before = len(collection.problems)
    listings = few_files(tree, sources, collection, reading) or listings_of(tree, sources, reading)
    for folder, listing in listings.items():
        unread = listing.unread or (folder,) * len(listing.problems)
        for problem, path in zip(listing.problems, unread, strict=True):
            collection.lose(problem, path)
    listed = ListedFiles(tree, listings, collection, reading)
    of_lines = listed.of(source for source in sources if source.json_lines)
    files = listed.of(source for source in sources if not source.json_lines)
    if collection.fleet is not None and reading.only is None and not reading.past:
        known = {*of_lines, *files, *collection.unread, PRICE_LIST}
        collection.problems += unmatched(sources, listings, known)
    lines = _lines(tree, of_lines, collection, reading)
    _add_rows(lines, collection, reading)
    _add_files(tree, reading.paths(files), lines, collection, reading)
    for name, entry in lines.items():
        if reading.takes({name}, entry.text.data):
            collection.add([entry])
    if not of_lines and len(collection.problems) == found_before and collection.spotless:
        _keep_whole(files, collection, reading)


def _takes_roster(tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading) -> bool:
    """Take the tenants as an earlier run has found them on disk, and read only the files that are others now, or
    in the commit; False, with none taken, where that run or this one has found anything in a file.
    """
    files, known = reading.files, reading.known
    if reading.only is not None or files is None or known is None or collection.lost:
        return False
    if has_lines(sources, collection) or (kept := known.roster(files, folders(sources), reading.commit)) is None:
        return False
    return _takes_but_for(*kept, tree, sources, collection, reading)


def _takes_but_for(
    tenants: Mapping[str, Tenant],
    since: SinceKept,
    tree: Tree,
    sources: tuple[TenantSource, ...],
    collection: Collection,
    reading: Reading,
) -> bool:
    """Take the tenants that an earlier run has found on disk, and read only the files that are others since then;
    False, with none taken, where anything is found in one of these.
    """
    if reading.commit is None and isinstance(tree, WorkTree):
        for folder in folders(sources):
            tree.note(folder, since.new)
        reading = replace(reading, one_by_one=True)
    found = _with_others(tree, sources, tenants, since.gone, since.new, collection, reading)
    if found is None:
        return False
    if reading.commit is None and reading.files is not None:
        if not reading.files.on_disk.keys() >= {*since.new}:
            return False
        reading.files.whole = found
    collection.take_whole(found)
    return True


def _takes_as_before(
    tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading
) -> bool:
    """Take all tenants of the files on disk from an earlier run, but for the files that are others now."""
    if reading.only is not None or reading.files is None or not isinstance(tree, WorkTree):
        return False
    if collection.lost or has_lines(sources, collection):
        return False
    before = reading.files.as_before(tree, folders(sources))
    return before is not None and _takes_but_for(*before, tree, sources, collection, reading)


def _takes_from_disk(
    tree: Tree, sources: tuple[TenantSource, ...], collection: Collection, reading: Reading
) -> bool:
    """Take the tenants of a commit from those on disk, and read only the files that are not the same there.

    False, with none taken, where anything was found in a file of either.
    """
    files, known, commit = reading.files, reading.known, reading.commit
    if commit is None or known is None or files is None or files.whole is None or reading.only is not None:
        return False
    if (before := files.as_in(commit, folders(sources))) is not None:
        collection.take_whole(before)
        return True
    if (apart := known.apart(commit, folders(sources))) is None:
        return False
    tenants = _with_others(tree, sources, files.whole, apart.on_disk, apart.in_commit, collection, reading)
    if tenants is None:
        return False
    collection.take_whole(tenants)
    return True


def _with_others(
    tree: Tree,
    sources: tuple[TenantSource, ...],
    tenants: Mapping[str, Tenant],
    gone: Sequence[str],
    new: Sequence[str],
    collection: Collection,
    reading: Reading,
) -> Mapping[str, Tenant] | None:
    """Return the tenants without those of files that are ``gone``, and with those of ``new`` ones, which are read.

    None if anything is found in a new file, if a tenant may be in conflict with another one, or if a source has no
    file then.
    """
    if not (gone or new):
        return tenants
    attempt, listing = collection.copy(), FolderListing(tuple(new))
    listed = ListedFiles(tree, dict.fromkeys(folders(sources), listing), attempt, reading)
    _add_files(tree, listed.matching(sources), {}, attempt, reading)
    if not attempt.spotless or attempt.clashes or len(attempt.problems) > len(collection.problems):
        return None
    found = alongside(tenants, gone, attempt.tenants())
    return found if found is not None and all(_has_any(source, found) for source in sources) else None


def _has_any(source: TenantSource, tenants: Mapping[str, Tenant]) -> bool:
    return any(map(compiled(source.pattern).fullmatch, files_of(tenants)))


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
    if unchanged is None or reading.one_by_one:
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
    one_by_one = few or reading.one_by_one
    return UnchangedFiles(tree, reading.marks, reading.commit, reading.files, collection, lines, one_by_one)


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


def _without_rows(
    file: ReadFile, lines: Mapping[str, Entry], collection: Collection, reading: Reading
) -> ReadFile:
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


def _add_file(file: ReadFile, stem: str, lines: dict[str, Entry], collection: Collection) -> None:
    entries, problems = file.entries, [*file.problems]
    if len(entries) == 1 and not problems and (misplaced := list(_misplaced(entries[0], stem))):
        entries, problems = (replace(entries[0], sound=False),), misplaced
    collection.add(
        [_on_top(entry, lines) for entry in entries], problems, _doubtful(file, entries, stem), file.pins
    )


def _doubtful(file: ReadFile, entries: Sequence[Entry], stem: str) -> set[str]:
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
