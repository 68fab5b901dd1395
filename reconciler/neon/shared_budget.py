"""The calls that all runs on one account may start together: the runs of this machine, or those of this process.

Each run keeps to its own pace (``pace.py``). Two runs at once would exceed the account's limit all the same, and a
sign-up would wait behind a change of the whole fleet. Here they share a token bucket. Runs over fleets share a
second one, which fills at their share of the rate, and leave half of a burst to all others.

Runs on one machine take call by call. Runs on several machines take slices of some calls each, from the same state
in a registry (``leased_budget.py``).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import msgspec
import platformdirs
from msgspec import Struct

from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Hashable

T = TypeVar("T")

RESERVED_PART: Final = 0.5
"""The part of the account's burst that runs over fleets leave to others: a sign-up takes fewer calls."""
ROUNDING: Final = 1e-9
SLICE_SECONDS: Final = 1.0
"""What was given away and not started yet is at most what comes in this time, beside a burst."""
SPREAD_SECONDS: Final = 61.5
"""Where calls are given away in slices, those of a minute come in this time: some may start late."""
LONGEST_SLOW_SECONDS: Final = 480.0
"""If the full rate is refused again each time that it returns, calls stay slow for twice as long, up to this."""
LOCK_PAUSE_SECONDS: Final = 0.01
LOCK_ATTEMPTS: Final = 50
"""Another process holds the lock for microseconds, unless it was suspended. Then calls go ahead without it."""
LARGEST_FILE_BYTES: Final = 4096


class Rate(Struct, frozen=True):
    """So many calls at once after a pause, and so many a second."""

    burst: float
    per_second: float

    def part(self, of: float) -> Rate:
        """One of so many equal parts."""
        return Rate(max(1.0, self.burst / of), self.per_second / of)


class CallRates(Struct, frozen=True):
    """How fast the buckets fill, as one run knows it."""

    account: Rate
    fleets: Rate | None = None
    """What all runs over fleets share; None for a run about a few tenants."""

    @property
    def reserved(self) -> float:
        """The calls that this run leaves to others."""
        return 0.0 if self.fleets is None else RESERVED_PART * self.account.burst

    def part(self, of: float) -> CallRates:
        """One of so many equal parts."""
        return CallRates(self.account.part(of), None if self.fleets is None else self.fleets.part(of))


class Slice(Struct, frozen=True):
    """Calls that were given to a run, which it may start between two times."""

    calls: float
    since: float
    until: float
    machine: str
    of_fleet: bool


class BudgetState(Struct, frozen=True):
    """What is left of both buckets. All times are of one clock: this machine's, or the registry's.

    A slice may begin later than it was given. The account's bucket counts it from then on, and that of the fleets
    at once, so it may be below zero: runs over fleets take turns, and a sign-up does not wait for them.
    """

    at: float
    account: float = 0.0
    fleets: float = 0.0
    fleets_at: float = 0.0
    """When a run over a fleet has last filled its bucket: only such a run knows how fast it fills."""
    slow_until: float = 0.0
    """Until when a call counts as several, because Neon has refused one for the rate (429)."""
    cost: float = 1.0
    """As how many calls one counts until then."""
    slices: dict[str, Slice] = {}
    """By run."""

    def cost_at(self, now: float) -> float:
        """As how many calls one counts."""
        return self.cost if now < self.slow_until else 1.0

    @property
    def pending(self) -> list[Slice]:
        """The slices that the account's bucket does not count yet, by the time at which they begin."""
        later = [one for one in self.slices.values() if one.since > self.at]
        return sorted(later, key=lambda one: one.since)

    def seconds_until(self, calls: float, rate: Rate) -> float:
        """Until the account's bucket has so many calls, and has them from then on whatever slices begin later."""
        wait, given = seconds_for(calls - self.account, rate), 0.0
        for one in self.pending:
            given += one.calls
            left = self.account + (one.since - self.at) * rate.per_second - given
            if left < calls:
                wait = one.since - self.at + seconds_for(calls - left, rate)
        return wait


def refilled(state: BudgetState | None, now: float, rates: CallRates) -> BudgetState:
    """With what has come since, and without slices that are no longer valid.

    Without a state, buckets are full: nobody has called for a while. What is left and the slices that have begun
    are together never more than a burst and what comes in ``SLICE_SECONDS``. So the calls of any minute are at
    most those and what comes in it, whenever the calls of a slice start.
    """
    account, fleets = rates.account, rates.fleets
    if state is None:
        return BudgetState(now, account.burst, 0.0 if fleets is None else fleets.burst, now)
    if now < state.at:  # the machine was started again, or its clock was set
        left = min(state.account, account.burst)
        return replace(state, at=now, account=left, fleets_at=now, slow_until=0.0, slices={})
    left = _filled(state, now, account)
    slices = {run: one for run, one in state.slices.items() if now <= one.until}
    if fleets is None:
        return replace(state, at=now, account=left, slices=slices)
    left_to_fleets = min(fleets.burst, state.fleets + (now - state.fleets_at) * fleets.per_second)
    return replace(state, at=now, account=left, fleets=left_to_fleets, fleets_at=now, slices=slices)


