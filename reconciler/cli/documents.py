"""Where a command's document goes: stdout, and files in the form of their ending."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeAlias

from reconciler.cli.options import SUFFIXES, suffixes
from reconciler.cli.streams import fit
from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.views.console import as_text, print_document, show, stdout_console

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rich.console import ConsoleRenderable

    from reconciler.cli.options import OutputFlags

Forms: TypeAlias = "Mapping[str, Callable[[], str | ConsoleRenderable]]"
"""By format name: makes the document. Text is a rich renderable, everything else a string."""


def check_outputs(output: OutputFlags, forms: tuple[str, ...]) -> None:
    """Before any work: every --output has an ending that says its form, and a folder to be in."""
    for path in output.output:
        if SUFFIXES.get(path.suffix) not in forms:
            endings = ", ".join(suffixes(forms))
            raise InvalidInputError(f"--output {path}: the ending says no form", hint=f"one of {endings}")
        check_folder(path, "--output")


def check_folder(path: Path, flag: str) -> None:
    """Before any work: the folder of a file that is to be written exists."""
    if not path.parent.is_dir():
        raise InvalidInputError(f"{flag} {path}: folder {path.parent} does not exist")


def publish(output: OutputFlags, forms: Forms) -> None:
    """The document on stdout in the chosen form, and in every file that was named."""
    for path in output.output:
        write(path, forms[SUFFIXES[path.suffix]]())
    document = forms[output.format]()
    if isinstance(document, str):
        print_document(fit(document, sys.stdout) if output.format == "json" else document)
    else:
        show(document, stdout_console())


def write(path: Path, document: str | ConsoleRenderable, flag: str = "--output") -> None:
    """The document into a file that the flag names. Raises InvalidInputError where that is impossible.

    A file that could be written in part only is removed: half a document would pass for a whole one. What is no
    file, and what a link leads to, is left alone.
    """
    text = document if isinstance(document, str) else as_text(document)
    try:
        with os.fdopen(regular_files.open_to_write(path), "w", encoding="utf-8") as file:
            try:
                file.write(text if text.endswith("\n") else f"{text}\n")
                file.flush()
            except OSError:
                if path.is_file():
                    path.unlink()
                raise
    except OSError as error:
        raise InvalidInputError(f"{flag} {path}: {error.strerror}") from error
    except UnreadableError as error:
        raise InvalidInputError(f"{flag} {path}: {error}", hint=regular_files.REMEDY) from error
