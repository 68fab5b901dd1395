"""Where views are printed: terminals, logs and files."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TextIO

from reconciler.views.safe_text import harmless, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from reconciler.errors import ReconcilerError
    from reconciler.model.problem import Problem
    from reconciler.views.terminal import Page, Piece

INFO: Final = "info"
WARNING: Final = "warning"
ERROR: Final = "error"
"""The level of a message: a text log shows it before what is not information."""
WIDTH: Final = 100
"""Columns wherever there is no terminal that has a width, so that output is reproducible."""


class TextFile(NamedTuple):
    """A file or a pipe: what is written there has no colours, and does without rich, a large import."""

    file: TextIO


class MessageLog(Protocol):
    """A log of messages that are not text."""

    common: dict[str, object]
    """What every later message has, such as the id of the run."""

    def write(self, message: str, *, level: str = INFO, **about: object) -> None:
        """Writes one message."""

    def error(self, error: ReconcilerError) -> None:
        """Writes an error that ends a command, or a part of it."""

    def problems(self, problems: Iterable[Problem]) -> None:
        """Writes what is wrong with the files."""


def message_log() -> MessageLog | None:
    """The log that stderr is (``json_log.py``); None if messages are text."""
    log: MessageLog | None = getattr(sys.stderr, "messages", None)
    return log


def stdout_console() -> Console | TextFile:
    """The console for documents."""
    return _console(sys.stdout)


def stderr_console() -> Console | TextFile:
    """The console for progress and everything else that is not the document."""
    return _console(sys.stderr)


def stderr_terminal() -> Console | None:
    """The same, if stderr is a terminal or the environment says so. Without rich where it cannot be one."""
    console = stderr_console()
    return None if isinstance(console, TextFile) or not console.is_terminal else console


def say(sentence: str, *, level: str = INFO, hint: str | None = None, **about: object) -> None:
    """A line on stderr, for messages that need no view, and a second line for the hint.

    ``about`` says in a JSON log what the sentence is about: ``tenant``, ``file``, ``line``.
    """
    if (log := message_log()) is not None:
        log.write(sentence, level=level, hint=hint, **about)
        return
    lines = [sentence if level == INFO else f"{level}: {sentence}", *([] if hint is None else [f"hint: {hint}"])]
    for line in lines:
        print(harmless(printable(line)), file=_lenient(sys.stderr), flush=True)


def say_error(error: ReconcilerError) -> None:
    """The error on stderr, with its hint and the id that Neon's support asks for."""
    if (log := message_log()) is not None:
        log.error(error)
        return
    from reconciler.views.problems_text import render_error  # noqa: PLC0415 - rich is no small import

    show(render_error(error), stderr_console())


def say_problems(problems: Sequence[Problem]) -> None:
    """What is wrong with the files on stderr, each problem with its place."""
    if (log := message_log()) is not None:
        log.problems(problems)
        return
    from reconciler.views.problems_text import render  # noqa: PLC0415 - rich is no small import

    show(render(problems), stderr_console())


def say_lines(text: str, *, level: str = INFO) -> None:
    """A text of several lines on stderr, as it is; in a JSON log it is one message."""
    if (log := message_log()) is not None:
        log.write(text.strip(), level=level)
        return
    for line in text.splitlines():
        say(line)


def show_aside(view: Page | Piece) -> None:
    """Print a view on stderr; in a JSON log its text is one message."""
    if (log := message_log()) is None:
        show(view, stderr_console())
    elif text := as_text(view).strip():
        log.write(text)


def print_document(document: str) -> None:
    """A document for other programs on stdout, every text in it safe in that form already."""
    print(document, end="" if document.endswith("\n") else "\n", file=_lenient(sys.stdout), flush=True)


def print_pieces(pieces: Iterable[str]) -> None:
    """The same for a document that is made piece by piece and ends its last line itself."""
    stdout = _lenient(sys.stdout)
    for piece in pieces:
        stdout.write(piece)
    stdout.flush()


def show(view: Page | Piece, console: Console | TextFile) -> None:
    """Print a view; lines that must stay whole are never cut, and none is a command to a CI runner."""
    if isinstance(console, TextFile):
        console.file.write(as_text(view))
        return
    with console.capture() as captured:
        console.print(view, crop=False)
    console.file.write(harmless(captured.get()))


def as_text(view: Page | Piece, width: int = WIDTH) -> str:
    """The view without colours, for files."""
    return harmless("".join(f"{line.plain}\n" for line in view.lines(width)))


def _console(file: TextIO) -> Console | TextFile:
    stated = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1"
    if not (stated or file.isatty()) and (getattr(file, "encoding", None) or "utf-8").lower().startswith("utf"):
        return TextFile(_lenient(file))
    from rich.console import Console  # noqa: PLC0415 - for terminals, and to do without the letters that a file lacks

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
