"""A measurement is a process of its own: its time, its processor time, its peak memory, and what it printed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

KIB_PER_MIB: Final = 1024
NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"
LAUNCHER: Final = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py")))


@dataclass(frozen=True, slots=True)
class Measured:
    """One process that ended as expected."""

    seconds: float
    """Of the wall clock, with the start of the launcher."""
    cpu_seconds: float
    """Of the process and its children, user and system."""
    peak_mib: float
    printed: str


def python(*arguments: str, environ: Mapping[str, str] | None = None, code: int = 0) -> Measured:
    """Run Python with these arguments. Raises ClickException like ``program``."""
    return program(sys.executable, *arguments, environ=environ, code=code)


def program(path: str, *arguments: str, environ: Mapping[str, str] | None = None, code: int = 0) -> Measured:
    """Run a program, with ``environ`` added to the environment.

    Raises ClickException with what it printed if it ends with another exit code than ``code``.
    """
    with NamedTemporaryFile("r", encoding="ascii") as result:
        start = time.perf_counter()
        ended = subprocess.run(
            [*LAUNCHER, result.name, path, *arguments],
            env={**_environment(), **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - start
        ending, cpu_seconds, peak_kib = result.read().split()
    if int(ending) != code:
        raise click.ClickException(f"{' '.join(arguments)} ended with {ending}:\n{ended.stdout}{ended.stderr}")
    return Measured(seconds, float(cpu_seconds), int(peak_kib) / KIB_PER_MIB, ended.stdout)


def _environment() -> dict[str, str]:
    """With compiled modules, as an installed program has them, also where the environment lets none be written."""
    return {name: value for name, value in os.environ.items() if name != NO_BYTECODE}


def empty_python() -> Measured:
    """The least that a process of Python costs."""
    return python("-c", "")
