"""Text from outside, made safe to print."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_UNSEEN: Final = (
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
"""Invisible characters that Unicode counts among letters and marks."""

_SUSPECT: Final = r"[^ -~]+"
"""What is checked character by character: all but printable ASCII."""

_ANYWHERE: Final = r"#(?=#\w*\[)|(?<=section_start):|(?<=section_end):"
"""What a CI runner executes anywhere in a line.

GitHub and Azure: ``##[name]``; Azure: ``##vso[name]``; TeamCity: ``##teamcity[name]``; GitLab: ``section_start:``.
"""

_AT_THE_START: Final = (
    r"(?m)^(?P<before>(?:[ \t]|\x1b\[[\d;]*m)*)(?:(?P<first>:)(?=:)|(?P<group>---|\+\+\+|~~~|\^\^\^)(?= |$|\x1b))"
)
"""GitHub: ``::name::``; Buildkite: ``--- group``, ``+++ group``, ``~~~ group``, ``^^^ +++``."""

_STARTS: Final = ("::", "---", "+++", "~~~", "^^^")
"""What a text contains that matches; this is found faster than a pattern is."""


def printable(text: str) -> str:
    """The text with whatever could steer a terminal or a CI runner, or is not seen, written out.

    ``\\x1b``, ``\\n``, ``\\u202e``, ``\\x23#[error]``. To do it twice changes nothing.
    """
    if not (text.isascii() and text.isprintable()):
        text = re.sub(_SUSPECT, _visible, text)
    return _without_commands(text)


def harmless(printed: str) -> str:
    """Lines none of which a CI runner takes for a command or for the heading of a group."""
    text = _without_commands(printed)
    return re.sub(_AT_THE_START, _without_effect, text) if any(sign in text for sign in _STARTS) else text


def _without_commands(text: str) -> str:
    if "##" not in text and "section_" not in text:  # which is found faster than a pattern is
        return text
    return re.sub(_ANYWHERE, lambda found: _written_out(found[0]), text)


def _visible(found: re.Match[str]) -> str:
    return "".join(map(_sign, found[0]))


@lru_cache(maxsize=4096)
def _sign(sign: str) -> str:
    """It, or what it is written out as."""
    return sign if sign.isprintable() and not re.match(_UNSEEN, sign) else _escape(sign)


def _without_effect(found: re.Match[str]) -> str:
    sign = found["first"] or found["group"]
    return found["before"] + _written_out(sign[0]) + sign[1:]


def _written_out(sign: str) -> str:
    return f"\\x{ord(sign):02x}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
