"""The words between the views of a demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.views.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

QUIET: Final = "in sync"
"""What is said of somebody about whom there is nothing to say."""


def chapter(title: str, text: str, command: str | None = None) -> RenderableType:
    """A heading across the page, a few sentences, and the command that would show what follows."""
    from rich.console import Group  # noqa: PLC0415
    from rich.padding import Padding  # noqa: PLC0415
    from rich.rule import Rule  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    parts: list[RenderableType] = [
        Rule(Text(printable(title), "bold"), align="left", style="dim", characters="─"),
        Padding(Text(printable(text)), (0, 0, 1, 0), expand=False),
    ]
    if command is not None:
        parts.append(Padding(Text(f"$ {printable(command)}", "bold cyan"), (0, 0, 1, 0), expand=False))
    return Padding(Group(*parts), (1, 0, 0, 0), expand=False)


def told(story: Mapping[str, str]) -> RenderableType:
    """One line for each name, what is said of it beside it."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    for name, words in story.items():
        table.add_row(Text(f"  {printable(name)}"), Text(printable(words), "dim" if words == QUIET else ""))
    return table
