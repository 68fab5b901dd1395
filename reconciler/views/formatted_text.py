"""Words of ours together with text from outside, told apart until they are written to an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Untrusted(Struct, frozen=True):
    """A text from outside, such as a name."""

    text: str


class FormattedText(Struct, frozen=True):
    """Words of ours (``str``) and texts from outside, in their order."""

    parts: tuple[str | Untrusted, ...] = ()

    def __str__(self) -> str:
        """All of it, for where nothing but a line's end tells ours from others': not yet safe to print."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def __bool__(self) -> bool:
        return any(part if isinstance(part, str) else part.text for part in self.parts)


def formatted(template: str, *values: str | FormattedText) -> FormattedText:
    """``formatted("create branch {} from {}", branch, parent)``: a ``str`` is from outside."""
    return FormattedText(_merged(_parts_of(template, values)))


def _parts_of(template: str, values: Sequence[str | FormattedText]) -> Iterator[str | Untrusted]:
    for words, one in zip(template.split("{}"), (*values, FormattedText()), strict=True):
        if words:
            yield words
        if isinstance(one, FormattedText):
            yield from one.parts
        else:
            yield Untrusted(one)


def _merged(parts: Iterable[str | Untrusted]) -> tuple[str | Untrusted, ...]:
    """Words that follow upon words as one."""
    merged: list[str | Untrusted] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


def joined(texts: Iterable[FormattedText], between: str = ", ") -> FormattedText:
    """Those of the texts that are not empty, in a row."""
    filled = [one for one in texts if one]
    return FormattedText(
        _merged(part for n, one in enumerate(filled) for part in ((between,) * bool(n) + one.parts))
    )


def joined_with_and(texts: Sequence[FormattedText]) -> FormattedText:
    """``free``, ``free and paid``, ``free, paid and trial``."""
    return joined((joined(texts[:-1]), *texts[-1:]), " and ")
