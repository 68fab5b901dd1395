"""What is promised of every call, whatever it is answered: live things in our types, or an error in words."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Final

import httpx
from msgspec import Struct, structs

from reconciler.desired.state import Api
from reconciler.errors import ReconcilerError
from reconciler.model.compute import Compute
from reconciler.model.database import Database
from reconciler.neon.client import connect
from reconciler.neon.credentials import Access, Key, OrganizationAccess
from reconciler.neon.operations import Operation
from reconciler.secret import Secret
from reconciler.simulator.virtual_time import VirtualLoop
from tests.harness.builders import NOON
from tests.harness.wire import Act, Nowhere, Passing, Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reconciler.neon.client import Neon

SECRET: Final = "napi_0123456789abcdef"  # noqa: S105 (of nobody)
API: Final = Api(host="https://neon.test/api/v2")
MOST_REQUESTS: Final = 1000
"""More than any one call may make on one answer."""
STATUSES: Final = (
    200,
    201,
    204,
    202,
    301,
    400,
    401,
    403,
    404,
    406,
    409,
    422,
    423,
    429,
    500,
    503,
    504,
    530,
    299,
    600,
)
HEADERS: Final = (None, "Date", "Retry-After", "Location", "Content-Encoding")
HEAD_BYTES: Final = 3
_RUNNER: Final = asyncio.Runner(loop_factory=VirtualLoop)
"""One for all inputs: a loop takes longer to make than most inputs take to read."""


@dataclass(frozen=True, slots=True)
class Ids:
    """What the calls are about."""

    project: str = "p-1"
    branch: str = "br-1"
    parent: str = "br-0"
    endpoint: str = "ep-1"
    replica: str = "ep-2"
    snapshot: str = "snap-1"
    operations: tuple[str, ...] = ("11111111-1111-4111-8111-111111111111",)


def _pending(ids: Ids) -> list[Operation]:
    return [Operation(id_, "create_branch", "running") for id_ in ids.operations]


def _new_branch(neon: Neon, ids: Ids) -> Awaitable[object]:
    return neon.create_branch(
        "free",
        ids.project,
        name="dev",
        parent_id=ids.branch,
        at=None,
        expires_at=None,
        schema_only=False,
        with_compute=True,
        compute=Compute(0.25, 1),
        annotations={"fleet": "prod"},
    )


CALLS: Final[Mapping[str, Callable[[Neon, Ids], Awaitable[object]]]] = {
    "create project": lambda neon, _: neon.create_project("free", {"name": "myapp-acme"}, {"fleet": "prod"}),
    "wait": lambda neon, ids: neon.wait("free", ids.project, _pending(ids)),
    "wait for several": lambda neon, ids: neon.wait("free", ids.project, _pending(ids) * 2),
    "create snapshot": lambda neon, ids: neon.create_snapshot(
        "free", ids.project, ids.branch, name="v1", at=None, expires_at=None
    ),
    "create branch": _new_branch,
    "create read replica": lambda neon, ids: neon.create_replica(
        "free", ids.project, ids.branch, name="reports", compute=Compute(0.25, 1)
    ),
    "create role": lambda neon, ids: neon.create_role("free", ids.project, ids.branch, "app"),
    "create database": lambda neon, ids: neon.create_database(
        "free", ids.project, ids.branch, Database("orders", "app")
    ),
    "list projects": lambda neon, _: neon.projects("free"),
    "look for a name": lambda neon, _: neon.named("free", "myapp-acme"),
    "read project": lambda neon, ids: neon.project("free", ids.project),
    "read computes": lambda neon, ids: neon.endpoints("free", ids.project),
    "read branches": lambda neon, ids: neon.branches("free", ids.project),
    "read snapshots": lambda neon, ids: neon.snapshots("free", ids.project),
    "read roles": lambda neon, ids: neon.roles("free", ids.project, ids.branch),
    "read databases": lambda neon, ids: neon.databases("free", ids.project, ids.branch),
    "read connection": lambda neon, ids: neon.connection("free", ids.project, "neondb", "neondb_owner"),
    "patch project": lambda neon, ids: neon.update_project("free", ids.project, {"quota.active_time_seconds": 9}),
    "patch compute": lambda neon, ids: neon.update_endpoint(
        "free", ids.project, ids.endpoint, {"compute.max_cu": 1}
    ),
    "patch branch": lambda neon, ids: neon.update_branch("free", ids.project, ids.branch, name="qa"),
    "patch database": lambda neon, ids: neon.update_database(
        "free", ids.project, ids.branch, Database("orders", "neondb_owner")
    ),
    "suspend compute": lambda neon, ids: neon.suspend_endpoint("free", ids.project, ids.endpoint),
    "reset branch": lambda neon, ids: neon.reset_branch("free", ids.project, ids.branch, parent_id=ids.parent),
    "delete database": lambda neon, ids: neon.delete_database("free", ids.project, ids.branch, "orders"),
    "delete role": lambda neon, ids: neon.delete_role("free", ids.project, ids.branch, "app"),
    "delete read replica": lambda neon, ids: neon.delete_endpoint("free", ids.project, ids.replica),
    "delete snapshot": lambda neon, ids: neon.delete_snapshot("free", ids.project, ids.snapshot),
    "delete branch": lambda neon, ids: neon.delete_branch("free", ids.project, ids.branch),
    "transfer": lambda neon, ids: neon.transfer_projects("free", "paid", [ids.project]),
    "delete project": lambda neon, ids: neon.delete_project("paid", ids.project),
    "list deleted projects": lambda neon, _: neon.deleted_projects("paid"),
    "recover project": lambda neon, ids: neon.recover_project("paid", ids.project),
}
"""In an order in which all of them succeed, if what they are about is made by them."""
NAMES: Final = tuple(CALLS)


@dataclass(frozen=True, slots=True)
class Case:
    """A call and its answer. As bytes: a head that says which, the header's value and a line feed, the body."""

    call: str
    status: int
    header: str | None
    value: bytes
    body: bytes

    @classmethod
    def of(cls, data: bytes) -> Case:
        """Any bytes are a case; those that are missing count as 0."""
        call, status, header = data[:HEAD_BYTES].ljust(HEAD_BYTES, b"\0")
        name = HEADERS[header % len(HEADERS)]
        rest = data[HEAD_BYTES:]
        value, _, body = rest.partition(b"\n") if name is not None else (b"", b"", rest)
        return cls(NAMES[call % len(NAMES)], STATUSES[status % len(STATUSES)], name, value, body)

    @property
    def data(self) -> bytes:
        """The bytes again."""
        head = bytes((NAMES.index(self.call), STATUSES.index(self.status), HEADERS.index(self.header)))
        return head + (self.value + b"\n" if self.header is not None else b"") + self.body


