"""The sources that tiers.yaml names: which files they are, and the tenants in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reconciler.desired.problem import Location, Problem, Severity
from reconciler.files.collection import names_in, twice
from reconciler.files.entry import Entry, Text, entries_of
from reconciler.files.events import parse
from reconciler.files.finding import Finding, shown
from reconciler.files.json_lines import read_lines
from reconciler.files.patterns import compiled, fixed_folder
from reconciler.files.tree import MAX_FILE_BYTES, MAX_LINES_FILE_BYTES, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.files.collection import Collection
    from reconciler.files.tiers_schema import SourceDocument
    from reconciler.files.tree import Tree


class _File(NamedTuple):
    """What a YAML file says by itself."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    names: frozenset[str]
    """Of its tenants, as far as they can be made out where it has problems."""


Memo: TypeAlias = dict[tuple[str, bytes], _File]
"""Files that have been read before, by their path and their bytes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read, and how. ``only`` names the one tenant that is wanted; None is all of them."""

    only: str | None = None
    memo: Memo | None = None

    def paths(self, paths: list[str]) -> list[str]:
        """The files to read: the wanted tenant's own where there is one, otherwise all."""
        return [path for path in paths if _stem(path) == self.only] or paths

    def skips(self, path: str, data: bytes) -> bool:
        """Whether the file cannot hold the wanted tenant."""
        return self.only is not None and _stem(path) != self.only and self.only.encode() not in data

    def file(self, tree: Tree, path: str, data: bytes) -> _File:
        """The file's documents, from the memo where they are in it."""
        known = self.memo.get((path, data)) if self.memo is not None else None
        file = known or _read_file(Text(tree.name(path), data))
        if self.memo is not None:
            self.memo[path, data] = file
        return file


def read_tenants(
    tree: Tree, sources: tuple[SourceDocument, ...], collection: Collection, reading: Reading
) -> None:
    """Adds every tenant of every source; a YAML document overrides the JSON line of the same tenant."""
    patterns = [source.ndjson for source in sources if source.ndjson is not None]
    lines = _lines(tree, _paths(tree, patterns, collection), collection, reading.only)
    patterns = [source.files for source in sources if source.files is not None]
    for path in reading.paths(_paths(tree, patterns, collection)):
        data = _data(tree, path, collection, MAX_FILE_BYTES)
        if data is not None and not reading.skips(path, data):
            _add_file(reading.file(tree, path, data), _stem(path), lines, collection)
    for entry in lines.values():
        collection.add([entry])


def _paths(tree: Tree, patterns: Iterable[str], collection: Collection) -> list[str]:
    """The files that match any of the patterns, each once."""
    found: dict[str, None] = {}
    for pattern in patterns:
        listing = tree.listing(fixed_folder(pattern))
        for problem in listing.problems:
            collection.lose(problem)
        matching = compiled(pattern)
        matches = [path for path in listing.files if matching.fullmatch(path)]
        found.update(dict.fromkeys(matches))
        if not matches:
            collection.problems.append(_no_match(tree, pattern))
        for path in listing.files:
            if _misnamed(path) and matching.fullmatch(f"{_without_suffix(path)}.yaml"):
                collection.lose(Problem(Location(tree.name(path)), "is not read", f"{pattern} wants .yaml"))
    return list(found)


def _no_match(tree: Tree, pattern: str) -> Problem:
    message = f"no file matches {shown(pattern)}: the fleet has no tenants there"
    return Problem(Location(tree.name(pattern)), message, severity=Severity.WARNING)


def _misnamed(path: str) -> bool:
    return path.endswith((".yml", ".YML", ".YAML"))


def _without_suffix(path: str) -> str:
    return path.rpartition(".")[0]


def _stem(path: str) -> str:
    return _without_suffix(path.rpartition("/")[2])


def _data(tree: Tree, path: str, collection: Collection, limit: int) -> bytes | None:
    try:
        return tree.read(path, limit)
    except UnreadableError as error:
        collection.lose(Problem(Location(tree.name(path)), str(error)))
    except FileNotFoundError:
        collection.lose(Problem(Location(tree.name(path)), "vanished while the files were read"))
    return None


def _lines(tree: Tree, paths: Iterable[str], collection: Collection, only: str | None) -> dict[str, Entry]:
    """The tenants of NDJSON files by name. A line without a readable name could be anybody's."""
    lines: dict[str, Entry] = {}
    for path in paths:
        data = _data(tree, path, collection, MAX_LINES_FILE_BYTES) or b""
        for line, entry in read_lines(data, tree.name(path)):
            names = _names(entry, line)
            if only is not None and names and only not in names:
                continue
            collection.lost |= not names
            if isinstance(entry, Problem):
                collection.add([], [entry], names)
            elif entry.tenant is None:
                collection.add([entry])
            elif entry.tenant in lines:
                collection.add([], [entry.problem(twice(entry.tenant, lines[entry.tenant]))], names)
            else:
                lines[entry.tenant] = entry
    return lines


def _names(entry: Entry | Problem, line: bytes) -> set[str]:
    if isinstance(entry, Problem):
        return names_in(line)
    return {entry.tenant} if entry.tenant is not None else set()


def _read_file(text: Text) -> _File:
    parsed = parse(text.data, text.file)
    entries = entries_of(parsed, text)
    if not entries and not parsed.problems:
        return _File((), (Problem(Location(text.file), "holds no tenant"),), frozenset())
    return _File(entries, parsed.problems, frozenset(names_in(text.data) if parsed.problems else ()))


def _add_file(file: _File, stem: str, lines: dict[str, Entry], collection: Collection) -> None:
    problems = [*file.problems]
    if len(file.entries) == 1 and not file.problems:
        problems += _misplaced(file.entries[0], stem)
    collection.add([_on_top(entry, lines) for entry in file.entries], problems, {stem, *file.names})


def _misplaced(entry: Entry, stem: str) -> Iterator[Problem]:
    if entry.tenant is not None and entry.tenant != stem:
        message = f"tenant {shown(entry.tenant)} stands in a file called {shown(stem)}"
        hint = "name the file after its tenant; only a file with several documents may be called otherwise"
        yield entry.problem(Finding(("tenant",), message, hint))


def _on_top(entry: Entry, lines: dict[str, Entry]) -> Entry:
    """The entry on top of its tenant's line, which it uses up."""
    base = lines.pop(entry.tenant, None) if entry.tenant is not None else None
    return entry.overriding(base) if base is not None else entry
