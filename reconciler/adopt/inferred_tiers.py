"""Tiers that a fleet has without files: values that many of its projects share.

Scripts give thousands of projects the same values, and people change single ones by hand. So a tier is a set of
values that enough projects have exactly; every other project gets the nearest tier, and overrides.
"""

from __future__ import annotations

import re
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.adopt.grant import Grant

MAX_TIERS: Final = 10
FEWEST: Final = 5
"""Projects that have to be alike, so that their values are a tier."""
SHARE: Final = 200
"""One project in so many of its organization, where that is more."""
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class InferredTier(Struct, frozen=True):
    """A tier that no file has yet."""

    name: str
    grant: Grant
    alike: int
    """How many projects have exactly its values."""


class Sighting(Struct, frozen=True):
    """A project's values, and the tier that its name names."""

    grant: Grant
    named: str | None = None


def infer(
    sightings: Sequence[Sighting], *, known: Collection[Grant] = (), taken: Collection[str] = ()
) -> tuple[InferredTier, ...]:
    """Return the tiers of a fleet, at most ``MAX_TIERS`` together with the ``known`` ones.

    Every organization gets one for its most frequent values, then the most frequent ones of all follow. ``taken``
    are names that tiers have. The result does not depend on the order of the projects.
    """
    counts = Counter(one.grant for one in sightings)
    chosen = _chosen(counts, known)
    names = _names(chosen, sightings, taken)
    return tuple(InferredTier(names[grant], grant, counts[grant]) for grant in chosen)


def _chosen(counts: Mapping[Grant, int], known: Collection[Grant]) -> list[Grant]:
    ranked = sorted((grant for grant in counts if grant not in known), key=lambda one: (-counts[one], _order(one)))
    sizes: Counter[str] = Counter()
    for grant, count in counts.items():
        sizes[grant.organization] += count
    served = {grant.organization for grant in known}
    first = [grant for index, grant in enumerate(ranked) if _is_first(ranked[:index], grant, served)]
    frequent = [one for one in ranked if counts[one] >= _enough(sizes[one.organization]) and one not in first]
    room = max(MAX_TIERS - len(known), len(first))
    return sorted([*first, *frequent][:room], key=lambda one: (one.organization, -counts[one], _order(one)))


def _is_first(before: Iterable[Grant], grant: Grant, served: Collection[str]) -> bool:
    """Whether it holds the most frequent values of an organization that has no tier."""
    elsewhere = all(other.organization != grant.organization for other in before)
    return elsewhere and grant.organization not in served


def _enough(projects: int) -> int:
    return max(FEWEST, ceil(projects / SHARE))


def _order(grant: Grant) -> tuple[str, tuple[float, ...]]:
    """An order of values that are equally frequent."""
    return grant.organization, tuple(-2.0 if amount is None else float(amount) for amount in grant.amounts)


def _names(chosen: Iterable[Grant], sightings: Iterable[Sighting], taken: Collection[str]) -> dict[Grant, str]:
    """Name each tier as most of its projects' names do, otherwise after its organization."""
    votes: dict[Grant, Counter[str]] = {}
    totals: Counter[Grant] = Counter()
    for one in sightings:
        totals[one.grant] += 1
        if one.named is not None and _SLUG.fullmatch(one.named):
            votes.setdefault(one.grant, Counter())[one.named] += 1
    names: dict[Grant, str] = {}
    used = set(taken)
    for grant in chosen:
        name = _free(_wanted(grant, votes.get(grant, Counter()), totals[grant]), used)
        used.add(name)
        names[grant] = name
    return names


def _wanted(grant: Grant, votes: Counter[str], total: int) -> str:
    ranked = sorted(votes, key=lambda name: (-votes[name], name))
    return ranked[0] if ranked and 2 * votes[ranked[0]] > total else grant.organization


def _free(wanted: str, used: Collection[str]) -> str:
    name, number = wanted, 2
    while name in used:
        name, number = f"{wanted[:58]}-{number}", number + 1
    return name
