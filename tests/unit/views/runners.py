"""What CI runners and terminals make of output, by their own rules."""

from __future__ import annotations

import re
from typing import Final

_RULES: Final = (
    re.compile(r"\A\s*::"),  # GitHub's second form: a line that begins so, once it is trimmed
    re.compile(r"##\["),  # GitHub's first form, Azure's formatting: anywhere in a line
    re.compile(r"##vso\["),  # Azure's commands: anywhere in a line
    re.compile(r"##teamcity\["),
    re.compile(r"section_(?:start|end):\d+:"),  # GitLab
    re.compile(r"\A(?:---|\+\+\+|~~~|\^\^\^)(?:\s|\Z)"),  # Buildkite's groups
)
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")


def obeyed(output: str) -> list[str]:
    """The lines that some runner takes for more than text, with colours or without."""
    lines = output.split("\n") + _COLOUR.sub("", output).split("\n")
    return [line for line in lines if any(rule.search(line) for rule in _RULES)]


def steering(output: str) -> list[str]:
    """The characters, but for ends of lines and colours, that do something to a terminal or do not show."""
    return [sign for sign in _COLOUR.sub("", output) if not sign.isprintable() and sign != "\n"]
