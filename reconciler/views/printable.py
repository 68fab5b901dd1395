"""Text from outside, made safe to print."""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
"""What takes part in a text and shows nothing, although Unicode counts it among letters and marks."""

_ANYWHERE: Final = re.compile(r"#(?=#\w*\[)|(?<=section_start):|(?<=section_end):")
"""What a CI runner carries out wherever it stands in a line.

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
    if not text.isprintable() or _UNSEEN.search(text):
        text = "".join(sign if sign.isprintable() and not _UNSEEN.match(sign) else _escape(sign) for sign in text)
    return _ANYWHERE.sub(lambda found: _written_out(found[0]), text)


def harmless(printed: str) -> str:
    """Lines none of which a CI runner takes for a command or for the heading of a group."""
    return _AT_THE_START.sub(_without_effect, _ANYWHERE.sub(lambda found: _written_out(found[0]), printed))


def _without_effect(found: re.Match[str]) -> str:
    sign = found["first"] or found["group"]
    return found["before"] + _written_out(sign[0]) + sign[1:]


def _written_out(sign: str) -> str:
    return f"\\x{ord(sign):02x}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
