"""Values as a text states them, before the schema reads them."""

from __future__ import annotations

from typing import Final

A_LIST: Final = "a list"
TEXT: Final = "text"
WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""What YAML readers may take for something else than text, in small letters."""

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
"""Plain scalars without a value (YAML 1.2 core schema)."""


def kind(value: object) -> str:
    """The type of a value, in words."""
    if value is None:
        return "nothing"
    return A_LIST if isinstance(value, list) else "a mapping" if isinstance(value, dict) else TEXT


def text_of(value: object) -> str | None:
    """A scalar as text, JSON's numbers and booleans as if written in YAML; None for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None
