"""The calls that runs on several machines may start together, where a registry of theirs keeps the state.

A run takes a slice, the calls of about a second, in one transaction, and starts them without asking again. With
the next one it gives back what is left; the slice of a dead run ends by itself. All times in the state are those
of the registry's clock. A run only measures how long ago it has asked, so clocks of machines may differ.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from uuid import uuid4

import msgspec
from msgspec import Struct

from reconciler.errors import RegistryError
from reconciler.model.values import replace
from reconciler.neon.shared_budget import (
    SLICE_SECONDS,
    BudgetState,
    CallRates,
    Slice,
    refilled,
    seconds_for,
    slowed,
    state_in,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.neon.shared_budget import SharedBudget

T = TypeVar("T")

VALID_SECONDS: Final = 3.0
"""How long the calls of a slice may start. Then those that are left are lost: perhaps the run has died."""
FEWEST_CALLS: Final = 2
"""In a slice, however many runs there are, unless a burst is fewer. With more, sign-ups that come together would
wait for them."""
FIRST_CALLS: Final = 5
"""The first slice of a run about a few tenants: the calls of a sign-up. A later one is twice what was used."""
PATIENCE_SECONDS: Final = 2.0
"""How long a call waits for the registry. Then it goes ahead without it."""
ASKED_AGAIN_SECONDS: Final = 10.0
"""After which a registry that did not answer is asked again."""
FEWEST_MACHINES: Final = 2
"""Another one may use the account, whatever this run knows of it."""


class CallLedger(Protocol):
    """Where the state is: text that a transaction replaces."""

    async def change(self, change: Callable[[str | None, float], tuple[str, T]]) -> T | None:
        """Replaces the state by what ``change`` makes of it and of the ledger's time, and returns its result.

        No other change happens in between. Returns None where nothing can be kept yet. Raises RegistryError.
        """


class Ask(Struct, frozen=True):
    """What a run asks for."""

    run: str
    machine: str
    calls: float
    """At most; a run over a fleet asks for its part of what a slice's time fills."""
    unused: float = 0.0
    """Calls of its last slice that it has not started, and never will."""


class GivenCalls(Struct, frozen=True):
    """A slice: from ``wait_seconds`` on, so many calls may start, within a slice's time."""

    calls: int
    wait_seconds: float
    machines: int
    """How many have a slice now."""


def granted(state: BudgetState | None, now: float, ask: Ask, rates: CallRates) -> tuple[BudgetState, GivenCalls]:
    """The state after a slice was given, and the slice.

    Calls that have not come yet are given in advance, so that runs take turns and ask once for each slice.
    """
    state = settled(state, now, ask, rates)
    of_fleet, share = rates.fleets is not None, rates.fleets or rates.account
    sharing = 1 + sum(one.of_fleet is of_fleet for one in state.slices.values())
    cost = state.cost_at(now)
    most = max(min(FEWEST_CALLS, share.burst), share.per_second * SLICE_SECONDS / sharing) / cost
    calls = max(1, int(min(ask.calls, most)))
    counted = calls * cost
    needed = max(counted, min(counted + rates.reserved, rates.account.burst))
    wait_seconds = state.seconds_until(needed, rates.account)
    if rates.fleets is not None:
        wait_seconds = max(wait_seconds, seconds_for(counted - state.fleets, rates.fleets))
        state = replace(state, fleets=state.fleets - counted)
    since = now + wait_seconds
    mine = Slice(counted, since, since + VALID_SECONDS, ask.machine, of_fleet)
    left = state.account - (counted if since <= now else 0.0)
    state = replace(state, account=left, slices={**state.slices, ask.run: mine})
    return state, GivenCalls(calls, wait_seconds, len({one.machine for one in state.slices.values()}))


def settled(state: BudgetState | None, now: float, ask: Ask, rates: CallRates) -> BudgetState:
    """The state now, without the run's last slice, and with what it gives back of it."""
    state = refilled(state, now, rates)
    last = state.slices.get(ask.run)
    if last is None:
        return state
    back = min(ask.unused * state.cost_at(now), last.calls)
    counted = last.since <= now
    slices = {run: one for run, one in state.slices.items() if run != ask.run}
    return replace(
        state,
        account=state.account + (back if counted else 0.0),
        fleets=state.fleets + (back if last.of_fleet else 0.0),
        slices=slices,
    )


