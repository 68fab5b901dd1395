"""The text between the outputs of the demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.views.terminal import Line, Page, PageHeading, blank_line, column, paragraph, styled, width_of

if TYPE_CHECKING:
    from collections.abc import Mapping


QUIET: Final = "in sync"
"""The status of a tenant that matches its files."""


def chapter(title: str, text: str, command: str | None = None) -> Page:
    """A heading across the page, a few sentences, and the command that would show what follows."""
    prompt = [paragraph(f"$ {command}", "bold cyan"), blank_line()] if command is not None else []
    return Page(lambda: [blank_line(), PageHeading(styled(title, "bold")), paragraph(text), blank_line(), *prompt])


def status_list(story: Mapping[str, str]) -> Page:
    """One line for each name, with its status."""
    width = width_of(story)
    return Page(
        lambda: [
            Line(column(name, width), styled(difference, _style(difference)), 2)
            for name, difference in story.items()
        ]
    )


def _style(text: str) -> str:
    return "dim" if text == QUIET else ""
