"""Where the output of a command goes: stdout, and files in the format of their ending."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.views.console import as_text, print_document, print_pieces, show, show_aside, stdout_console
from reconciler.views.formats import TEXT, formats_of, render, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.cli.flags import OutputFlags
    from reconciler.views.formats import Rendered
    from reconciler.views.view import View


def check_outputs(output: OutputFlags, view: type[View]) -> None:
    """Checks, before any work, that the ending of each --output names a format of this view, and its folder."""
    formats = formats_of(view.__name__)
    for path in output.output:
        if path.suffix not in [row.suffix for row in formats]:
            endings = ", ".join(row.suffix for row in formats)
            raise InvalidInputError(f"--output {path}: the ending names no format", hint=f"one of {endings}")
        check_folder(path, "--output")


def check_folder(path: Path, flag: str) -> None:
    """Checks, before any work, that the folder of an output file exists."""
    if not path.parent.is_dir():
        raise InvalidInputError(f"{flag} {path}: folder {path.parent} does not exist")


def publish(output: OutputFlags, view: View, *, aside: bool = False) -> None:
    """Writes the view to stdout in the chosen format, and to every named file. ``aside``: to stderr, as text."""
    _write_files(output, view)
    if aside:
        show_aside(text_of(view, full=output.full))
        return
    document = render(view, output.format, full=output.full)
    if isinstance(document, str):
        print_document(document)
    elif isinstance(document, Iterator):
        print_pieces(document)
    else:
        show(document, stdout_console())


def publish_shown(output: OutputFlags, view: View, *, aside: bool = False) -> None:
    """Publishes what was already shown as text. ``aside``: stdout is for something else."""
    if aside or output.format == TEXT:
        _write_files(output, view)
    else:
        publish(output, view)


def _write_files(output: OutputFlags, view: View) -> None:
    by_suffix = {row.suffix: row.name for row in formats_of(type(view).__name__)}
    for path in output.output:
        write(path, render(view, by_suffix[path.suffix], full=output.full))


def write(path: Path, document: Rendered, flag: str = "--output") -> None:
    """Writes the document to the file that the flag names. Raises InvalidInputError if that is impossible."""
    with _complete_file(path, flag) as file:
        file.writelines(piece.encode() for piece in _pieces(document))


def write_bytes(path: Path, data: bytes, flag: str) -> None:
    """Writes the data to the file that the flag names. Raises InvalidInputError if that is impossible."""
    with _complete_file(path, flag) as file:
        file.write(data)


@contextmanager
def _complete_file(path: Path, flag: str) -> Iterator[BinaryIO]:
    """The file, to be written as a whole.

    Removes a file that could be written only in part, because half a document looks like a whole one. Keeps
    anything that is not a file, and the target of a link.
    """
    with writing(f"{flag} {path}"), os.fdopen(regular_files.open_to_write(path), "wb") as file:
        try:
            yield file
            file.flush()
        except BaseException:  # an interruption, or a defect in what makes the pieces, ends a document as well
            if path.is_file():
                path.unlink()
            raise


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Raises InvalidInputError, which begins with ``what``, for a file that cannot be written."""
    try:
        yield
    except OSError as error:
        raise InvalidInputError(f"{what}: {error.strerror}") from error
    except UnreadableError as error:
        raise InvalidInputError(f"{what}: {error}", hint=regular_files.REMEDY) from error


def _pieces(document: Rendered) -> Iterable[str]:
    if isinstance(document, Iterator):
        return document
    text = document if isinstance(document, str) else as_text(document)
    return (text if text.endswith("\n") else f"{text}\n",)
