"""Which way the files moved a field: whether they ask for what a change of it takes from the tenant.

What a change takes is asked for where the files moved in the same direction: a commit that raises a limit lowers
nobody who was given more. Most fields stand for themselves. A tier is one thing: with one that grants less go the
fields that are the same in both. With a smaller maximum goes a minimum that is larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns.compute import MAX, MIN
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.organization import PATH as ORGANIZATION
from reconciler.plan.concerns.reductions import has_an_order, is_met, met, of_a_compute, ways

if TYPE_CHECKING:
    from reconciler.model.values import Value
    from reconciler.plan.concerns.concern import Stated


def reduced(
    path: str, before: Stated, now: Stated, live: Value | Assignment = None, *, in_another_tier: bool = False
) -> bool:
    """Whether the files ask for what a change from the live value takes.

    A field that the files begin or cease to manage has moved, and so has one without an order that is another.
    ``live`` is None where it is not told: then any move that takes is one. ``in_another_tier`` says that the
    project has all that another tier grants: then its organization goes with the tier, too.
    """
    moved = ways(path, before.get(path), now.get(path))
    needed = ways(path, live, now.get(path))
    if moved:
        return met(needed, moved) or not ways(path, now.get(path), before.get(path))
    if before.get(path) != now.get(path):
        return False
    goes_with_it = has_an_order(path) or (path == ORGANIZATION and in_another_tier)
    return (goes_with_it and _tier_sank(before, now)) or _goes_with_the_maximum(path, before, now, live)


def touched(path: str, before: Stated, now: Stated, live: Value | Assignment) -> bool:
    """Whether the files ask for a part of what a change from the live value takes."""
    moved = ways(path, before.get(path), now.get(path))
    return any(is_met(way, moved) for way in ways(path, live, now.get(path)))


def _tier_sank(before: Stated, now: Stated) -> bool:
    """Whether the tenant has another tier than before, which takes something and gives nothing.

    The organization decides, where one of the two grants more.
    """
    was, becomes = before.get(ORGANIZATION), now.get(ORGANIZATION)
    if not isinstance(was, Assignment) or not isinstance(becomes, Assignment) or was.tier == becomes.tier:
        return False
    down, up = ways(ORGANIZATION, was, becomes), ways(ORGANIZATION, becomes, was)
    if down or up:
        return bool(down) and not up
    both = [path for path in before if path in now and has_an_order(path)]
    takes = any(ways(path, before[path], now[path]) for path in both)
    return takes and not any(ways(path, now[path], before[path]) for path in both)


def _goes_with_the_maximum(path: str, before: Stated, now: Stated, live: Value | Assignment) -> bool:
    """Whether a smaller maximum, which the files ask for, leaves no room for the live minimum."""
    if of_a_compute(path) != MIN or not isinstance(live, int | float):
        return False
    maximum = path.removesuffix(MIN) + MAX
    most = now.get(maximum)
    return isinstance(most, int | float) and live > most and bool(ways(maximum, before.get(maximum), most))
