"""What the calls of one process on one fleet share, whichever of its connections they use.

A web service may connect for each request. Two requests about one tenant must still know of each other. The shared
state is therefore kept by event loop, fleet and account, and ends with the loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from msgspec import Struct, field

from reconciler.live.registered import Registered
from reconciler.model.api_limits import CREATED_AT_PRECISION_SECONDS
from reconciler.plan.actions.project import CreateProject

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine
    from datetime import datetime

    from reconciler.apply.stop import StopSignal
    from reconciler.live.state import LiveState
    from reconciler.neon.client import Neon
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan

T = TypeVar("T")


class RunningTasks:
    """The runs of one connection that have not ended. A run continues when its caller is cancelled."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Starts the work in a task of its own, which the cancellation of the caller does not cancel."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def result(self, work: Coroutine[Any, Any, T], stop: StopSignal) -> T:
        """The result of a run. If the caller is cancelled, asks the run to end, and waits for it.

        A caller that is cancelled again returns at once; the run ends by itself. If a signal has already asked the
        run to end, this is the second signal, and the run is cancelled.
        """
        task = self.start(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if stop.signalled:
                task.cancel()
            else:
                stop.request("its caller has cancelled it")
            await asyncio.wait([task])
            raise

    async def ended(self) -> None:
        """Waits until all runs have ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)


class _QueuedCall(Struct, Generic[T]):
    """A call in the queue, with the callers that share its result."""

    names: frozenset[str]
    request: object
    task: asyncio.Task[T]
    waiting: int = 0
    abandoned: bool = False
    """Whether all callers have been cancelled: no other caller joins the call."""


class Shared(Struct, Generic[T], frozen=True):
    """The result of a queued call."""

    result: T
    joined: bool
    """Whether an earlier caller with the same request started the work."""


class TenantQueue(Generic[T]):
    """Runs calls about the same tenant one after the other. Equal calls share a result."""

    def __init__(self) -> None:
        self._last: dict[str, _QueuedCall[T]] = {}
        """The last call of each tenant."""

    @property
    def empty(self) -> bool:
        """Whether no call is running or waiting."""
        return not self._last

    async def result(
        self,
        names: Collection[str],
        request: object,
        start: Callable[[], Coroutine[Any, Any, T]],
        running: RunningTasks,
    ) -> Shared[T]:
        """Starts the work once all earlier calls about any of the tenants have ended.

        If the last of these is about the same tenants and has an equal ``request``, its result is shared. The work
        is cancelled once all its callers have been cancelled.
        """
        call = self._equal(frozenset(names), request)
        joined = call is not None
        call = call or self._add(frozenset(names), request, start, running)
        return Shared(await self._wait(call), joined)

    async def idle(self, names: Collection[str]) -> None:
        """Waits until no call about any of the tenants is running or waiting."""
        while tasks := self._earlier(names):
            await asyncio.wait(tasks)

    def _equal(self, names: frozenset[str], request: object) -> _QueuedCall[T] | None:
        calls = [self._last.get(name) for name in names]
        first = calls[0] if calls else None
        if first is None or any(call is not first for call in calls):
            return None
        equal = not first.abandoned and first.names == names and first.request == request
        return first if equal else None

    def _add(
        self,
        names: frozenset[str],
        request: object,
        start: Callable[[], Coroutine[Any, Any, T]],
        running: RunningTasks,
    ) -> _QueuedCall[T]:
        task = running.start(_after(self._earlier(names), start))
        call = _QueuedCall(names, request, task)
        self._last.update(dict.fromkeys(names, call))
        task.add_done_callback(lambda _: self._remove(call))
        return call

    def _earlier(self, names: Collection[str]) -> list[asyncio.Task[T]]:
        """The last call of each tenant; each waits for the calls before it."""
        calls = (self._last[name] for name in names if name in self._last)
        return list(dict.fromkeys(call.task for call in calls))

    def _remove(self, call: _QueuedCall[T]) -> None:
        for name in call.names:
            if self._last.get(name) is call:
                del self._last[name]

    async def _wait(self, call: _QueuedCall[T]) -> T:
        call.waiting += 1
        try:
            return await asyncio.shield(call.task)
        except asyncio.CancelledError:
            if call.waiting == 1:
                call.abandoned = True
                call.task.cancel()
                await asyncio.wait([call.task])
            raise
        finally:
            call.waiting -= 1


async def _after(earlier: Collection[asyncio.Task[T]], start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    if earlier:
        await asyncio.wait(earlier)
    return await start()


class RecentProjects:
    """Projects that this process has just created. A search of Neon may not show them yet."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Registered, float]] = {}

    def add(self, plan: Plan, report: Report, at: datetime, settle_seconds: float) -> None:
        """Adds the projects that a run has created, for the settle time."""
        until = asyncio.get_running_loop().time() + settle_seconds + CREATED_AT_PRECISION_SECONDS
        creates = {
            action.tenant: action.organization for action in plan.actions if isinstance(action, CreateProject)
        }
        for outcome in report.outcomes:
            if outcome.tenant in creates and outcome.project_id is not None:
                row = Registered(outcome.project_id, creates[outcome.tenant], report.run, at)
                self._rows[outcome.tenant] = row, until

    def rows(self, tenants: Collection[str] | None) -> dict[str, Registered]:
        """The projects of these tenants, or of all tenants, in the form of registry rows."""
        now = asyncio.get_running_loop().time()
        self._rows = {name: (row, until) for name, (row, until) in self._rows.items() if now < until}
        return {name: row for name, (row, _) in self._rows.items() if tenants is None or name in tenants}

    def remove_deleted(self, live: LiveState) -> bool:
        """Removes the projects that ``live`` shows as deleted. Returns whether there were any."""
        seen = {*(one.id for one in live.projects), *(one.id for one in live.unknown), *live.elsewhere}
        deleted = [
            name
            for name, row in live.registered.items()
            if name in self._rows and self._rows[name][0] == row and row.project_id not in seen
        ]
        for name in deleted:
            del self._rows[name]
        return bool(deleted)


class ProcessState(Struct, frozen=True):
    """The queue of calls about a few tenants, and the projects that they have just created."""

    queue: TenantQueue[Any] = field(default_factory=TenantQueue)
    recent: RecentProjects = field(default_factory=RecentProjects)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return self.queue.empty and not self.recent.rows(None)


_OF_LOOPS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, list[tuple[object, ProcessState]]]] = (
    WeakKeyDictionary()
)


def process_state(fleet: str, neon: Neon) -> ProcessState:
    """The state of the running loop for this fleet and account. Adding one drops idle ones."""
    known = _OF_LOOPS.setdefault(asyncio.get_running_loop(), [])
    key = (fleet, neon.place)
    for other, state in known:
        if other == key:
            return state
    added = ProcessState()
    known[:] = [*((other, state) for other, state in known if not state.idle), (key, added)]
    return added
