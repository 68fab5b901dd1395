"""``reconciler github``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.cli.forge_text import read_text
from reconciler.cli.runtime import runtime
from reconciler.errors import InvalidInputError
from reconciler.forge.github import GitHub, pull_request
from reconciler.views.console import say

if TYPE_CHECKING:
    from pathlib import Path


def comment(text: Path, name: str, number: int | None, commit: str | None) -> None:
    """Writes the text of a file into the comment of the fleet."""
    number = _pull_request(number)
    written = _github().comment(number, name, read_text(text), commit)
    say(f"{'created' if written.created else 'changed'} the comment: {written.url}")


def issue(text: Path | None, name: str, title: str, close: bool) -> None:
    """Opens, changes or closes the issue of the fleet."""
    if (text is None) is not close:
        raise InvalidInputError("name either a file with the text or --close")
    forge = _github()
    if text is None:
        closed = forge.close_issue(name)
        say("no issue is open" if closed is None else f"closed the issue: {closed.url}")
        return
    written = forge.open_issue(name, title, read_text(text))
    say(f"{'opened' if written.created else 'changed'} the issue: {written.url}")


def label(name: str, remove: bool, number: int | None) -> None:
    """Puts a label on the pull request, or takes it away."""
    number = _pull_request(number)
    if not remove:
        _github().add_label(number, name)
        say(f"the pull request has the label {name}")
    elif _github().remove_label(number, name):
        say(f"removed the label {name}")
    else:
        say(f"the pull request has no label {name}")


def _pull_request(number: int | None) -> int:
    found = pull_request(runtime().environ) if number is None else number
    if found is None:
        raise InvalidInputError("this workflow runs for no pull request", hint="name one: --number N")
    return found


def _github() -> GitHub:
    return GitHub.of(runtime().environ, time.sleep)