def answering(case: Case) -> Act:
    """Gives every request the same answer."""

    async def same(passing: Passing) -> httpx.Response:
        assert passing.number <= MOST_REQUESTS, "it asks without end"
        headers = [] if case.header is None else [(case.header.encode(), case.value)]
        content = httpx.ByteStream(case.body)
        return httpx.Response(case.status, headers=headers, stream=content, request=passing.request)

    return same


def access(free: str = "org-free", paid: str = "org-paid", **keys: str) -> Access:
    """The keys of two organizations."""
    organizations = {
        name: OrganizationAccess(name, id_, Key(f"{name.upper()}_KEY", Secret(keys.get(name, SECRET))))
        for name, id_ in (("free", free), ("paid", paid))
    }
    return Access(organizations, Key("PERSONAL_KEY", Secret(keys.get("personal", SECRET))), "PERSONAL_KEY")


def answer(data: bytes) -> None:
    """Raises AssertionError, or whatever escapes, where the promise is broken."""
    case = Case.of(data)
    _RUNNER.run(_called(case))


async def _called(case: Case) -> None:
    random = Random(1)  # noqa: S311
    async with connect(access(), API, via=Wire(Nowhere(), answering(case)), random=random) as neon:
        try:
            check_live(await CALLS[case.call](neon, Ids()))
        except ReconcilerError as error:
            check_words(error)
        neon.clock.judge(NOON)


def check_words(error: ReconcilerError) -> None:
    """An error says something, and no key."""
    assert str(error)
    assert SECRET not in f"{error} {error.hint}"


def check_live(value: object) -> None:
    """Moments are in UTC and numbers finite, however deep they stand."""
    if isinstance(value, Struct):
        check_live(structs.astuple(value))
    elif isinstance(value, dict):
        for member in value.values():
            check_live(member)
    elif isinstance(value, list | tuple):
        for item in value:
            check_live(item)
    elif isinstance(value, datetime):
        assert value.tzinfo is UTC
    elif isinstance(value, float):
        assert math.isfinite(value)
