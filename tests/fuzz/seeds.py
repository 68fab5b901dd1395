"""What the fuzzer begins with: the files of this repository, a plan of everything, answers of the simulator."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from msgspec import structs

from reconciler.documents import writer
from reconciler.errors import ReconcilerError
from tests.fuzz.answers import CALLS, STATUSES, Case, Ids
from tests.harness import account as wiring
from tests.harness import json_documents
from tests.harness.judge import raw_content, with_content
from tests.harness.wire import Passing, Wire
from tests.scenarios.price_list import overlaid
from tests.unit.views import builders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import httpx

    from reconciler.neon.client import Neon

ROOT: Final = Path(__file__).parents[2]
_KEY: Final = re.compile(rb"""["']?([a-z_]{2,40})["']?\s*:""")
NO_OPERATION: Final = "22222222-2222-4222-8222-222222222222"
GONE: Final = Ids("p-gone", "br-gone", "br-gone", "ep-gone", "ep-gone", "snap-gone", (NO_OPERATION,))
HEADERS_SEEN: Final[Mapping[str, str]] = {
    "Date": "Tue, 24 Nov 2026 12:00:00 GMT",
    "Retry-After": "3",
    "Location": "https://console.neon.tech/",
    "Content-Encoding": "gzip",
}


def tenant_files() -> Iterator[bytes]:
    """Those of the repository and of its scenarios."""
    for folder in (ROOT / "tenants", ROOT / "tests/scenarios"):
        found = (path for path in sorted(folder.rglob("*.yaml")) if "tenants" in path.parts)
        yield from (path.read_bytes() for path in found)


def price_lists() -> Iterator[bytes]:
    """The same of price lists."""
    yield (ROOT / "tiers.yaml").read_bytes()
    shared, *own = sorted((ROOT / "tests/scenarios").rglob("tiers.yaml"), key=lambda path: len(path.parts))
    yield from (overlaid(shared, path).encode() for path in (None, *own))


def json_lines() -> Iterator[bytes]:
    """Each tenant as a line."""
    for text in tenant_files():
        documents = [document for document in yaml.safe_load_all(text) if document]
        yield "\n".join(json.dumps(document, default=str) for document in documents).encode()


def handed_over() -> Iterator[bytes]:
    """Tenants in either form."""
    yield from tenant_files()
    yield from json_lines()


def saved_plans() -> Iterator[bytes]:
    """A plan that holds one of everything, and each tenant of it alone."""
    whole = builders.rich_plan()
    rest = structs.replace(whole, tenants=())
    for plan in (rest, *(structs.replace(rest, tenants=(tenant,), refusals=()) for tenant in whole.tenants)):
        yield json.dumps(json.loads(json_documents.plan(plan, builders.MADE))).encode()


def reports() -> Iterator[bytes]:
    """A report that holds one of everything, one of a run that was stopped, and each tenant of it alone."""
    stopped = structs.replace(builders.harmful_report(), shard="2/8")
    alone = (structs.replace(stopped, outcomes=(outcome,)) for outcome in stopped.outcomes)
    for report in (builders.rich_report(), stopped, *alone):
        yield json.dumps(json.loads("".join(writer.report(report)))).encode()


@dataclass(slots=True)
class Recording:
    """An act that keeps every answer, under the call that asked."""

    call: str = ""
    cases: list[Case] = field(default_factory=list)

    async def __call__(self, passing: Passing) -> httpx.Response:
        response = await passing.answer()
        body = await raw_content(response)
        if response.status_code in STATUSES:
            self.cases.append(Case(self.call, response.status_code, None, b"", body))
        return with_content(response, body)


def answers() -> Iterator[bytes]:
    """What the simulator answers to every call: with success, and where nothing exists that it is about."""
    seen_at_once = replace(wiring.AS_DOCUMENTED, transfer_lag_seconds=0)
    with wiring.world(refusals_allowed=True, behaviour=seen_at_once) as world:
        recording = Recording()

        async def main() -> None:
            async with world.neon(via=Wire(world.via, recording)) as neon:
                await _call_all(neon, recording)

        world.run(main())
    yield from sorted({case.data for case in recording.cases})
    read = next(case for case in recording.cases if case.call == "read project")
    yield from (replace(read, header=name, value=value.encode()).data for name, value in HEADERS_SEEN.items())


async def _call_all(neon: Neon, recording: Recording) -> None:
    ids = Ids()
    for name, call in CALLS.items():
        recording.call = name
        made: Any = await call(neon, ids)
        ids = _with_made(ids, name, made)
        recording.call = "wait"
        for operation in getattr(made, "operations", ()):
            await neon.wait("free", ids.project, [operation])
    for name, call in CALLS.items():
        recording.call = name
        with suppress(ReconcilerError):
            await call(neon, GONE)


def _with_made(ids: Ids, call: str, made: Any) -> Ids:
    """What the next calls are about."""
    match call:
        case "create project":
            operations = tuple(operation.id for operation in made.operations)
            return replace(
                ids,
                project=made.project.id,
                branch=made.branch_id,
                endpoint=made.endpoint_id,
                operations=operations,
            )
        case "create snapshot":
            return replace(ids, snapshot=made.snapshot.id)
        case "create branch":
            return replace(ids, branch=made.branch.id, parent=ids.branch)
        case "create read replica":
            return replace(ids, replica=made.endpoint.id)
        case _:
            return ids


SEEDS: Final[Mapping[str, Callable[[], Iterable[bytes]]]] = {
    "tenant-file": tenant_files,
    "price-list": price_lists,
    "json-lines": json_lines,
    "handed-over": handed_over,
    "saved-plan": saved_plans,
    "report": reports,
    "answers": answers,
}


def write(target: str, corpus: Path, words: Path) -> None:
    """The seeds of a target as files, and the keys in them as libFuzzer's dictionary."""
    corpus.mkdir()
    keys: set[bytes] = set()
    for number, seed in enumerate(SEEDS[target]()):
        (corpus / f"{number:04}").write_bytes(seed)
        keys.update(_KEY.findall(seed))
    words.write_text("".join(f'"{key.decode()}"\n' for key in sorted(keys)), encoding="utf-8")
