"""A fleet that somebody else's scripts made over the years: for the test of adopting it, and for ``bench/``.

One in ten projects pays. Three naming schemes, seven sets of values, quotas that people set by hand, renamed
projects, strangers, and a second fleet in the same organization.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Final

from reconciler.simulator.seed import ProjectSeed
from reconciler.simulator.types import Compute, Quota

if TYPE_CHECKING:
    from collections.abc import Iterator

PATTERNS: Final = ("app-{tenant}-{tier}-{any}", "trial_{tenant}", "{tenant}.live")
"""What names its tenants. ``stg-`` is the other fleet."""
PAYING: Final = 10
"""One project in so many."""
MIB, GIB, HOUR, DAY = 2**20, 2**30, 3600, 86_400
LETTERS: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Values:
    """What a script gave to its projects."""

    quota: Quota
    compute: Compute
    restore_window_seconds: int


def _values(hours: int, transfer: int, size: int, compute: Compute, days: int) -> Values:
    return Values(Quota(hours * HOUR, 0, 0, transfer, size), compute, days * DAY)


FREE: Final = (
    _values(100, 5 * GIB, 512 * MIB, Compute(0.25, 2, 300), 1),
    _values(60, 5 * GIB, 512 * MIB, Compute(0.25, 1, 300), 1),
    _values(20, GIB, 256 * MIB, Compute(0.25, 0.25, 300), 1),
)
PAID: Final = (
    _values(750, 50 * GIB, 10 * GIB, Compute(0.25, 2, 300), 7),
    _values(500, 30 * GIB, 10 * GIB, Compute(0.25, 1, 300), 7),
    _values(0, 500 * GIB, 100 * GIB, Compute(1, 8, 600), 7),
    _values(0, 0, 0, Compute(2, 8, 3600), 7),
)
TIERS: Final = ("free", "free", "free", "pro", "pro", "scale", "scale")


@dataclass(frozen=True, slots=True)
class FoundFleet:
    """The projects of both organizations, and what is known of them."""

    free: tuple[ProjectSeed, ...]
    paid: tuple[ProjectSeed, ...]
    named: int
    """Projects that the patterns name."""
    hand_made: int
    """Those among them whose quota somebody set by hand."""


def found_fleet(projects: int) -> FoundFleet:
    """Make the seeds of so many projects; the same each time."""
    random = Random(projects)  # noqa: S311
    made = [_one(random, number) for number in range(projects)]
    return FoundFleet(
        free=tuple(seed for number, (seed, _, _) in enumerate(made) if number % PAYING),
        paid=tuple(seed for number, (seed, _, _) in enumerate(made) if not number % PAYING),
        named=sum(named for _, named, _ in made),
        hand_made=sum(named and by_hand for _, named, by_hand in made),
    )


def _one(random: Random, number: int) -> tuple[ProjectSeed, bool, bool]:
    """One project, whether a pattern names it, and whether its quota was set by hand."""
    kinds = PAID if number % PAYING == 0 else FREE
    chosen = random.choices(range(len(kinds)), weights=(70, 20, 7, 3)[: len(kinds)])[0]
    values = kinds[chosen]
    tier = TIERS[chosen + (len(FREE) if kinds is PAID else 0)]
    name, named = _name(random, number, tier)
    by_hand = random.random() < 0.015
    quota = _by_hand(random, values.quota) if by_hand else values.quota
    seed = ProjectSeed(
        name, quota=quota, compute=values.compute, restore_window_seconds=values.restore_window_seconds
    )
    return seed, named, by_hand


def _name(random: Random, number: int, tier: str) -> tuple[str, bool]:
    user = f"user_{number:x}" + "".join(random.choices(LETTERS, k=8))
    share = random.random()
    schemes: Iterator[tuple[float, str, bool]] = iter(
        (
            (0.55, f"app-{user}-{tier}-{number:05x}", True),
            (0.75, f"trial_{user}", True),
            (0.85, f"{user}.live", True),
            (0.97, f"stg-{user}", False),
            (0.99, f"IMPORTANT do not delete ({user})", False),
            (1.01, f"scratch {number}", False),
        )
    )
    return next((name, named) for limit, name, named in schemes if share < limit)


def _by_hand(random: Random, quota: Quota) -> Quota:
    """One member as a person at support sets it: a round number that nobody else has."""
    if random.random() < 0.5:
        return replace(quota, data_transfer_bytes=random.randrange(6, 400) * GIB)
    return replace(quota, active_time_seconds=random.randrange(101, 740) * HOUR)
