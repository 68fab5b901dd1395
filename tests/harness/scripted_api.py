"""A tiny API for tests that look at exact wire behaviour: scripted answers, and what was asked.

What the client asks is held against the official description; what is answered here is as odd as a test needs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from reconciler.desired.state import Api
from reconciler.neon.client import Neon, connect
from reconciler.neon.credentials import Access, Key, OrganizationAccess
from reconciler.secret import Secret
from reconciler.simulator.answer import FAULT_HEADER
from tests.harness import loops
from tests.harness.judge import JudgedTransport, session_judge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")

FREE_ID, PAID_ID = "org-free-1", "org-paid-2"
ACCESS = Access(
    organizations={
        "free": OrganizationAccess("free", FREE_ID, Key("FREE_KEY", Secret("napi_free_secret"))),
        "paid": OrganizationAccess("paid", PAID_ID, Key("PAID_KEY", Secret("napi_paid_secret"))),
    },
    personal=Key("PERSONAL_KEY", Secret("napi_personal_secret")),
    personal_variable="PERSONAL_KEY",
)


@dataclass(frozen=True)
class Asked:
    """One request as the API got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float


@dataclass(frozen=True)
class Reply:
    """One answer; ``body`` is sent as it is when it is text or bytes, else as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after_seconds: float = 0.0

    def response(self, request: httpx.Request) -> httpx.Response:
        raw = isinstance(self.body, str | bytes)
        content = self.body if raw else json.dumps({} if self.body is None else self.body).encode()
        headers = {**self.headers, FAULT_HEADER: "scripted"}
        return httpx.Response(self.status, headers=headers, content=content, request=request)


Script = Callable[[Asked], "Reply | Exception"]


class ScriptedApi(httpx.AsyncBaseTransport):
    """Answers from a function, and remembers every request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = Asked(
            method=request.method,
            path=request.url.path.removeprefix("/api/v2"),
            query=dict(request.url.params),
            headers=dict(request.headers),
            body=json.loads(request.content) if request.content else None,
            at=asyncio.get_running_loop().time(),
        )
        self.asked.append(asked)
        reply = self.script(asked)
        if isinstance(reply, Exception):
            raise reply
        await asyncio.sleep(reply.after_seconds)
        return reply.response(request)


def replies(*answers: Reply | Exception) -> Script:
    """One after another; the last one for ever."""
    left = list(answers)
    return lambda _asked: left.pop(0) if len(left) > 1 else left[0]


def routes(table: dict[str, Reply | Exception]) -> Script:
    """By ``METHOD /path``; everything else is a 404."""
    return lambda asked: table.get(
        f"{asked.method} {asked.path}", Reply(404, {"code": "", "message": "not found"})
    )


@asynccontextmanager
async def connected(api: httpx.AsyncBaseTransport, access: Access = ACCESS) -> AsyncIterator[Neon]:
    random = Random(1)  # noqa: S311
    judged = JudgedTransport(api, session_judge())
    async with connect(access, Api(host="https://neon.test/api/v2"), via=judged, random=random) as neon:
        yield neon


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run it on virtual time."""
    return loops.virtually(main)


def using(api: httpx.AsyncBaseTransport, work: Callable[[Neon], Awaitable[T]], access: Access = ACCESS) -> T:
    """Do some work with a client of that API, on virtual time."""

    async def main() -> T:
        async with connected(api, access) as neon:
            return await work(neon)

    return virtually(main())


def project(id_: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    """A project as Neon words it, with what every answer has."""
    return {
        "id": id_,
        "name": name or id_,
        "region_id": "aws-us-east-2",
        "pg_version": 17,
        "created_at": "2026-01-01T00:00:00Z",
        "org_id": FREE_ID,
        "consumption_period_start": "0001-01-01T00:00:00Z",
        **more,
    }


def branch(id_: str, name: str = "main", **more: Any) -> dict[str, Any]:
    """A branch as Neon words it."""
    created = "2026-01-01T00:00:00Z"
    return {"id": id_, "name": name, "default": True, "protected": False, "created_at": created, **more}


def endpoint(id_: str, branch_id: str, **more: Any) -> dict[str, Any]:
    """A compute as Neon words it."""
    sizes = {"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 2, "suspend_timeout_seconds": 0}
    return {"id": id_, "branch_id": branch_id, "type": "read_write", "current_state": "idle", **sizes, **more}


def snapshot(id_: str, name: str, branch_id: str = "br-1", **more: Any) -> dict[str, Any]:
    """A snapshot as Neon words it."""
    created = "2026-01-01T00:00:00Z"
    return {"id": id_, "name": name, "source_branch_id": branch_id, "created_at": created, "manual": True, **more}


def operation(id_: str, status: str, **more: Any) -> dict[str, Any]:
    """An operation as Neon words it."""
    return {"id": id_, "action": "start_compute", "status": status, "failures_count": 0, **more}
