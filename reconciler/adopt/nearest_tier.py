"""The tier of a project: the one that needs the fewest overrides."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.adopt.grant import PATHS, differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.adopt.grant import Grant

_UNLIMITED: Final = 64.0
"""How far a limit is from none, in doublings."""


class Nearest(Struct, frozen=True):
    """A tier, and what the project has otherwise, by path."""

    tier: str
    overrides: Mapping[str, float] = {}


def nearest(grant: Grant, tiers: Mapping[str, Grant], named: str | None = None) -> Nearest | None:
    """Return the tier with the fewest differences; None if no tier can be the project's.

    Of several, the one that the project's name names; then the nearest by its values; then the first.
    """
    found = [(name, differences(grant, tier)) for name, tier in tiers.items()]
    possible = [(name, other) for name, other in found if other is not None]
    if not possible:
        return None
    best = min(possible, key=lambda one: (len(one[1]), one[0] != named, _distance(one[1], tiers[one[0]])))
    return Nearest(*best)


def _distance(overrides: Mapping[str, float], tier: Grant) -> float:
    granted = dict(zip(PATHS, tier.amounts, strict=True))
    return sum(_doublings_between(value, granted[path] or 0) for path, value in overrides.items())


def _doublings_between(one: float, other: float) -> float:
    """Return how many doublings two values are apart; 0 and -1 stand for no limit."""
    if one <= 0 or other <= 0:
        return 0.0 if one == other else _UNLIMITED
    return abs(log2(one / other))
