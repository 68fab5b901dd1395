"""Commands as processes: forked from a warm one, or started from nothing where a case asks for it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tests.e2e.command_line import ROOT

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


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended."""

    code: int | None
    """The exit code, negative for a signal; None where it had to be ended."""
    out: bytes
    err: bytes


class Warm:
    """The warm process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.warm"],
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
        }
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        child = int(self._process.stdout.readline())
        in_time, _, _ = select.select([self._process.stdout], [], [], PATIENCE_SECONDS)
        if not in_time:
            _end(child)
        code = int(self._process.stdout.readline())
        return _ended(order, code if in_time else None)


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
