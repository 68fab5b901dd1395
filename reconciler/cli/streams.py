"""stdin, stdout and stderr: they may be closed, full, without a reader, or in ASCII."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Final, TextIO

from reconciler.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CLOSED: Final = OutputError(
    "stdout is closed: the command cannot print, so it did nothing",
    hint="redirect stdout to a file or to /dev/null",
)
STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""In the order of their descriptors."""


def take_over() -> OutputError | None:
    """Makes all three usable before any file is opened. Returns the error if stdout is closed.

    Replaces a closed stream with the null device. Otherwise the next file that is opened, such as a journal, gets
    its descriptor, and output is written into that file.
    """
    stdout_is_closed = sys.stdout is None
    for descriptor, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            _null_device_at(descriptor)
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # a name with a letter that the encoding lacks must not fail
    sys.stderr = _unfailing(sys.stderr)
    return CLOSED if stdout_is_closed else None


def leave() -> None:
    """Writes what is left to print. Drops it if there is no reader: the run has reported that already."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            _null_device_at(sys.stdout.fileno())  # Python flushes again at exit, and would print an error


def _null_device_at(descriptor: int) -> None:
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)


class _UnfailingFile(io.FileIO):
    """Accepts every write, even on a full disk or without a reader: no run fails because of its log."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _unfailing(stderr: TextIO) -> TextIO:
    raw = _UnfailingFile(stderr.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stderr.encoding, errors="backslashreplace", line_buffering=True
    )
