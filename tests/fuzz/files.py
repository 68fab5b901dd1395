"""What is promised of every reader of files, for any bytes: a fleet, a plan, or words about what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.documents import writer
from reconciler.documents.reader import parse_report, parse_saved_plan
from reconciler.errors import InvalidInputError
from reconciler.files.collection import Collection
from reconciler.files.inputs import parse
from reconciler.files.load import Loaded, OnInvalid, load_tree, loaded
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.reading import Reading
from reconciler.files.regular_files import TOO_LARGE, UnreadableError
from reconciler.files.sources import read_tenants
from reconciler.files.tree import MAX_FILE_BYTES, FolderListing
from reconciler.model.values import replace
from reconciler.plan.approval import PlanOrigin
from tests.fuzz.answers import SECRET, check_words
from tests.harness import json_documents
from tests.harness.builders import NOON, a_view, make_plan
from tests.unit.files.builders import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.files.price_list import PriceList

ACME: Final = b"tenant: acme\ntier: free\n"
LINES: Final = f"{TIERS}tenants: [{{files: 'tenants/*.yaml'}}, {{ndjson: fleet.ndjson}}]\n".encode()
BREAKS: Final = ("\n", "\r", "\x85", "\u2028", "\u2029")
"""Where a line of YAML may end."""


@dataclass(frozen=True, slots=True)
class Files:
    """A tree in memory."""

    files: Mapping[str, bytes]

    def name(self, path: str) -> str:
        return path

    def listing(self, folder: str) -> FolderListing:
        below = f"{folder}/" if folder not in ("", ".") else ""
        return FolderListing(tuple(sorted(path for path in self.files if path.startswith(below))))

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        if len(self.files[path]) > limit:
            raise UnreadableError(TOO_LARGE.format(limit=limit >> 20))
        return self.files[path]


def price_list_of(text: bytes) -> PriceList:
    return read_price_list(Files({"tiers.yaml": text}))


YAML_ONLY: Final = price_list_of(TIERS.encode())
WITH_LINES: Final = price_list_of(LINES)


def load_tenants(prices: PriceList, files: Mapping[str, bytes]) -> Loaded:
    """As ``load_tree``, below a price list that has been read once for all inputs."""
    collection = Collection(prices.fleet)
    read_tenants(Files(files), prices.sources, collection, Reading(pins=True))
    return loaded(collection, OnInvalid.SKIP)


PROTECTED: Final = load_tenants(YAML_ONLY, {"tenants/acme.yaml": ACME + b"protect: true\n"}).desired


def check_loaded(found: Loaded, *texts: bytes) -> None:
    """Problems lie within the files, in order, and are words; without a fleet there is a reason."""
    assert found.desired is not None or found.problems
    lines = max(1 + sum(text.decode(errors="replace").count(sign) for sign in BREAKS) for text in texts) + 1
    assert all(1 <= problem.location.line <= lines for problem in found.problems)
    assert all(problem.location.column >= 1 and problem.message for problem in found.problems)
    assert list(found.problems) == sorted(found.problems, key=lambda problem: (problem.location, problem.message))
    told = found.desired and replace(
        found.desired, held_back=frozenset()
    )  # names that are asked about, never told
    assert SECRET not in f"{found.problems} {told}"
    json_documents.problems(found.problems).encode()


def check_tenant_kept(found: Loaded, tenant: str, *texts: bytes) -> None:
    """A broken file is never a missing tenant. Of several documents in a file, each may be called otherwise."""
    if found.desired is None:
        return
    assert not found.desired.held_back & set(found.desired.tenants)
    several = any(sign in text for sign in (b"---", b"...", b"%") for text in texts)
    assert several or tenant in found.desired.tenants or tenant in found.desired.held_back


def check_usable(desired: DesiredState | None) -> None:
    """What was read can be planned with, and the plan be written and read."""
    if desired is not None:
        document = json_documents.plan(make_plan(desired, a_view(), now=NOON), PlanOrigin(NOON))
        parse_saved_plan(document.encode(), "plan.json")


def tenant_file(data: bytes) -> None:
    found = load_tenants(YAML_ONLY, {"tenants/acme.yaml": data})
    check_loaded(found, data)
    check_tenant_kept(found, "acme", data)
    check_usable(found.desired)


def price_list(data: bytes) -> None:
    files = {"tiers.yaml": data, "tenants/acme.yaml": ACME, "fleet.ndjson": b'{"tenant": "b", "tier": "free"}\n'}
    found = load_tree(Files(files), OnInvalid.SKIP, Reading(pins=True))
    check_loaded(found, data, ACME)
    check_usable(found.desired)


def json_lines(data: bytes) -> None:
    found = load_tenants(WITH_LINES, {"tenants/acme.yaml": ACME, "fleet.ndjson": data})
    check_loaded(found, data, LINES)
    check_tenant_kept(found, "acme")
    check_usable(found.desired)


def handed_over(data: bytes) -> None:
    """As on stdin: tenants on top of a fleet, one of which has a file that protects it."""
    assert PROTECTED is not None
    try:
        desired, names = parse(PROTECTED, data.decode(errors="surrogateescape"), "-")
    except InvalidInputError as error:
        check_words(error)
        return
    assert names
    assert desired.tenants["acme"].protect
    check_usable(desired)


def saved_plan(data: bytes) -> None:
    try:
        saved = parse_saved_plan(data, "plan.json")
    except InvalidInputError as error:
        check_words(error)
        return
    assert parse_saved_plan(json_documents.plan(saved.plan, saved.made).encode(), "plan.json") == saved


def report(data: bytes) -> None:
    try:
        saved = parse_report(data, "report.json")
    except InvalidInputError as error:
        check_words(error)
        return
    text = "".join(writer.report(saved.report, saved.stale))
    assert parse_report(text.encode(), "report.json") == saved


READERS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "tenant-file": tenant_file,
    "price-list": price_list,
    "json-lines": json_lines,
    "handed-over": handed_over,
    "saved-plan": saved_plan,
    "report": report,
}
