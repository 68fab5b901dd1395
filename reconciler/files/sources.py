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
    from reconciler.files.price_list import Source
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
    """What is read, and how."""

    only: frozenset[str] | None = None
    """The tenants that are wanted; None is all of them."""
    memo: Memo | None = None
    tiers: str = "tiers.yaml"
    """The price list, which no pattern for tenants takes in."""

    def wants(self, path: str) -> bool:
        """Whether the file is named after what is wanted."""
        return self.only is None or _stem(path) in self.only

    def paths(self, paths: list[str]) -> list[str]:
        """The files to read: the wanted tenants' own where each has one, otherwise all."""
        own = [path for path in paths if self.wants(path)]
        return own if self.only is not None and self.only <= {_stem(path) for path in own} else paths

    def skips(self, path: str, data: bytes) -> bool:
        """Whether the file cannot hold anything that is wanted."""
        return (
            self.only is not None and not self.wants(path) and not any(name.encode() in data for name in self.only)
        )

    def file(self, tree: Tree, path: str, data: bytes) -> _File:
        """The file's documents, from the memo where they are in it."""
        known = self.memo.get((path, data)) if self.memo is not None else None
        file = known or _read_file(Text(tree.name(path), data))
        if self.memo is not None:
            self.memo[path, data] = file
        return file


def read_tenants(tree: Tree, sources: tuple[Source, ...], collection: Collection, reading: Reading) -> None:
    """Adds every tenant of every source; a YAML document overrides the JSON line of the same tenant."""
    json_lines = [source for source in sources if source.json_lines]
    lines = _lines(tree, _paths(tree, json_lines, reading, collection), collection, reading.only)
    files = [source for source in sources if not source.json_lines]
    for path in reading.paths(_paths(tree, files, reading, collection)):
        data = _data(tree, path, collection, MAX_FILE_BYTES)
        if data is not None and not reading.skips(path, data):
            _add_file(reading.file(tree, path, data), _stem(path), lines, collection)
    for entry in lines.values():
        collection.add([entry])


def _paths(tree: Tree, sources: Iterable[Source], reading: Reading, collection: Collection) -> list[str]:
    """The files of all sources, each once."""
    found: dict[str, None] = {}
    for source in sources:
        listing = tree.listing(fixed_folder(source.pattern))
        matching = compiled(source.pattern)
        matches = [path for path in listing.files if path != reading.tiers and matching.fullmatch(path)]
        found.update(dict.fromkeys(matches))
        if not matches and collection.fleet is not None:
            collection.problems.append(_no_match(source))
        for problem in listing.problems:
            collection.lose(problem)
        for path in listing.files:
            if _misnamed(path) and matching.fullmatch(f"{_without_suffix(path)}.yaml") and reading.wants(path):
                collection.lose(Problem(Location(tree.name(path)), "is not read", "name it .yaml"))
    return list(found)


def _no_match(source: Source) -> Problem:
    message = f"no file matches {shown(source.pattern)}: the fleet has no tenants there"
    return Problem(source.location, message, severity=Severity.WARNING)


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


def _lines(
    tree: Tree, paths: Iterable[str], collection: Collection, only: frozenset[str] | None
) -> dict[str, Entry]:
    """The tenants of NDJSON files by name. A line without a readable name could be anybody's."""
    lines: dict[str, Entry] = {}
    for path in paths:
        data = _data(tree, path, collection, MAX_LINES_FILE_BYTES) or b""
        for line, entry in read_lines(data, tree.name(path)):
            names = _names(entry, line)
            if only is not None and names and not names & only:
                continue
            collection.lost |= not names
            if isinstance(entry, Problem):
                collection.add([], [entry], names)
            elif entry.tenant is None:
                collection.add([entry])
            elif entry.tenant in lines:
                collection.add([], [entry.problem(twice(entry.tenant, lines[entry.tenant].location))], names)
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
