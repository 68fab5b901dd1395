"""Where views are printed: terminals, logs and files."""

from __future__ import annotations

import os
import sys
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Final, TextIO

from reconciler.views.safe_text import harmless, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, ConsoleRenderable

WIDTH: Final = 100
"""Columns wherever there is no terminal that has a width, so that output is reproducible."""


def stdout_console() -> Console:
    """The console for documents."""
    return _console(sys.stdout)


def stderr_console() -> Console:
    """The console for progress and everything else that is not the document."""
    return _console(sys.stderr)


def say(sentence: str) -> None:
    """A line on stderr, for where a view would be too much."""
    print(harmless(printable(sentence)), file=_lenient(sys.stderr), flush=True)


def print_document(document: str) -> None:
    """A document for other programs on stdout, every text in it safe in that form already."""
    print(document, end="" if document.endswith("\n") else "\n", file=_lenient(sys.stdout), flush=True)


def print_pieces(pieces: Iterable[str]) -> None:
    """The same for a document that is made piece by piece and ends its last line itself."""
    stdout = _lenient(sys.stdout)
    for piece in pieces:
        stdout.write(piece)
    stdout.flush()


def show(view: ConsoleRenderable, console: Console) -> None:
    """Print a view; lines that must stay whole are never cut, and none is a command to a CI runner."""
    with console.capture() as captured:
        console.print(view, crop=False)
    console.file.write(harmless(captured.get()))


def as_text(view: ConsoleRenderable, width: int = WIDTH) -> str:
    """The view without colours, for files."""
    from rich.console import Console  # noqa: PLC0415  (machines read JSON and never need it)

    file = StringIO()
    show(view, Console(file=file, width=width, color_system=None, highlight=False, markup=False, emoji=False))
    return file.getvalue()


def _console(file: TextIO) -> Console:
    from rich.console import Console  # noqa: PLC0415  (machines read JSON and never need it)

    return Console(
        file=_lenient(file),
        width=None if file.isatty() else WIDTH,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


def _lenient(file: TextIO) -> TextIO:
    """The file, which writes out letters that its encoding lacks: no name must fail for one of them."""
    if isinstance(file, TextIOWrapper):
        file.reconfigure(errors="backslashreplace")
    return file
