"""Text from outside, made safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with everything that could steer a terminal written out (``\\x1b``, ``\\n``, ``\\u202e``)."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
