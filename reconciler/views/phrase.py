"""What the views say of a thing: words of ours, and texts from outside that keep their place among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Given:
    """A text from outside, such as a name."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of ours (``str``) and texts from outside, in their order."""

    parts: tuple[str | Given, ...] = ()

    def __str__(self) -> str:
        """All of it, for where nothing but a line's end tells ours from others': not yet safe to print."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def __bool__(self) -> bool:
        return any(part if isinstance(part, str) else part.text for part in self.parts)


def phrase(template: str, *given: str | Phrase) -> Phrase:
    """``phrase("create branch {} from {}", branch, parent)``: a ``str`` is from outside, a phrase is taken in."""
    return Phrase(_merged(_parts(template, given)))


def _parts(template: str, given: Sequence[str | Phrase]) -> Iterator[str | Given]:
    for words, one in zip(template.split("{}"), (*given, Phrase()), strict=True):
        if words:
            yield words
        if isinstance(one, Phrase):
            yield from one.parts
        else:
            yield Given(one)


def _merged(parts: Iterable[str | Given]) -> tuple[str | Given, ...]:
    """Words that follow upon words as one."""
    merged: list[str | Given] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


def joined(phrases: Iterable[Phrase], between: str = ", ") -> Phrase:
    """Those of the phrases that say something, in a row."""
    said = [one for one in phrases if one]
    return Phrase(_merged(part for n, one in enumerate(said) for part in ((between,) * bool(n) + one.parts)))


def listed(phrases: Sequence[Phrase]) -> Phrase:
    """``free``, ``free and paid``, ``free, paid and trial``."""
    return joined((joined(phrases[:-1]), *phrases[-1:]), " and ")
