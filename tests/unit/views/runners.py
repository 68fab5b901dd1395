"""What CI runners and terminals make of output, by their own rules."""

from __future__ import annotations

import re
from typing import Final

_RULES: Final = re.compile(
    r"""^\s*::                              # GitHub's second form: a line that begins so, once it is trimmed
      | \#\#\[                              # GitHub's first form, Azure's formatting: anywhere in a line
      | \#\#vso\[                           # Azure's commands: anywhere in a line
      | \#\#teamcity\[
      | section_(?:start|end):\d+:          # GitLab
      | ^(?:---|\+\+\+|~~~|\^\^\^)(?:\s|$)  # Buildkite's groups""",
    re.MULTILINE | re.VERBOSE,
)
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")


def obeyed(output: str) -> list[str]:
    """What some runner takes for more than text, with colours or without."""
    texts = dict.fromkeys([output, _COLOUR.sub("", output)])
    return [found[0] for text in texts for found in _RULES.finditer(text)]


def steering(output: str) -> list[str]:
    """The characters, but for ends of lines and colours, that do something to a terminal or do not show."""
    shown = _COLOUR.sub("", output).replace("\n", "")
    return [] if shown.isprintable() else [sign for sign in shown if not sign.isprintable()]
