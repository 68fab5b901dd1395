"""Commands as processes of their own, forked from one that has imported everything: each starts at once."""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.connection import wait
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.context import ForkServerContext, ForkServerProcess
    from pathlib import Path

PATIENCE_SECONDS: Final = 120
WARM: Final = ["tests.harness.warmed"]
_ONE_AT_A_TIME: Final = Lock()
"""How a process ended can be read once, and ``Process.start`` reads it of all others: a second thread that reads
at the same moment would be told 255.
"""
_OUTPUT: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def carry_out(args: tuple[str, ...], folder: str, environ: Mapping[str, str], output: str) -> None:
    """In the new process: the command as the shell would run it."""
    from reconciler.cli.main import run  # noqa: PLC0415 - it is imported before this process is forked

    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    descriptor = os.open(output, _OUTPUT, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.exit(run(list(args)))


def context() -> ForkServerContext:
    """Where such processes come from."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(WARM)
    return found


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    text: str

    @property
    def killed(self) -> bool:
        """Whether it was ended from outside."""
        return self.code < 0


@dataclass(slots=True)
class Command:
    """One that runs."""

    process: ForkServerProcess
    output: Path

    @classmethod
    def start(cls, folder: Path, environ: Mapping[str, str], name: str, *args: str) -> Command:
        """``name`` tells its output apart from others'."""
        output = folder / f"{name}.txt"
        target = (args, str(folder), dict(environ), str(output))
        process = context().Process(target=carry_out, args=target)
        with _ONE_AT_A_TIME:
            process.start()
        return cls(process, output)

    def killed_after(self, seconds: float) -> bool:
        """Sends SIGKILL once the time has passed, unless it is over by then. Whether that ended it."""
        if not self.over_within(seconds):
            self.process.kill()
        return self.ended().killed

    def ended(self) -> Ended:
        """Waits for its end."""
        assert self.over_within(PATIENCE_SECONDS), "it does not end"
        text = self.output.read_text(encoding="utf-8") if self.output.exists() else ""
        return Ended(self.process.exitcode or 0, text)

    def over_within(self, seconds: float) -> bool:
        """Whether it ends within the time."""
        wait([self.process.sentinel], seconds)
        with _ONE_AT_A_TIME:
            return self.process.exitcode is not None
