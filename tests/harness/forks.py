"""Commands as processes: forked from a warm one, or started from nothing where a case asks for it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

PATIENCE_SECONDS: Final = 60
"""After which a command that should have ended long ago is ended; nothing else depends on time."""
RECONCILER: Final = str(Path(sys.executable).parent / "reconciler")
READ: Final = os.O_RDONLY
WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True)
class Order:
    """A command that is to run."""

    arguments: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    stdin: str
    streams: Path
    """The folder that takes ``stdout`` and ``stderr``."""
    deleted: bool = False
    """Whether the working folder is gone."""
    noted: Path | None = None
    """The file that takes every program that the command starts; of a forked one only."""
    memory_bytes: int = 2 * 2**30
    """At most this much address space; of a forked one only."""
    cpu_seconds: int = 120
    """At most this much CPU, of a forked one only: the end of what would take for ever, no measure of speed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended."""

    code: int | None
    """The exit code, negative for a signal; None where it had to be ended."""
    out: bytes
    err: bytes


class Warm:
    """The warm process. Threads wait for each other's commands."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.warm"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what is read ahead, select() would not see
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            self._process.kill()

    def run(self, order: Order) -> Ended:
        """The command in a process that is forked for it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        streams = [
            (order.stdin, READ),
            (str(order.streams / "stdout"), WRITE),
            (str(order.streams / "stderr"), WRITE),
        ]
        told = {
            "arguments": list(order.arguments),
            "folder": str(order.folder),
            "environ": dict(order.environ),
            "streams": streams,
            "deleted": order.deleted,
            "noted": order.noted and str(order.noted),
            "memory_bytes": order.memory_bytes,
            "cpu_seconds": order.cpu_seconds,
        }
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            child = int(self._process.stdout.readline())
            in_time, _, _ = select.select([self._process.stdout], [], [], PATIENCE_SECONDS)
            if not in_time:
                _end(child)
            code = int(self._process.stdout.readline())
        return _ended(order, code if in_time else None)


@cache
def shared() -> Warm:
    """The one of this test process, which lives as long."""
    warm = Warm()
    atexit.register(warm.__exit__, None, None, None)
    return warm


def run_from_nothing(order: Order) -> Ended:
    """The command as its console script starts it."""
    with (
        open(order.stdin, "rb") as stdin,  # noqa: PTH123 (may be a device)
        (order.streams / "stdout").open("wb") as out,
        (order.streams / "stderr").open("wb") as err,
        subprocess.Popen(
            [RECONCILER, *order.arguments],
            cwd=order.folder,
            env=dict(order.environ),
            stdin=stdin,
            stdout=out,
            stderr=err,
            process_group=0,
        ) as process,
    ):
        try:
            code: int | None = process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            _end(process.pid)
            code = None
    return _ended(order, code)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _ended(order: Order, code: int | None) -> Ended:
    return Ended(code, (order.streams / "stdout").read_bytes(), (order.streams / "stderr").read_bytes())
