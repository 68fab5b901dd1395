"""/_simulator: what a test or a demo does behind the API's back. No key is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator import seed
from reconciler.simulator.clock import seconds_of, timestamp
from reconciler.simulator.faults import Fault
from reconciler.simulator.refusal import Refusal, not_found

if TYPE_CHECKING:
    from starlette.requests import Request

    from reconciler.simulator.simulator import Simulator

T = TypeVar("T")


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """How much time to skip."""

    seconds: Annotated[float, msgspec.Meta(ge=0)]


class HandMadeBranch(msgspec.Struct, forbid_unknown_fields=True):
    """A branch that somebody makes in the console."""

    name: str
    annotations: dict[str, str] = {}
    protected: bool = False


class HandMadeSnapshot(msgspec.Struct, forbid_unknown_fields=True):
    """A snapshot that somebody takes in the console, or that a schedule takes."""

    name: str
    expires_at: str | None = None
    manual: bool = True


class Admin:
    """The pages of one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def clock(self, request: Request) -> Response:
        """GET: the time. POST ``{"seconds": 60}``: skip some."""
        if request.method == "POST":
            self._simulator.clock.advance((await _read(request, Advance)).seconds)
        now = self._simulator.clock.now()
        return _json({"now": timestamp(now), "seconds": now})

    async def requests(self, request: Request) -> Response:  # noqa: ARG002
        """GET: the log of this process."""
        shown = [
            {
                "method": exchange.method,
                "path": exchange.path,
                "query": exchange.query,
                "body": exchange.body,
                "status": exchange.status,
                "request_id": exchange.request_id,
                "at": timestamp(exchange.at),
                "key": exchange.key_kind,
            }
            for exchange in self._simulator.requests
        ]
        return _json({"requests": shown})

    async def contract(self, request: Request) -> Response:  # noqa: ARG002
        """GET: what of the traffic was held against the official description, and what broke it."""
        judge = self._simulator.judge
        if judge is None:
            raise Refusal(404, "the simulator was not started with --strict-contract")
        violations = [str(violation) for violation in judge.violations]
        operations = sorted(judge.operations)
        return _json({"exchanges": len(judge.exchanges), "operations": operations, "violations": violations})

    async def faults(self, request: Request) -> Response:
        """POST a fault to set it; DELETE to take all away."""
        if request.method == "DELETE":
            self._simulator.faults.clear()
        else:
            self._simulator.faults.set(await _read(request, Fault))
        return _json({"struck": self._simulator.faults.struck()})

    async def usage(self, request: Request) -> Response:
        """POST ``{"active_time_seconds": 360000}``: set counters of a project."""
        counters = await _read(request, dict[str, int])
        seed.set_usage(self._simulator, self._project_id(request), **counters)
        return _json({})

    async def branches(self, request: Request) -> Response:
        """POST ``{"name": "by-hand"}``: make a branch, with a compute, by hand."""
        asked = await _read(request, HandMadeBranch)
        made = seed.BranchSeed(asked.name, asked.annotations, asked.protected)
        return _json({"id": seed.add_branch(self._simulator, self._project_id(request), made)})

    def _project_id(self, request: Request) -> str:
        project_id: str = request.path_params["project_id"]
        if self._simulator.world.store.row("SELECT 1 FROM projects WHERE id = ?", project_id) is None:
            raise not_found("project")
        return project_id

    async def snapshots(self, request: Request) -> Response:
        """POST ``{"name": "by-hand"}``: take a snapshot of the default branch by hand, whatever the limit."""
        asked = msgspec.json.decode(await request.body(), type=HandMadeSnapshot)
        expires_at = None if asked.expires_at is None else seconds_of(asked.expires_at)
        made = seed.SnapshotSeed(asked.name, expires_at=expires_at, manual=asked.manual)
        return _json({"id": seed.add_snapshot(self._simulator, request.path_params["project_id"], made)})

    async def restore(self, request: Request) -> Response:
        """POST: replace the default branch by its latest snapshot, as a finalized restore does."""
        return _json({"id": seed.restore(self._simulator, request.path_params["project_id"])})


def admin_routes(simulator: Simulator) -> list[Route]:
    """The pages, to be mounted."""
    admin = Admin(simulator)
    return [
        Route("/clock", admin.clock, methods=["GET", "POST"]),
        Route("/requests", admin.requests, methods=["GET"]),
        Route("/contract", admin.contract, methods=["GET"]),
        Route("/faults", admin.faults, methods=["POST", "DELETE"]),
        Route("/projects/{project_id}/usage", admin.usage, methods=["POST"]),
        Route("/projects/{project_id}/branches", admin.branches, methods=["POST"]),
        Route("/projects/{project_id}/snapshots", admin.snapshots, methods=["POST"]),
        Route("/projects/{project_id}/restore", admin.restore, methods=["POST"]),
    ]


async def _read(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise Refusal(400, f"invalid request: {error}") from None


def _json(document: Any) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
