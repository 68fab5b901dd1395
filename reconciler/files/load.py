"""A fleet's files -> its desired state, or all their problems at once."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.files.collection import Collection
from reconciler.files.entry import Entry, Text, entries_of
from reconciler.files.name_conflicts import name_conflicts
from reconciler.files.patterns import fixed_folder
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.reading import Memo, Reading
from reconciler.files.sources import read_tenants
from reconciler.files.tree import Tree, WorkTree
from reconciler.model.problem import Location, Problem, errors, has_error
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.files.known_tenants import KnownTenants
    from reconciler.files.price_list import PriceList
    from reconciler.files.rows import ReadRows


BYTE_ORDER_MARK: Final = "\ufeff"


class OnInvalid(Enum):
    """What a broken file does to the other files."""

    FAIL = "fail"
    SKIP = "skip"


class Loaded(Struct, frozen=True):
    """``desired`` is None if the files cannot be used; ``problems`` are sorted by location."""

    desired: DesiredState | None
    problems: tuple[Problem, ...]


def load(
    root: Path,
    *,
    on_invalid: OnInvalid = OnInvalid.FAIL,
    only: frozenset[str] | None = None,
    about: frozenset[str] | None = None,
    memo: Memo | None = None,
    known: KnownTenants | None = None,
    rows: ReadRows | None = None,
    on_prices: Callable[[DesiredState], None] = lambda _: None,
) -> Loaded:
    """Load the fleet in the folder ``root``.

    With ``OnInvalid.SKIP`` the tenants of broken documents are held back and the others are loaded; those whose
    documents do not fit tiers.yaml are always held back, unless no other tenant is left. With a broken tiers.yaml,
    or an unreadable file, nothing is loaded.

    ``only`` names tenants: of the others, only those with a pinned project are loaded, so that a few tenants of a
    large fleet load fast, and none takes another's project by name. If it is empty, only tiers.yaml and the
    policies are read.
    ``about`` names the tenants that a full load is for: an unreadable JSON line that names none of them is
    ignored.

    ``memo`` and ``known`` avoid reading the same text again: pass them to several loads of the same fleet.
    ``rows`` reads the queries of tiers.yaml; without it, their tenants are missing, with a warning.
    ``on_prices`` gets what tiers.yaml says before a tenant is read, unless there is an error in it.
    """
    tree = WorkTree(root) if known is None else known.tree(root)
    marks = {} if tree.marks is None else tree.marks
    reading = Reading(only, memo, about, pins=True, known=known, marks=marks, rows=rows)
    return load_tree(tree, on_invalid, reading, on_prices)


def load_tree(
    tree: Tree,
    on_invalid: OnInvalid,
    reading: Reading,
    on_prices: Callable[[DesiredState], None] = lambda _: None,
) -> Loaded:
    """Load from any tree."""
    prices = read_price_list(tree, past=reading.past, known=reading.known)
    if reading.known is not None:
        reading = replace(reading, files=reading.known.under(prices))
    if prices.fleet is not None and not has_error(prices.problems):
        on_prices(prices.fleet)
    prices = _with_policies(tree, prices, past=reading.past)
    collection = _read(tree, prices, reading)
    if prices.fleet is not None and (more := _concerned(prices.fleet, collection, reading)):
        collection = _read(tree, prices, replace(reading, only=more))
    found = loaded(collection, on_invalid, past=reading.past)
    if found.desired is None or reading.only is None:
        return found
    return replace(found, desired=replace(found.desired, partial=True))


def _with_policies(tree: Tree, prices: PriceList, *, past: bool) -> PriceList:
    """Return the price list with the policies of the fleet, and their problems.

    ``past`` as in ``Reading``: then problems are kept in the desired state, and expressions are not checked.
    """
    if prices.fleet is None or prices.policies is None:
        return prices
    listing = tree.listing(fixed_folder(prices.policies.pattern))
    if not listing.files and not listing.problems:
        return prices
    from reconciler.files.policy_reader import PolicyReader  # noqa: PLC0415 - for a fleet with policies only

    reader = PolicyReader(tree, prices.fleet, prices.policies)
    reader.read(listing, past=past)
    declared = tuple(sorted(reader.declared.values(), key=lambda one: one.name))
    if past:
        fleet = replace(prices.fleet, policies=declared, unread_policies=tuple(errors(reader.problems)))
        return replace(prices, fleet=fleet)
    fleet = replace(prices.fleet, policies=declared)
    return replace(prices, fleet=fleet, problems=(*prices.problems, *reader.problems))


def _read(tree: Tree, prices: PriceList, reading: Reading) -> Collection:
    collection = Collection(prices.fleet, lost=has_error(prices.problems), past=reading.past)
    collection.problems += prices.problems
    if reading.only != frozenset():
        with _collector_paused():
            read_tenants(tree, prices.sources, collection, reading)
    return collection


def _concerned(fleet: DesiredState, collection: Collection, reading: Reading) -> frozenset[str] | None:
    """Return the wanted tenants and those whose names may conflict with theirs; None if there are no more."""
    if not reading.only or not reading.pins:
        return None
    found = replace(fleet, tenants=collection.tenants())
    names = {known for name in reading.only for known in found.names(name)}
    concerned = names.union(*(found.namesakes(name) for name in names))
    return None if concerned == reading.only else frozenset(concerned)


def loaded(collection: Collection, on_invalid: OnInvalid, *, past: bool = False) -> Loaded:
    """Return what was collected, as far as it can be used. ``past`` as in ``Reading``."""
    fleet = _assembled(collection)
    if fleet is not None:
        for problem, names in name_conflicts(fleet, collection.broken, collection.renamed):
            collection.problems.append(problem)
            collection.held_back.update(names)
        fleet = fleet if fleet.held_back == collection.held_back else _assembled(collection)
    problems = tuple(sorted(collection.problems, key=lambda problem: (problem.location, problem.message)))
    lost = collection.lost or (bool(collection.unread) and not past)
    nobody = fleet is not None and not fleet.tenants
    failing = [problem for problem in problems if nobody or not problem.stale]
    fatal = lost or (on_invalid is OnInvalid.FAIL and has_error(failing))
    return Loaded(None if fatal else fleet, problems)


def _assembled(collection: Collection) -> DesiredState | None:
    """Return the fleet with the valid tenants."""
    return collection.fleet and replace(
        collection.fleet,
        tenants=collection.tenants(),
        held_back=frozenset(collection.held_back),
        pins_held_back=frozenset(collection.pins_held_back),
        unread=frozenset(collection.unread),
    )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Loading makes many objects and no garbage cycles: searching for them would take a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def parse_tenants(text: str, source_name: str, fleet: DesiredState) -> Loaded:
    """Parse one or many tenants as JSON or YAML, checked against a fleet; ``desired`` has these tenants only."""
    collection = Collection(fleet)
    entries, problems = _parsed(text.removeprefix(BYTE_ORDER_MARK), source_name)
    if not entries and not problems:
        problems = [Problem(Location(source_name), "contains no tenant")]
    collection.add(entries, problems)
    found = loaded(collection, OnInvalid.FAIL)
    return Loaded(None, found.problems) if has_error(found.problems) else found


def _parsed(text: str, source_name: str) -> tuple[list[Entry], list[Problem]]:
    from reconciler.files.events import parse, text_problems  # noqa: PLC0415 - for documents only
    from reconciler.files.json_lines import read_values  # noqa: PLC0415

    data = _encoded(text)
    if unfit := text_problems(data, source_name):
        return [], list(unfit)
    yaml = parse(data, source_name)
    if text.lstrip().startswith(("{", "[")):
        found = list(read_values(text, source_name))
        problems = [entry for entry in found if isinstance(entry, Problem)]
        if not problems or yaml.problems:
            return [entry for entry in found if isinstance(entry, Entry)], problems
    return list(entries_of(yaml, Text(source_name, data))), list(yaml.problems)


def _encoded(text: str) -> bytes:
    """Return the original bytes; a text that no bytes decode to gives invalid UTF-8."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")
