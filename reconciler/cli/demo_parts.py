"""What the demonstrations share: the files of their fleet, and the headings of their chapters."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError
from reconciler.fleet import read
from reconciler.views.terminal import PageHeading, blank_line, page, paragraph, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.views.terminal import Piece

SCENE: Final = Path(__file__).parent / "demo_fleet"
"""The files of the fleet, its live state (``cli/scene.py``), and a description of each difference."""


class DemoFailedError(ReconcilerError):
    """The demo did not have the expected result."""


def read_files() -> DesiredState:
    """The files of the fleet."""
    with chdir(SCENE):
        return read(Path())


@page
def chapter(title: str, text: str, command: str | None = None) -> Iterator[Piece]:
    """A heading across the page, a few sentences, and the command that would show what follows."""
    yield blank_line()
    yield PageHeading(styled(title, "bold"))
    yield paragraph(text)
    yield blank_line()
    if command is not None:
        yield paragraph(f"$ {command}", "bold cyan")
        yield blank_line()
