"""The text of tiers.yaml -> a price list, with all its problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.files import build
from reconciler.files.digests import digest
from reconciler.files.entry import Text, entries_of
from reconciler.files.events import parse
from reconciler.files.limit_rules import bare_quota_findings, region_findings
from reconciler.files.patterns import hindrance, normal
from reconciler.files.price_list import PURPOSE, PriceList, TenantSource, broken
from reconciler.files.tenant_schema import tolerant_tiers
from reconciler.files.tier_rules import tiers_findings
from reconciler.files.tiers_schema import TiersDocument
from reconciler.files.wording import read
from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.files.entry import Entry
    from reconciler.files.events import Parsed


def parsed_price_list(data: bytes, name: str, *, past: bool) -> PriceList:
    """Return the price list in the bytes of the file that the user calls ``name``. ``past`` as in ``Reading``."""
    parsed = parse(data, name)
    problems = (*parsed.problems, *_not_one(parsed, name))
    if len(parsed.documents) != 1 or not parsed.documents[0].complete:
        return broken(*problems)
    return _checked(entries_of(parsed, Text(name, data))[0], problems, past=past)


def _not_one(parsed: Parsed, name: str) -> Iterator[Problem]:
    if not parsed.documents and not parsed.problems:
        yield Problem(Location(name), "contains no document", PURPOSE)
    for document in parsed.documents[1:]:
        place = Location(name, document.line, document.column)
        yield Problem(place, "a second document", "write everything into the first one")


def _checked(entry: Entry, problems: tuple[Problem, ...], *, past: bool) -> PriceList:
    document = read(TiersDocument, tolerant_tiers(entry.value) if past else entry.value)
    if not isinstance(document, TiersDocument):
        return broken(*problems, *(entry.problem(finding) for finding in document))
    fleet = build.fleet(document, entry.place)
    findings = list(tiers_findings(document, fleet, past=past))
    for tier in () if past else document.tiers:
        findings += bare_quota_findings(entry.value, ("tiers", tier, "quota"))
    findings += () if past else region_findings(document.defaults.region, ("defaults", "region"))
    found = map(entry.problem, findings)
    sources, policies = tuple(_sources(document, entry)), _policies(document, entry)
    return PriceList(fleet, sources, (*problems, *found), policies, digest(entry.text.data).hex())


def _policies(document: TiersDocument, entry: Entry) -> TenantSource | None:
    """Return the source of the policies; one that cannot be used is reported as a problem."""
    pattern = document.policies
    return None if hindrance(pattern) else TenantSource(normal(pattern), entry.place(("policies",)))


def _sources(document: TiersDocument, entry: Entry) -> Iterator[TenantSource]:
    """Yield the usable sources: the others are reported as problems."""
    for index, written in enumerate(document.tenants):
        pattern = written.files or written.ndjson
        if pattern is not None and hindrance(pattern) is None:
            yield TenantSource(normal(pattern), entry.place(("tenants", index)), written.files is None)
