"""Where the output of a command goes: stdout, and files in the format of their ending."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.views.console import as_text, print_document, print_pieces, show, stdout_console
from reconciler.views.formats import formats_of, render

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.cli.options import OutputFlags
    from reconciler.views.formats import Rendered
    from reconciler.views.view import View


def check_outputs(output: OutputFlags, view: type[View]) -> None:
    """Before any work: the ending of every --output names a format of this view, and its folder exists."""
    formats = formats_of(view)
    for path in output.output:
        if path.suffix not in [row.suffix for row in formats]:
            endings = ", ".join(row.suffix for row in formats)
            raise InvalidInputError(f"--output {path}: the ending names no format", hint=f"one of {endings}")
        check_folder(path, "--output")


def check_folder(path: Path, flag: str) -> None:
    """Before any work: the folder of a file that is to be written exists."""
    if not path.parent.is_dir():
        raise InvalidInputError(f"{flag} {path}: folder {path.parent} does not exist")


def publish(output: OutputFlags, view: View) -> None:
    """The view on stdout in the chosen format, and in every file that was named."""
    by_suffix = {row.suffix: row.name for row in formats_of(type(view))}
    for path in output.output:
        write(path, render(view, by_suffix[path.suffix], full=output.full))
    document = render(view, output.format, full=output.full)
    if isinstance(document, str):
        print_document(document)
    elif isinstance(document, Iterator):
        print_pieces(document)
    else:
        show(document, stdout_console())


def write(path: Path, document: Rendered, flag: str = "--output") -> None:
    """The document into a file that the flag names. Raises InvalidInputError where that is impossible.

    A file that could be written in part only is removed: half a document would pass for a whole one. What is no
    file, and what a link leads to, is left alone.
    """
    try:
        with os.fdopen(regular_files.open_to_write(path), "w", encoding="utf-8") as file:
            try:
                file.writelines(_pieces(document))
                file.flush()
            except OSError:
                if path.is_file():
                    path.unlink()
                raise
    except OSError as error:
        raise InvalidInputError(f"{flag} {path}: {error.strerror}") from error
    except UnreadableError as error:
        raise InvalidInputError(f"{flag} {path}: {error}", hint=regular_files.REMEDY) from error


def _pieces(document: Rendered) -> Iterable[str]:
    if isinstance(document, Iterator):
        return document
    text = document if isinstance(document, str) else as_text(document)
    return (text if text.endswith("\n") else f"{text}\n",)
