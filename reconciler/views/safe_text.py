"""Text from outside: marked as such among our own words, and made safe to print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
"""Invisible characters that Unicode counts among letters and marks."""

_SUSPECT: Final = re.compile(r"[^ -~]+")
"""What is checked character by character: all but printable ASCII."""

_ANYWHERE: Final = re.compile(r"#(?=#\w*\[)|(?<=section_start):|(?<=section_end):")
"""What a CI runner executes anywhere in a line.

GitHub and Azure: ``##[name]``; Azure: ``##vso[name]``; TeamCity: ``##teamcity[name]``; GitLab: ``section_start:``.
"""

_AT_THE_START: Final = re.compile(
    r"^(?P<before>(?:[ \t]|\x1b\[[\d;]*m)*)(?:(?P<first>:)(?=:)|(?P<group>---|\+\+\+|~~~|\^\^\^)(?= |$|\x1b))",
    re.MULTILINE,
)
"""GitHub: ``::name::``; Buildkite: ``--- group``, ``+++ group``, ``~~~ group``, ``^^^ +++``."""


def printable(text: str) -> str:
    """The text with whatever could steer a terminal or a CI runner, or is not seen, written out.

    ``\\x1b``, ``\\n``, ``\\u202e``, ``\\x23#[error]``. To do it twice changes nothing.
    """
    if not (text.isascii() and text.isprintable()):
        text = _SUSPECT.sub(_visible, text)
    return _without_commands(text)


def harmless(printed: str) -> str:
    """Lines none of which a CI runner takes for a command or for the heading of a group."""
    return _AT_THE_START.sub(_without_effect, _without_commands(printed))


def _without_commands(text: str) -> str:
    if "##" not in text and "section_" not in text:  # which is found faster than a pattern is
        return text
    return _ANYWHERE.sub(lambda found: _written_out(found[0]), text)


def _visible(found: re.Match[str]) -> str:
    return "".join(map(_sign, found[0]))


@lru_cache(maxsize=4096)
def _sign(sign: str) -> str:
    """It, or what it is written out as."""
    return sign if sign.isprintable() and not _UNSEEN.match(sign) else _escape(sign)


def _without_effect(found: re.Match[str]) -> str:
    sign = found["first"] or found["group"]
    return found["before"] + _written_out(sign[0]) + sign[1:]


def _written_out(sign: str) -> str:
    return f"\\x{ord(sign):02x}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Untrusted:
    """A text from outside, such as a name."""

    text: str


@dataclass(frozen=True, slots=True)
class FormattedText:
    """Words of ours (``str``) and texts from outside, in their order."""

    parts: tuple[str | Untrusted, ...] = ()

    def __str__(self) -> str:
        """All of it, for where nothing but a line's end tells ours from others': not yet safe to print."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def __bool__(self) -> bool:
        return any(part if isinstance(part, str) else part.text for part in self.parts)


def formatted(template: str, *values: str | FormattedText) -> FormattedText:
    """``phrase("create branch {} from {}", branch, parent)``: a ``str`` is from outside, a phrase is taken in."""
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


def joined(phrases: Iterable[FormattedText], between: str = ", ") -> FormattedText:
    """Those of the phrases that say something, in a row."""
    filled = [one for one in phrases if one]
    return FormattedText(
        _merged(part for n, one in enumerate(filled) for part in ((between,) * bool(n) + one.parts))
    )


def joined_with_and(phrases: Sequence[FormattedText]) -> FormattedText:
    """``free``, ``free and paid``, ``free, paid and trial``."""
    return joined((joined(phrases[:-1]), *phrases[-1:]), " and ")
