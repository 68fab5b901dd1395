"""The words between the views of a demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from reconciler.views.layout import Line
from reconciler.views.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

QUIET: Final = "in sync"
"""What is said of somebody about whom there is nothing to say."""


def chapter(title: str, text: str, command: str | None = None) -> RenderableType:
    """A heading across the page, a few sentences, and the command that would show what follows."""
    heading = Rule(Text(printable(title), "bold"), align="left", style="dim", characters="─")
    prompt = [Text(f"$ {printable(command)}", "bold cyan"), Text()] if command is not None else []
    return Group(Text(), heading, Line(Text(), Text(printable(text))), Text(), *prompt)


def told(story: Mapping[str, str]) -> RenderableType:
    """One line for each name, what is said of it beside it."""
    width = max(map(len, story), default=0)
    lines = [
        Text.assemble(f"  {printable(name):<{width}}  ", (words, _style(words))) for name, words in story.items()
    ]
    return Text("\n").join(lines)


def _style(words: str) -> str:
    return "dim" if words == QUIET else ""
