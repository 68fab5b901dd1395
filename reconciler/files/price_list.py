"""tiers.yaml -> a desired state without tenants, and the sources of its tenants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.files import build
from reconciler.files.entry import Text, entries_of
from reconciler.files.events import parse
from reconciler.files.limit_rules import bare_quota_findings
from reconciler.files.patterns import hindrance, normal
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tenant_schema import tolerant_tiers
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

PRICE_LIST: Final = "tiers.yaml"
"""The file, in the fleet's folder."""
_PURPOSE: Final = f"{PRICE_LIST} declares the organizations and tiers of the fleet"


@dataclass(frozen=True, slots=True)
class Source:
    """A source of tenants: files that match a pattern, as YAML or with one JSON tenant per line."""

    pattern: str
    location: Location
    json_lines: bool = False


@dataclass(frozen=True, slots=True)
class PriceList:
    """The contents of tiers.yaml. ``fleet`` is None if the schema rejects it."""

    fleet: DesiredState | None
    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]
    policies: Source | None = None
    """The files that declare policies; None if the pattern cannot be used."""


def read_price_list(tree: Tree, *, past: bool = False) -> PriceList:
    """Read tiers.yaml with all its problems; tenants can be checked against it even if it has some.

    ``past`` as in ``Reading``.
    """
    name = tree.name(PRICE_LIST)
    try:
        data = tree.read(PRICE_LIST)
    except FileNotFoundError:
        return _broken(Problem(Location(name), "the file does not exist", _PURPOSE))
    except UnreadableError as error:
        return _broken(Problem(Location(name), str(error)))
    if instead := pointer(data):
        return _broken(Problem(Location(name), *instead))
    parsed = parse(data, name)
    problems = (*parsed.problems, *_not_one(parsed, name))
    if len(parsed.documents) != 1 or not parsed.documents[0].whole:
        return _broken(*problems)
    return _checked(entries_of(parsed, Text(name, data))[0], problems, past=past)


def _not_one(parsed: Parsed, name: str) -> Iterator[Problem]:
    if not parsed.documents and not parsed.problems:
        yield Problem(Location(name), "contains no document", _PURPOSE)
    for document in parsed.documents[1:]:
        place = Location(name, document.line, document.column)
        yield Problem(place, "a second document", "write everything into the first one")


def _checked(entry: Entry, problems: tuple[Problem, ...], *, past: bool) -> PriceList:
    document = read(TiersDocument, tolerant_tiers(entry.value) if past else entry.value)
    if not isinstance(document, TiersDocument):
        return _broken(*problems, *(entry.problem(finding) for finding in document))
    fleet = build.fleet(document, entry.place)
    findings = list(tiers_findings(document, fleet, past=past))
    for tier in () if past else document.tiers:
        findings += bare_quota_findings(entry.value, ("tiers", tier, "quota"))
    found = map(entry.problem, findings)
    sources, policies = tuple(_sources(document, entry)), _policies(document, entry)
    return PriceList(fleet, sources, (*problems, *found), policies)


def _policies(document: TiersDocument, entry: Entry) -> Source | None:
    """Return the source of the policies; one that cannot be used is reported as a problem."""
    pattern = document.policies
    return None if hindrance(pattern) else Source(normal(pattern), entry.place(("policies",)))


def _sources(document: TiersDocument, entry: Entry) -> Iterator[Source]:
    """Yield the usable sources: the others are reported as problems."""
    for index, written in enumerate(document.tenants):
        pattern = written.files or written.ndjson
        if pattern is not None and hindrance(pattern) is None:
            yield Source(normal(pattern), entry.place(("tenants", index)), written.files is None)


def _broken(*problems: Problem) -> PriceList:
    return PriceList(None, (Source(DEFAULT_FILES, problems[0].location),), problems)
