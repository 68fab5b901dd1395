"""``reconciler gitlab``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.cli.forge_text import read_text
from reconciler.cli.runtime import runtime
from reconciler.errors import InvalidInputError
from reconciler.forge.gitlab import GitLab, merge_request
from reconciler.views.console import say

if TYPE_CHECKING:
    from pathlib import Path


def note(text: Path, name: str, number: int | None, commit: str | None) -> None:
    """Writes the text of a file into the note of the fleet."""
    environ = runtime().environ
    number = merge_request(environ) if number is None else number
    if number is None:
        raise InvalidInputError("this pipeline runs for no merge request", hint="name one: --number N")
    written = GitLab.of(environ, time.sleep).note(number, name, read_text(text), commit)
    say(f"{'created' if written.created else 'changed'} the note on merge request {number}")
