"""Text from outside, made safe to print."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"^([ \t]*(?:\x1b\[[\d;]*m)*[ \t]*)([:#])(?=:|#(?:vso)?\[)", re.MULTILINE)
"""GitHub: ``::name::``; Azure: ``##[name]`` and ``##vso[name]``."""


def printable(text: str) -> str:
    """The text with everything that could steer a terminal written out (``\\x1b``, ``\\n``, ``\\u202e``)."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def harmless(printed: str) -> str:
    """Lines none of which a CI runner takes for a command, as it does where one begins with ``::`` or ``##[``."""
    return _COMMAND.sub(lambda found: found[1] + _written_out(found[2]), printed)


def _written_out(sign: str) -> str:
    return f"\\x{ord(sign):02x}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