def _filled(state: BudgetState, now: float, rate: Rate) -> float:
    """The account's bucket: what has come, and what slices have begun since."""
    at, left = state.at, state.account
    begun = sum(one.calls for one in state.slices.values() if one.since <= at)
    for one in state.pending:
        if one.since <= now:
            left = min(_most(begun, rate), left + (one.since - at) * rate.per_second) - one.calls
            begun += one.calls
            at = one.since
    return min(_most(begun, rate), left + (now - at) * rate.per_second)


def _most(begun: float, rate: Rate) -> float:
    """What the account's bucket has at most, while slices of so many calls have begun."""
    return min(rate.burst, rate.burst + SLICE_SECONDS * rate.per_second - begun)


def slowed(state: BudgetState, now: float, seconds: float, cost: float) -> BudgetState:
    """From now on, a call counts as ``cost`` calls for so many seconds."""
    return replace(state, slow_until=max(state.slow_until, now + seconds), cost=max(state.cost_at(now), cost))


def seconds_for(calls: float, rate: Rate) -> float:
    """Until so many calls have come; 0 for none."""
    return 0.0 if calls <= ROUNDING else calls / rate.per_second


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
        state = state_in(os.pread(descriptor, LARGEST_FILE_BYTES, 0))
    except OSError:
        return None
    return state if state is not None and _is_of_calls(state) else None


def state_in(text: bytes | str) -> BudgetState | None:
    """The state that was written as this text; None if it is damaged."""
    try:
        return msgspec.json.decode(text, type=BudgetState)
    except (msgspec.DecodeError, RecursionError):
        return None


def _is_of_calls(state: BudgetState) -> bool:
    """Whether runs that take call by call can have left it. With anything else, the next might never start."""
    left = min(state.account, state.fleets) >= -1.0
    slow = state.slow_until <= state.at + LONGEST_SLOW_SECONDS
    return left and slow and state.fleets_at <= state.at and not state.slices


class SharedBudget:
    """The calls that runs on one account may start together, as one run sees them."""

    def __init__(self, store: Store, rates: CallRates) -> None:
        self._store, self._rates = store, rates
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

        def change(state: BudgetState | None, now: float) -> tuple[BudgetState, None]:
            return slowed(refilled(state, now, self._rates), now, seconds, cost), None

        await self._store.change(change)

    async def leave(self) -> None:
        """Gives back nothing: a call is taken right before it starts."""

    def _taken(self, state: BudgetState | None, now: float) -> tuple[BudgetState, float]:
        """The state after a call has started, and 0; or how long until one may, in seconds."""
        state = refilled(state, now, self._rates)
        account, fleets = self._rates.account, self._rates.fleets
        cost = min(state.cost_at(now), account.burst)
        lacking = seconds_for(min(cost + self._rates.reserved, account.burst) - state.account, account)
        if fleets is not None:
            lacking = max(lacking, seconds_for(min(cost, fleets.burst) - state.fleets, fleets))
        if lacking > 0:
            return state, lacking
        left_to_fleets = state.fleets if fleets is None else state.fleets - min(cost, fleets.burst)
        return replace(state, account=state.account - cost, fleets=left_to_fleets), 0.0


_OF_LOOPS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, InMemory]]] = WeakKeyDictionary()


def store_of_machine(host: str, *, alone: bool = False) -> Store:
    """The state of all runs of this user on this machine that call the host.

    ``alone``: of those that do not know what other machines do, and share this machine's part of the rate.
    """
    name = blake2b(host.encode(), digest_size=8).hexdigest()
    return InFile(_folder() / f"calls-{name}{'-alone' if alone else ''}.json")


def machine() -> str:
    """A name for this machine and user, whose runs share a file."""
    return blake2b(f"{os.uname().nodename}:{_folder()}".encode(), digest_size=8).hexdigest()


def _folder() -> Path:
    return Path(platformdirs.user_state_dir("reconciler"))


def store_of_loop(place: Hashable) -> Store:
    """The state of the runs of the running loop that call a place."""
    return _OF_LOOPS.setdefault(asyncio.get_running_loop(), {}).setdefault(place, InMemory())
