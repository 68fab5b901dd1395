"""/_simulator: what a test or a demo does behind the API's back. No key is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator import seed
from reconciler.simulator.clock import timestamp
from reconciler.simulator.faults import Fault
from reconciler.simulator.metering.usage import HOUR_SECONDS, Workload, month_of
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.restore_points import moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from reconciler.simulator.contract.judge import Judge
    from reconciler.simulator.exchanges import Exchange
    from reconciler.simulator.faults import Faults
    from reconciler.simulator.world import World

T = TypeVar("T")
Page: TypeAlias = "Callable[[Request], Awaitable[Response]]"


Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """How much time to skip: the sum of all members."""

    seconds: Amount = 0
    hours: Amount = 0
    days: Amount = 0
    billing_periods: Annotated[int, msgspec.Meta(ge=0)] = 0
    """To the start of the next calendar month, so many times."""

    def seconds_from(self, now: float) -> float:
        """All of it, at a moment."""
        skipped = self.seconds + HOUR_SECONDS * (self.hours + 24 * self.days)
        for _ in range(self.billing_periods):
            skipped = month_of(now + skipped)[1] - now
        return skipped


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


class Counters(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a project has used in the current month; a counter that is left out stays as it is."""

    active_time_seconds: Count | None = None
    compute_time_seconds: Count | None = None
    written_data_bytes: Count | None = None
    data_transfer_bytes: Count | None = None


class Admin:
    """The pages of one simulator."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        exchanges: list[Exchange],
        judge: Judge | None,
        reset_account: Callable[[], None],
    ) -> None:
        self._world = world
        self._faults = faults
        self._exchanges = exchanges
        self._judge = judge
        self._reset_account = reset_account

    async def clock(self, request: Request) -> Response:
        """GET: the time. POST ``{"hours": 1}``: skip some (seconds, hours, days, billing_periods)."""
        if request.method == "POST":
            skip = await _read(request, Advance)
            self._world.clock.advance(skip.seconds_from(self._world.clock.now()))
        now = self._world.clock.now()
        return _json({"now": timestamp(now), "seconds": now})

    async def reset(self, request: Request) -> Response:  # noqa: ARG002
        """POST: make the account as it was when the simulator started. The time goes on."""
        self._reset_account()
        return _json({})

    async def requests(self, request: Request) -> Response:
        """GET: the log of this process. DELETE: forget it."""
        if request.method == "DELETE":
            self._exchanges.clear()
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
            for exchange in self._exchanges
        ]
        return _json({"requests": shown})

    async def contract(self, request: Request) -> Response:  # noqa: ARG002
        """GET: what of the traffic was held against the official description, and what broke it."""
        judge = self._judge
        if judge is None:
            raise Refusal(404, "the simulator was not started with --strict-contract")
        violations = [str(violation) for violation in judge.violations]
        operations = sorted(judge.operations)
        return _json({"exchanges": judge.judged, "operations": operations, "violations": violations})

    async def faults(self, request: Request) -> Response:
        """GET: what is set, and how often each has struck. POST a fault: set it. DELETE: take all away."""
        faults = self._faults
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            faults.set(await _read(request, Fault))
        shown = [{"fault": fault, "struck": count} for fault, count in faults.counted()]
        return _json({"struck": faults.struck(), "faults": shown})

    async def behaviour(self, request: Request) -> Response:
        """GET: the switches. PATCH ``{"list_lag_seconds": 3}``: change some, for every process on the file."""
        if request.method == "PATCH":
            try:
                self._world.switches.change(await _read(request, dict[str, Any]))
            except ValueError as error:
                raise Refusal(400, f"invalid request: {error}") from None
        return _json(self._world.behaviour)

    async def workload(self, request: Request) -> Response:
        """PUT ``{"active_share": 0.5}``: let users work with a project from now on; ``{}`` is nobody."""
        workload = await _read(request, Workload)
        seed.set_workload(self._world, self._project_id(request), workload)
        return _json(workload)

    async def index(self, request: Request) -> Response:  # noqa: ARG002
        """GET: this list of pages."""
        shown = [
            {"path": f"/_simulator{path}", "methods": list(methods), "about": page.__doc__}
            for path, page, methods in self.pages
        ]
        return _json({"pages": shown})

    async def usage(self, request: Request) -> Response:
        """POST ``{"active_time_seconds": 360000}``: set counters of a project."""
        counters = msgspec.to_builtins(await _read(request, Counters))
        seed.set_usage(self._world, self._project_id(request), **counters)
        return _json({})

    async def branches(self, request: Request) -> Response:
        """POST ``{"name": "by-hand"}``: make a branch, with a compute, by hand."""
        asked = await _read(request, HandMadeBranch)
        made = seed.BranchSeed(asked.name, asked.annotations, asked.protected)
        return _json({"id": seed.add_branch(self._world, self._project_id(request), made)})

    def _project_id(self, request: Request) -> str:
        project_id: str = request.path_params["project_id"]
        if self._world.store.row("SELECT 1 FROM projects WHERE id = ?", project_id) is None:
            raise not_found("project")
        return project_id

    async def snapshots(self, request: Request) -> Response:
        """POST ``{"name": "by-hand"}``: take a snapshot of the default branch by hand, whatever the limit."""
        asked = await _read(request, HandMadeSnapshot)
        expires_at = None if asked.expires_at is None else moment("expires_at", asked.expires_at)
        made = seed.SnapshotSeed(asked.name, expires_at=expires_at, manual=asked.manual)
        return _json({"id": seed.add_snapshot(self._world, self._project_id(request), made)})

    async def restore(self, request: Request) -> Response:
        """POST: replace the default branch by its latest snapshot, as a finalized restore does."""
        return _json({"id": seed.restore(self._world, self._project_id(request))})

    @property
    def pages(self) -> tuple[tuple[str, Page, tuple[str, ...]], ...]:
        """Every page: where it is, what it does, and the methods that it takes."""
        project = "/projects/{project_id}"
        return (
            ("/", self.index, ("GET",)),
            ("/clock", self.clock, ("GET", "POST")),
            ("/reset", self.reset, ("POST",)),
            ("/requests", self.requests, ("GET", "DELETE")),
            ("/contract", self.contract, ("GET",)),
            ("/faults", self.faults, ("GET", "POST", "DELETE")),
            ("/behaviour", self.behaviour, ("GET", "PATCH")),
            (f"{project}/usage", self.usage, ("POST",)),
            (f"{project}/workload", self.workload, ("PUT",)),
            (f"{project}/branches", self.branches, ("POST",)),
            (f"{project}/snapshots", self.snapshots, ("POST",)),
            (f"{project}/restore", self.restore, ("POST",)),
        )


def admin_routes(admin: Admin) -> list[Route]:
    """The pages, to be mounted."""
    return [Route(path, page, methods=methods) for path, page, methods in admin.pages]


async def _read(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(400, f"invalid request: {error}") from None


def _json(document: Any) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
