"""Whether a wave harms its tenants: what was seen of them, against what was seen of untouched ones.

Two kinds of symptoms. What only the run can have caused counts by itself: a quota that the run lowered, and that
is used up. Everything else, such as a failed operation, also happens to tenants that nobody touches: it counts
only as far as it is more frequent than among those, so that an outage of Neon is not blamed on the change.

The numbers are small. The share of the untouched tenants is taken at its upper bound: the largest share that
would show as few symptoms as were seen in one of twenty samples (Clopper and Pearson, one-sided, 95 %). Of 500
tenants without a symptom, that is 0.6 %. A wave is harmful by such symptoms only if it has more of them than
that bound would bring about in one of 200 waves of its size (a binomial tail), and more than the limit
above it. A first wave of one tenant therefore stops a run by a symptom of its own only, and one of 19 tenants by
three failures where the others have none.
"""

from __future__ import annotations

import re
from math import comb
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from reconciler.plan.outcome import HarmedTenant

CONFIDENCE: Final = 0.95
BY_CHANCE: Final = 0.005
STEPS: Final = 60
"""Halvings of an interval: more than a float has digits."""
_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")
_PERCENT: Final = re.compile(r"((?:0|[1-9][0-9]?)(?:\.[0-9]{1,3})?)%")


class HealthSample(Struct, frozen=True):
    """What was seen of some tenants."""

    tenants: int
    harmed: tuple[HarmedTenant, ...] = ()

    @property
    def certain(self) -> int:
        """How many of them only the run can have harmed."""
        return sum(one.certain for one in self.harmed)


class HarmLimit(Struct, frozen=True):
    """How much harm a wave may do above that of untouched tenants: a share of it, or a number of tenants."""

    percent: float = 1.0
    count: int = 0

    def exceeded(self, harmed: float, of: int) -> bool:
        """Return whether so many harmed tenants are too many."""
        return harmed >= self.count if self.count else 100 * harmed > self.percent * of


def read_harm_limit(text: str) -> HarmLimit:
    """Read ``1%`` or ``25``. Raises InvalidInputError with a hint."""
    if _COUNT.fullmatch(text):
        return HarmLimit(count=int(text))
    share = _PERCENT.fullmatch(text)
    if share is None:
        raise InvalidInputError(f"--harm {text} is neither a share nor a number", hint="for example --harm 1%")
    return HarmLimit(percent=float(share[1]))


def is_harmful(wave: HealthSample, untouched: HealthSample, limit: HarmLimit) -> bool:
    """Return whether the run has to stop after the wave."""
    if wave.certain and limit.exceeded(wave.certain, wave.tenants):
        return True
    if not untouched.tenants:
        return False
    bound = upper_bound(len(untouched.harmed), untouched.tenants)
    harmed = len(wave.harmed)
    beyond = limit.exceeded(harmed - bound * wave.tenants, wave.tenants)
    return harmed > 0 and beyond and at_least(harmed, wave.tenants, bound) < BY_CHANCE


def upper_bound(harmed: int, looked: int) -> float:
    """Return the largest share of all tenants that a sample does not speak against; 0 without a sample."""
    if looked == 0:
        return 0.0
    low, high = harmed / looked, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if 1 - at_least(harmed + 1, looked, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def at_least(harmed: int, looked: int, share: float) -> float:
    """Return the probability that so many or more of the tenants are harmed, if this share of all tenants is."""
    return 1 - sum(comb(looked, k) * share**k * (1 - share) ** (looked - k) for k in range(harmed))


def harm_message(number: str, wave: HealthSample, untouched: HealthSample, most: int = 5) -> str:
    """Return what was seen, in one sentence without a full stop."""
    named = [f"{one.tenant} ({', '.join(one.symptoms)})" for one in wave.harmed[:most]]
    more = f" and {len(wave.harmed) - most:,} more" if len(wave.harmed) > most else ""
    others = f"of {untouched.tenants:,} untouched tenants {len(untouched.harmed):,}"
    return (
        f"wave {number} harms {len(wave.harmed):,} of {wave.tenants:,} tenants, {others}: {', '.join(named)}{more}"
    )
