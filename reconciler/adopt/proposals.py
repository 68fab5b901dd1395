"""Proposals for projects that no pattern names: a tenant's name, and how sure it is; and patterns to try."""

from __future__ import annotations

import re
from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.adopt.patterns import ANY, matches, pattern
from reconciler.desired.naming import MAX_TENANT_LENGTH, TENANT, TIER
from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEWEST: Final = 3
"""Names that have to begin, or end, in the same way."""
MOST_SUGGESTED: Final = 5
MOST_TIERS: Final = 6
"""Words at the end of names that may be tiers."""
MOST_WORDS: Final = 3
MOSTLY: Final = 0.8
"""The share of names whose last word tells them apart, as chance makes a few of those look like words; and of
names that still differ without it, as a few projects are copies."""
_BEGINNING: Final = re.compile(r"[^-_.:\s{}/]++[-_.:]")
_ENDING: Final = re.compile(r"[-_.:][^-_.:\s{}/]++\Z")
_NUMBER: Final = re.compile(r"[0-9]++|(?=[a-f]*+[0-9])[0-9a-f]{4,64}|[0-9a-f]{8,64}")
"""What counts, or tells names apart: nobody's name."""
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._+@-]+")
_COPY: Final = re.compile(
    r"(?i)(?:[\s._-]*\((?:copy|old|\d{1,3})\)|[\s._-]+(?:copy|clone|backup|bak|old|restored?)(?:[\s._-]*\d{1,3})?)\Z"
)
_COPY_OF: Final = re.compile(r"(?i)\A(?:copy|clone|backup)[\s._-]+of[\s._-]+")


class Sureness(IntEnum):
    """How sure a proposal is; the surest first."""

    SURE = 1
    LIKELY = 2
    GUESS = 3
    NONE = 4


SURE: Final = {Sureness.SURE: "sure", Sureness.LIKELY: "likely", Sureness.GUESS: "a guess"}


class Proposal(Struct, frozen=True):
    """A tenant's name for a project."""

    tenant: str | None
    sureness: Sureness


class SuggestedPattern(Struct, frozen=True):
    """A pattern that several names fit which no given pattern names."""

    text: str
    projects: int


def suggested(names: Sequence[str], naming: Sequence[str] = ()) -> tuple[SuggestedPattern, ...]:
    """Return patterns for names that begin or end in the same way, the most frequent and exact first.

    Words at the end that few values take are ``{tier}``, and words of digits are ``{any}``. ``naming`` are
    patterns that are suggested for a single name, too.
    """
    frames: dict[str, list[str]] = {}
    for name in names:
        for frame in _frames(name):
            frames.setdefault(frame, []).append(name)
    often = {_refined(frame, found): len(found) for frame, found in frames.items() if len(found) >= FEWEST}
    for text in naming:
        if count := _count(text, names):
            often[text] = count
    ranked = sorted(often, key=lambda text: (-often[text], -text.count("{"), text))
    return tuple(SuggestedPattern(text, often[text]) for text in ranked[:MOST_SUGGESTED])


def _count(text: str, names: Iterable[str]) -> int:
    """How many names fit; none of a pattern that can name projects and cannot be read back."""
    try:
        fits = pattern(text)
    except InvalidInputError:
        return 0
    return sum(fits.match(name, "") is not None for name in names)


def _frames(name: str) -> list[str]:
    beginning, ending = _BEGINNING.match(name), _ENDING.search(name)
    found = []
    if beginning and beginning.end() < len(name):
        found.append(beginning[0] + "{tenant}")
    if ending and ending.start() > 0 and not _NUMBER.fullmatch(ending[0][1:]):
        found.append("{tenant}" + ending[0])
    return found


def _refined(frame: str, names: Sequence[str]) -> str:
    """Return the pattern with what the last words of its names have in common."""
    if not frame.endswith("{tenant}"):
        return frame
    start = frame.removesuffix("{tenant}")
    rest = [name.removeprefix(start) for name in names]
    ending = ""
    while (word := _last_word(rest)) is not None and ending.count("{") < MOST_WORDS:
        shorter = [name[: _ENDING.search(name).start()] for name in rest]  # type: ignore[union-attr]
        if not _tell_apart(shorter):
            break
        ending, rest = f"{word}{ending}", shorter
        if word.endswith(TIER):
            break
    return f"{start}{{tenant}}{ending}"


def _tell_apart(names: Sequence[str]) -> bool:
    """Whether the names can be those of tenants: one word for all of them names nobody."""
    return len(set(names)) >= MOSTLY * len(names)


def _last_word(names: Sequence[str]) -> str | None:
    """Return what stands for the last word of all names, with its separator; None if it is of the tenant."""
    ends = [found for name in names if (found := _ENDING.search(name)) is not None and found.start() > 0]
    separators = {found[0][0] for found in ends}
    if len(ends) < len(names) or len(separators) != 1:
        return None
    words = Counter(found[0][1:] for found in ends)
    separator = separators.pop()
    if sum(words[word] for word in words if _NUMBER.fullmatch(word)) >= MOSTLY * len(names):
        return separator + ANY
    if len(words) == 1:
        return separator + next(iter(words))
    few = len(words) <= MOST_TIERS and all(count >= FEWEST for count in words.values())
    return separator + TIER if few and len(names) > FEWEST * len(words) else None


def proposal(name: str, frequent: Sequence[SuggestedPattern]) -> Proposal:
    """Return what a project's name proposes: by a frequent pattern, as it is, or without unfit characters."""
    for _, match in matches([pattern(one.text) for one in frequent], name, ""):
        if possible(match.tenant):
            return Proposal(match.tenant, Sureness.SURE)
    if possible(name):
        return Proposal(name, Sureness.LIKELY)
    cleaned = _UNFIT.sub("-", name).strip("-.").lower()[:MAX_TENANT_LENGTH]
    return Proposal(cleaned, Sureness.GUESS) if possible(cleaned) else Proposal(None, Sureness.NONE)


def possible(name: str) -> bool:
    """Return whether a tenant can have this name."""
    return len(name) <= MAX_TENANT_LENGTH and TENANT.fullmatch(name) is not None


def original(name: str) -> str | None:
    """Return the name without what marks a copy: ``acme`` for ``acme (copy)``; None if nothing marks one."""
    bare = _COPY_OF.sub("", _COPY.sub("", name))
    return bare if bare and bare != name else None
