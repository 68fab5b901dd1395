"""tiers.yaml -> a desired state without tenants, and where its tenants are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.desired.problem import Location, Problem
from reconciler.files import build
from reconciler.files.entry import Entry, Text
from reconciler.files.events import parse
from reconciler.files.patterns import stays_inside
from reconciler.files.tier_rules import tiers_findings
from reconciler.files.tiers_schema import SourceDocument, TiersDocument
from reconciler.files.tree import UnreadableError
from reconciler.files.wording import read

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.files.tree import Tree

DEFAULT_SOURCES: Final = TiersDocument.model_fields["tenants"].default


@dataclass(frozen=True, slots=True)
class PriceList:
    """What tiers.yaml says. ``fleet`` is None where the schema does not accept it."""

    fleet: DesiredState | None
    sources: tuple[SourceDocument, ...]
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
    parsed = parse(data, name)
    if len(parsed.documents) != 1 or not parsed.documents[0].whole:
        return _broken(*parsed.problems or [Problem(Location(name), "holds not one document, but 0 or several")])
    document = parsed.documents[0]
    entry = Entry(document.value, Text(name, data), document.line, document.column)
    return _checked(entry, parsed.problems)


def _checked(entry: Entry, problems: tuple[Problem, ...]) -> PriceList:
    document = read(TiersDocument, entry.value)
    if not isinstance(document, TiersDocument):
        return _broken(*problems, *(entry.problem(finding) for finding in document))
    named = [("organizations", name) for name in document.organizations]
    named += [("tiers", name) for name in document.tiers]
    fleet = build.fleet(document, {path: entry.place(path) for path in named})
    found = (entry.problem(finding) for finding in tiers_findings(document, fleet))
    sources = tuple(source for source in document.tenants if _usable(source))
    return PriceList(fleet, sources, (*problems, *found))


def _usable(source: SourceDocument) -> bool:
    return all(stays_inside(pattern) for pattern in (source.files, source.ndjson) if pattern is not None)


def _broken(*problems: Problem) -> PriceList:
    return PriceList(None, DEFAULT_SOURCES, problems)
