"""A measurement is a process of its own: its time, its processor time, its peak memory, and what it printed."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Final

import click

KIB_PER_MIB: Final = 1024
STDOUT, STDERR = 1, 2


@dataclass(frozen=True, slots=True)
class Measured:
    """One process that ended well."""

    seconds: float
    cpu_seconds: float
    """Of the process and its children, user and system."""
    peak_mib: float
    printed: str


def python(*arguments: str) -> Measured:
    """Run Python with these arguments. Raises ClickException with what it printed if it fails."""
    with TemporaryFile() as output, TemporaryFile() as messages:
        start = time.perf_counter()
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, *arguments],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, output.fileno(), STDOUT),
                (os.POSIX_SPAWN_DUP2, messages.fileno(), STDERR),
            ],
        )
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - start
        output.seek(0)
        messages.seek(0)
        printed, complaint = output.read().decode(), messages.read().decode()
    if status:
        ending = os.waitstatus_to_exitcode(status)
        raise click.ClickException(f"{' '.join(arguments)} ended with {ending}:\n{printed}{complaint}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB_PER_MIB, printed)


def empty_python() -> Measured:
    """The least that a process of Python costs."""
    return python("-c", "")
