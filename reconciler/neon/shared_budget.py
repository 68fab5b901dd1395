"""The calls that all runs on one account may start together: the runs of this machine, or those of this process.

Each run keeps to its own pace (``pace.py``). Two runs at once would exceed the account's limit all the same, and a
sign-up would wait behind a change of the whole fleet. Here they share one token bucket. Runs over fleets share a
second one, which fills at their share of the rate, and leave half of a burst to all others.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import msgspec
import platformdirs

if TYPE_CHECKING:
    from collections.abc import Hashable

T = TypeVar("T")

RESERVED_PART: Final = 0.5
"""The part of the account's burst that runs over fleets leave to others: a sign-up takes fewer calls."""
ROUNDING: Final = 1e-9
LOCK_PAUSE_SECONDS: Final = 0.01
LOCK_ATTEMPTS: Final = 50
"""Another process holds the lock for microseconds, unless it was suspended. Then calls go ahead without it."""
LARGEST_FILE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls at once after a pause, and so many a second."""

    burst: float
    per_second: float


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What is left of both buckets. Times are of the machine's monotonic clock, which all processes share."""

    at: float
    account: float = 0.0
    fleets: float = 0.0
    fleets_at: float = 0.0
    """When a run over a fleet has last filled its bucket: only such a run knows how fast it fills."""
    slow_until: float = 0.0
    """Until when a call counts as several, because Neon has refused one for the rate (429)."""
    cost: float = 1.0
    """As how many calls one counts until then."""


Change: TypeAlias = Callable[[BudgetState | None, float], tuple[BudgetState, T]]
"""From the state, if there is any, and the time: the new state, and a result."""


class Store(Protocol):
    """Where the state is."""

    async def change(self, change: Change[T]) -> T:
        """Changes the state. No other change happens in between."""


class InMemory:
    """The state of the runs of one event loop."""

    def __init__(self) -> None:
        self._state: BudgetState | None = None

    async def change(self, change: Change[T]) -> T:
        """Changes the state."""
        self._state, result = change(self._state, asyncio.get_running_loop().time())
        return result


class InFile:
    """The state of all runs of one user on this machine, in a file that each change locks.

    A file that cannot be used is replaced by memory: then every run keeps to its own pace only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._instead = InMemory()

    async def change(self, change: Change[T]) -> T:
        """Changes the state."""
        try:
            descriptor = self._opened()
        except OSError:
            return await self._instead.change(change)
        try:
            if not await _locked(descriptor):
                return await self._instead.change(change)
            state, result = change(_read(descriptor), asyncio.get_running_loop().time())
            with suppress(OSError):  # a full disk
                os.pwrite(descriptor, msgspec.json.encode(state).ljust(LARGEST_FILE_BYTES), 0)
            return result
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        """Raises OSError, also for a file that is not a regular one of this user."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(
            self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600
        )
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
            return descriptor
        os.close(descriptor)
        raise OSError("it belongs to somebody else")


async def _locked(descriptor: int) -> bool:
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        else:
            return True
    return False


def _read(descriptor: int) -> BudgetState | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, LARGEST_FILE_BYTES, 0), type=BudgetState)
    except (OSError, msgspec.DecodeError):
        return None


class SharedBudget:
    """The calls that runs on one account may start together, as one run sees them."""

    def __init__(self, store: Store, account: Rate, fleets: Rate | None = None) -> None:
        """``fleets``: what all runs over fleets share; None for a run about a few tenants."""
        self._store, self._account, self._fleets = store, account, fleets
        self._line = asyncio.Lock()
        """The calls of one run start in the order in which they asked."""

    async def turn(self) -> None:
        """Wait until a call may start."""
        async with self._line:
            wait_seconds = await self._store.change(self._taken)
            while wait_seconds > 0:  # others may take meanwhile what this call has waited for
                await asyncio.sleep(wait_seconds)
                wait_seconds = await self._store.change(self._taken)

    async def slow_down(self, seconds: float, cost: float) -> None:
        """From now on, a call of any run counts as ``cost`` calls for so many seconds."""

        def slowed(state: BudgetState | None, now: float) -> tuple[BudgetState, None]:
            state = self._refilled(state, now)
            slow = state.cost if now < state.slow_until else 1.0
            until = max(state.slow_until, now + seconds)
            return replace(state, slow_until=until, cost=max(slow, cost)), None

        await self._store.change(slowed)

    def _taken(self, state: BudgetState | None, now: float) -> tuple[BudgetState, float]:
        """The state after a call has started, and 0; or how long until one may, in seconds."""
        state = self._refilled(state, now)
        cost = min(state.cost if now < state.slow_until else 1.0, self._account.burst)
        left = 0.0 if self._fleets is None else RESERVED_PART * self._account.burst
        lacking = _seconds(min(cost + left, self._account.burst) - state.account, self._account)
        if self._fleets is not None:
            lacking = max(lacking, _seconds(min(cost, self._fleets.burst) - state.fleets, self._fleets))
        if lacking > 0:
            return state, lacking
        fleets = state.fleets if self._fleets is None else state.fleets - min(cost, self._fleets.burst)
        return replace(state, account=state.account - cost, fleets=fleets), 0.0

    def _refilled(self, state: BudgetState | None, now: float) -> BudgetState:
        """With what has come since. Without a state, buckets are full: nobody has called for a while."""
        if state is None:
            return BudgetState(now, self._account.burst, 0.0 if self._fleets is None else self._fleets.burst, now)
        if now < state.at:  # the machine was started again
            return replace(state, at=now, fleets_at=now, slow_until=0.0)
        account = _filled(state.account, now - state.at, self._account)
        if self._fleets is None:
            return replace(state, at=now, account=account)
        fleets = _filled(state.fleets, now - state.fleets_at, self._fleets)
        return replace(state, at=now, account=account, fleets=fleets, fleets_at=now)


def _filled(tokens: float, seconds: float, rate: Rate) -> float:
    return min(rate.burst, tokens + seconds * rate.per_second)


def _seconds(tokens: float, rate: Rate) -> float:
    return 0.0 if tokens <= ROUNDING else tokens / rate.per_second


_OF_LOOPS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, InMemory]]] = WeakKeyDictionary()


def store_of_machine(host: str) -> Store:
    """The state of all runs of this user on this machine that call the host."""
    name = blake2b(host.encode(), digest_size=8).hexdigest()
    return InFile(Path(platformdirs.user_state_dir("reconciler")) / f"calls-{name}.json")


def store_of_loop(place: Hashable) -> Store:
    """The state of the runs of the running loop that call a place."""
    return _OF_LOOPS.setdefault(asyncio.get_running_loop(), {}).setdefault(place, InMemory())
