"""Characters that a review does not show as they are: line breaks that a diff does not show, invisible text.

PyYAML ends a line, and with it a comment, where git and GitHub show none: after ``tier: free  # keep``, U+2028 and
``state: absent`` delete a tenant. So such characters are not allowed in files, comments, strings and keys.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Final

from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_REPORTED: Final = 100
"""Maximum number of these problems per text."""
_SHAPES: Final = "\ufe0e\ufe0f"
"""Variation selectors, as in ``❤`` with and without colour. After ASCII they have no effect, so they are hidden
text.
"""
_UNSEEN: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, among them line breaks to some: VT, FF, CR, FS, GS, RS, NEL
    "\u2028\u2029"  # line and paragraph separator
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction: what stands there is read in another order
    "\u00ad\u034f\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff"  # without a width
    "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and patterns that are blank
    "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # annotations, and what only formats
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # tags, and what is set aside to be ignored
)
_ANY: Final = re.compile(f"[{_UNSEEN}]")
_MISPLACED: Final = re.compile(
    # One class first, so that a text without such signs is searched at once; then what may stand where it does:
    # CR before LF, a byte order mark at the very beginning, a shape behind a sign that has several.
    rf"[{_UNSEEN}](?<!^\ufeff)(?:(?<![\r{_SHAPES}])|(?<=\r)(?!\n)|(?<=[{_SHAPES}])(?<![^\x00-\x7f][{_SHAPES}]))"
)
_SPACES: Final = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INDENTATION: Final = re.compile(rf"^[ \t]*[{_SPACES}]", re.MULTILINE)
"""Looks like a deeper level but is a part of the key."""
_NAMES: Final = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "a control character"),
    0x00: "NULL",
    0x0B: "LINE TABULATION",
    0x0C: "FORM FEED",
    0x0D: "CARRIAGE RETURN",
    0x1B: "ESCAPE",
    0x1C: "FILE SEPARATOR",
    0x1D: "GROUP SEPARATOR",
    0x1E: "RECORD SEPARATOR",
    0x1F: "UNIT SEPARATOR",
    0x7F: "DELETE",
    0x85: "NEXT LINE",
}
"""Names of control characters, which have none in Unicode."""


def has_hidden(text: str) -> bool:
    """Return whether a name contains such a character, in any notation."""
    return not text.isprintable() or _ANY.search(text) is not None


def hidden_text_problems(text: str, file: str, first_line: int = 1) -> tuple[Problem, ...]:
    """Return the locations of such characters in a text; one pass."""
    if _MISPLACED.search(text) is None and (text.isascii() or _INDENTATION.search(text) is None):
        return ()
    found = [match.end() - 1 for match in islice(_MISPLACED.finditer(text), MOST_REPORTED)]
    indents = [match.end() - 1 for match in islice(_INDENTATION.finditer(text), MOST_REPORTED)]
    places = _places(text, sorted({*found, *indents}))
    return tuple(
        Problem(Location(file, first_line + line, column), *_message_and_hint(text[at], indents=at in indents))
        for at, line, column in places
    )


def _places(text: str, positions: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield each position with the number of lines before it, and its column, 1-based."""
    line, before = 0, 0
    for at in positions:
        line += text.count("\n", before, at)
        before = at
        yield at, line, at - text.rfind("\n", 0, at)


def _message_and_hint(sign: str, *, indents: bool) -> tuple[str, str]:
    name = _NAMES.get(ord(sign)) or unicodedata.name(sign, "an unnamed character")
    called = f"U+{ord(sign):04X} ({name})"
    if indents:
        return f"{called} is not allowed as indentation", "indent with spaces"
    if sign == "\r":
        return f"{called} without a line feed is an invisible line break", "end lines with LF, or with CR and LF"
    escape = f"\\u{ord(sign):04x}" if ord(sign) < 2**16 else f"\\U{ord(sign):08x}"
    return f"{called} is an invisible character", f'remove it; to use it in a text, write "{escape}" in quotes'
