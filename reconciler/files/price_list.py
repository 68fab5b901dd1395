"""tiers.yaml -> a desired state without tenants, and where its tenants are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.files import build
from reconciler.files.entry import Text, entries_of
from reconciler.files.events import parse
from reconciler.files.patterns import hindrance, normal
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tier_rules import tiers_findings
from reconciler.files.tiers_schema import DEFAULT_FILES, TiersDocument
from reconciler.files.tree import pointer
from reconciler.files.wording import read
from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.files.entry import Entry
    from reconciler.files.events import Parsed
    from reconciler.files.tree import Tree


@dataclass(frozen=True, slots=True)
class Source:
    """Where tenants are written: files that match a pattern, of YAML or of one JSON tenant a line."""

    pattern: str
    location: Location
    json_lines: bool = False


@dataclass(frozen=True, slots=True)
class PriceList:
    """What tiers.yaml says. ``fleet`` is None where the schema does not accept it."""

    fleet: DesiredState | None
    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]


def read_price_list(tree: Tree, path: str) -> PriceList:
    """The price list with all its problems; tenants can be checked against it even where it has some."""
    name = tree.name(path)
    try:
        data = tree.read(path)
    except FileNotFoundError:
        return _broken(Problem(Location(name), "there is no such file", "the price list of the fleet"))
    except UnreadableError as error:
        return _broken(Problem(Location(name), str(error)))
    if instead := pointer(data):
        return _broken(Problem(Location(name), *instead))
    parsed = parse(data, name)
    problems = (*parsed.problems, *_not_one(parsed, name))
    if len(parsed.documents) != 1 or not parsed.documents[0].whole:
        return _broken(*problems)
    return _checked(entries_of(parsed, Text(name, data))[0], problems)


def _not_one(parsed: Parsed, name: str) -> Iterator[Problem]:
    if not parsed.documents and not parsed.problems:
        yield Problem(Location(name), "holds no document", "the price list of the fleet")
    for document in parsed.documents[1:]:
        yield Problem(
            Location(name, document.line, document.column), "a second document", "one price list a fleet"
        )


def _checked(entry: Entry, problems: tuple[Problem, ...]) -> PriceList:
    document = read(TiersDocument, entry.value)
    if not isinstance(document, TiersDocument):
        return _broken(*problems, *(entry.problem(finding) for finding in document))
    fleet = build.fleet(document, entry.place)
    found = (entry.problem(finding) for finding in tiers_findings(document, fleet))
    return PriceList(fleet, tuple(_sources(document, entry)), (*problems, *found))


def _sources(document: TiersDocument, entry: Entry) -> Iterator[Source]:
    """Those that can be used: the others are among the problems."""
    for index, written in enumerate(document.tenants):
        pattern = written.files or written.ndjson
        if pattern is not None and hindrance(pattern) is None:
            yield Source(normal(pattern), entry.place(("tenants", index)), written.files is None)


def _broken(*problems: Problem) -> PriceList:
    return PriceList(None, (Source(DEFAULT_FILES, problems[0].location),), problems)
