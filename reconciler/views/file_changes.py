"""The difference of a file that a command writes, or would write."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Final

from reconciler.views import symbols
from reconciler.views.terminal import Piece, UnbrokenLine, page, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

_STYLES: Final = {"+": symbols.ADDED, "-": symbols.TAKEN, "@": symbols.ASIDE}


@page
def render(path: str, before: str, after: str) -> Iterator[Piece]:
    """The difference of two texts, with the file's name, as `diff -u` has it."""
    yield UnbrokenLine(styled(path, symbols.HEADING))
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    for line in list(lines)[2:]:
        yield UnbrokenLine(styled(line, _STYLES.get(line[:1], "")))