class LeasedBudget:
    """The calls that runs on one account may start together, as one run sees them."""

    def __init__(
        self,
        ledger: CallLedger,
        rates: CallRates,
        *,
        machine: str,
        alone: Callable[[CallRates], SharedBudget],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``alone``: what runs of this machine may start without the ledger. ``tell`` gets a sentence about it."""
        self._ledger, self._rates, self._machine = ledger, rates, machine
        self._alone, self._tell = alone, tell
        self._run = uuid4().hex
        self._line = asyncio.Lock()
        """The calls of one run start in the order in which they asked."""
        self._left = self._given = 0
        self._from = self._until = float("-inf")
        self._machines = 1
        self._asking: asyncio.Future[None] | None = None
        self._answer: asyncio.Future[GivenCalls | None] | None = None
        self._without_until = float("-inf")
        self._instead: SharedBudget | None = None

    async def turn(self) -> None:
        """Wait until a call may start."""
        loop = asyncio.get_running_loop()
        async with self._line:
            while loop.time() >= self._without_until:
                if self._left and loop.time() <= self._until:
                    await asyncio.sleep(max(0.0, self._from - loop.time()))
                    self._left -= 1
                    return
                await self._ask()
            if self._instead is not None:
                await self._instead.turn()

    async def slow_down(self, seconds: float, cost: float) -> None:
        """From now on, a call of any run counts as ``cost`` calls for so many seconds.

        A ledger that does not answer is not called: its answers would be waited for in threads that others need.
        """
        if asyncio.get_running_loop().time() < self._without_until:
            return

        def change(state: BudgetState | None, now: float) -> tuple[BudgetState, bool]:
            return slowed(refilled(state, now, self._rates), now, seconds, cost), True

        with suppress(RegistryError, TimeoutError):  # the run itself slows down all the same
            await _within_patience(self._changed(change))

    async def leave(self) -> None:
        """Gives back what is left of the slice."""
        if asyncio.get_running_loop().time() > self._until:
            return
        ask, self._left = self._next_ask(), 0

        def change(state: BudgetState | None, now: float) -> tuple[BudgetState, bool]:
            return settled(state, now, ask, self._rates), True

        with suppress(RegistryError, TimeoutError):  # it ends by itself
            await _within_patience(self._changed(change))

    async def _ask(self) -> None:
        """Takes a slice. If the call that asks is cancelled, the next one waits for the same answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._take_slice())
        await asyncio.shield(self._asking)

    async def _take_slice(self) -> None:
        """If the ledger does not answer, this machine's runs go ahead without it for a while."""
        if self._answer is not None and not self._answer.done():
            self._go_alone("it has not answered yet")
            return
        asked_at = asyncio.get_running_loop().time()
        ask, self._left = self._next_ask(), 0
        self._answer = asyncio.ensure_future(
            self._changed(lambda state, now: granted(state, now, ask, self._rates))
        )
        try:
            grant = await _within_patience(self._answer)
        except TimeoutError:
            self._go_alone(f"no answer within {PATIENCE_SECONDS:.0f} s")
        except RegistryError as error:
            self._go_alone(str(error))
        else:
            self._take(grant, asked_at)

    def _next_ask(self) -> Ask:
        used = self._given - self._left
        wanted = max(FIRST_CALLS, 2 * used) if self._rates.fleets is None else float("inf")
        return Ask(self._run, self._machine, wanted, self._left)

    def _take(self, grant: GivenCalls | None, asked_at: float) -> None:
        now = asyncio.get_running_loop().time()
        self._instead = None
        if grant is None:  # nobody has written to this registry yet
            self._without_until = now + ASKED_AGAIN_SECONDS
            return
        self._left = self._given = grant.calls
        self._from = now + grant.wait_seconds
        self._until = asked_at + grant.wait_seconds + VALID_SECONDS
        self._machines = max(self._machines, grant.machines)

    def _go_alone(self, why: str) -> None:
        parts = max(FEWEST_MACHINES, self._machines + 1)
        if self._instead is None:
            self._tell(
                f"how many calls other machines make is not known, because {why}: until the registry can be used, "
                f"this machine makes at most 1/{parts} of the calls that the account allows"
            )
            self._instead = self._alone(self._rates.part(parts))
        self._without_until = asyncio.get_running_loop().time() + ASKED_AGAIN_SECONDS

    async def _changed(self, change: Callable[[BudgetState | None, float], tuple[BudgetState, T]]) -> T | None:
        def of_text(text: str | None, now: float) -> tuple[str, T]:
            state, result = change(state_in(text) if text else None, now)
            return msgspec.json.encode(state).decode(), result

        return await self._ledger.change(of_text)


async def _within_patience(changing: Awaitable[T]) -> T:
    """Raises TimeoutError. The change itself goes on, in its thread."""
    task = asyncio.ensure_future(changing)
    task.add_done_callback(_look_at)
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await asyncio.shield(task)


def _look_at(task: asyncio.Future[T]) -> None:
    """Python logs an error that nobody has looked at."""
    if not task.cancelled():
        task.exception()
