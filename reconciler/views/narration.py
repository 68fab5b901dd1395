"""The words between the views of a demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.views.layout import Line, Page, Rule, blank, said
from reconciler.views.words import column, width_of, words

if TYPE_CHECKING:
    from collections.abc import Mapping

QUIET: Final = "in sync"
"""What is said of somebody about whom there is nothing to say."""


def chapter(title: str, text: str, command: str | None = None) -> Page:
    """A heading across the page, a few sentences, and the command that would show what follows."""
    prompt = [said(f"$ {command}", "bold cyan"), blank()] if command is not None else []
    return Page(lambda: [blank(), Rule(words(title, "bold")), said(text), blank(), *prompt])


def told(story: Mapping[str, str]) -> Page:
    """One line for each name, what is said of it beside it."""
    width = width_of(story)
    return Page(
        lambda: [Line(column(name, width), words(said_of, _style(said_of)), 2) for name, said_of in story.items()]
    )


def _style(text: str) -> str:
    return "dim" if text == QUIET else ""
