"""Slices of calls, as values: whatever runs do with theirs, no minute has more calls than an account allows."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from reconciler.neon.leased_budget import VALID_SECONDS, Ask, granted, settled
from reconciler.neon.shared_budget import SLICE_SECONDS, SPREAD_SECONDS, CallRates, Rate, slowed

if TYPE_CHECKING:
    from reconciler.neon.shared_budget import BudgetState

PER_MINUTE: Final = 700
BURST: Final = 20
ACCOUNT: Final = Rate(BURST, (PER_MINUTE - BURST) / SPREAD_SECONDS)
FLEETS: Final = Rate(14, (0.7 * PER_MINUTE - 14) / 60)
ROUNDING: Final = 1e-6
STEPS: Final = 6000


@dataclass
class Holder:
    """A run with a slice, which starts its calls early, late, or never."""

    name: str
    rates: CallRates
    left: int = 0
    since: float = 0.0
    until: float = 0.0


class Trial:
    """Runs that do anything that they may, in an order that a seed draws."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311
        self.now, self.together_at = 0.0, self.random.uniform(3, 20)
        self.state: BudgetState | None = None
        self.starts: list[float] = []
        kinds = (CallRates(ACCOUNT), CallRates(ACCOUNT, FLEETS))
        self.holders = [
            Holder(str(number), self.random.choice(kinds)) for number in range(self.random.randint(1, 9))
        ]

    def step(self) -> None:
        """Runs call soon; but once they keep what they have for nearly as long as they may, and call together."""
        holder = self.random.choice(self.holders)
        keeps = self.together_at - 0.9 * VALID_SECONDS < self.now < self.together_at
        usual = self.take if not holder.left or self.now > holder.until else self.wait if keeps else self.call
        self.random.choices((usual, self.take, self.leave, self.die, self.refuse), (4000, 9, 9, 9, 1))[0](holder)
        if self.state is not None:
            begun = sum(one.calls for one in self.state.slices.values() if one.since <= self.state.at)
            assert self.state.account + begun < BURST + SLICE_SECONDS * ACCOUNT.per_second + ROUNDING
        self.now += self.random.choice((0.0, self.random.uniform(0, 0.06)))

    def wait(self, holder: Holder) -> None:
        """Does nothing yet."""

    def take(self, holder: Holder) -> None:
        ask = Ask(holder.name, holder.name, self.random.choice((5, 50)), holder.left)
        self.state, grant = granted(self.state, self.now, ask, holder.rates)
        holder.left, holder.since = grant.calls, self.now + grant.wait_seconds
        holder.until = holder.since + VALID_SECONDS

    def call(self, holder: Holder) -> None:
        if holder.since <= self.now <= holder.until:
            self.starts += [self.now] * holder.left
            holder.left = 0

    def leave(self, holder: Holder) -> None:
        self.state = settled(self.state, self.now, Ask(holder.name, holder.name, 0, holder.left), holder.rates)
        holder.left = 0

    def die(self, holder: Holder) -> None:
        holder.left, holder.name = 0, f"{holder.name}+"

    def refuse(self, _: Holder) -> None:
        if self.state is not None and self.random.random() < 0.02:
            self.state = slowed(self.state, self.now, 10, 2)

    def busiest_minute(self) -> int:
        return max((end - bisect_left(self.starts, at - 60) for end, at in enumerate(self.starts, 1)), default=0)


@given(st.integers(0, 2**32))
def test_no_minute_has_more_calls_than_the_account_allows(seed: int) -> None:
    trial = Trial(seed)
    for _ in range(STEPS):
        trial.step()
    assert trial.busiest_minute() <= PER_MINUTE


def test_some_of_these_minutes_have_nearly_as_many() -> None:
    """Else the trials would prove little."""
    trials = [Trial(seed) for seed in range(10)]
    for trial in trials:
        for _ in range(STEPS):
            trial.step()
    assert max(trial.busiest_minute() for trial in trials) > 0.93 * PER_MINUTE
