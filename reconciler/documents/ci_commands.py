"""What CI runners obey within a line of output: JSON can tell it so that no runner finds a command."""

from __future__ import annotations

import re
from typing import Final

_COMMANDS: Final = re.compile(r"#(?=#)|(?<=section_start):|(?<=section_end):")
"""What a CI runner obeys within a line: ``##[error]``, ``##vso[...]``, ``section_start:...``. In strings alone."""


def without_commands(document: str) -> str:
    """The same JSON, in which no CI runner finds a command."""
    if "##" in document or "section_" in document:
        return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
    return document
