"""Commands as processes: forked from a warm one, or started from nothing where a case asks for it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, Final, Self

from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

PATIENCE_SECONDS: Final = 60
"""After which a command that should have ended long ago is ended; nothing else depends on time."""
ADDRESS: Final = "WARM_PROCESS"
"""The variable that tells workers where the warm process of their run listens."""
RECONCILER: Final = str(Path(sys.executable).parent / "reconciler")


@dataclass(frozen=True, slots=True)
class Order:
    """A command that is to run."""

    arguments: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    deleted: bool = False
    """Whether the working folder is gone."""
    noted: Path | None = None
    """The file that takes every program that the command starts; of a forked one only."""
    loud: bool = False
    """Whether every library logs all that it has to say; of a forked one only."""
    memory_bytes: int = 2 * 2**30
    """At most this much address space; of a forked one only."""
    cpu_seconds: int = 120
    """At most this much CPU, of a forked one only: the end of what would take for ever, no measure of speed."""
    file_bytes: int | None = None
    """No file may grow beyond this; of a forked one only."""

    def written(self) -> dict[str, Any]:
        """As the warm process reads it."""
        paths = {"folder": str(self.folder), "noted": self.noted and str(self.noted)}
        return {**asdict(self), "environ": dict(self.environ), **paths}


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended."""

    code: int | None
    """The exit code, negative for a signal; None where it had to be ended."""
    out: bytes
    err: bytes


class Running:
    """A forked command that runs, with what tests need of a ``subprocess.Popen``."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers = connection.makefile("rb", buffering=0)  # what is read ahead, select() would not see
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.poll() is None:
            end_group(self.pid)
        self.wait()
        for opened in (self.stdout, self.stderr, self._answers, self._connection):
            if opened is not None:
                opened.close()

    def send_signal(self, number: int) -> None:
        """Nothing happens if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Without a chance to clean up."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._code(0)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """The exit code. Raises TimeoutError if it does not end."""
        code = self._code(seconds)
        if code is None:
            raise TimeoutError("the command does not end")
        return code

    def communicate(self, timeout: float = PATIENCE_SECONDS) -> tuple[str, str]:
        """All that it prints until it ends; what does not end is killed."""
        said = ["", ""]

        def read(number: int, stream: IO[str] | None) -> None:
            said[number] = stream.read() if stream else ""

        threads = [
            threading.Thread(target=read, args=each, daemon=True) for each in enumerate((self.stdout, self.stderr))
        ]
        for thread in threads:
            thread.start()
        try:
            self.wait(timeout)
        finally:
            self.kill()
            for thread in threads:
                thread.join()
        return said[0], said[1]

    def _code(self, seconds: float) -> int | None:
        if self.returncode is None and select.select([self._answers], [], [], seconds)[0]:
            self.returncode = int(self._answers.readline())
        return self.returncode


@dataclass(frozen=True, slots=True)
class Warm:
    """The warm process; commands may run at the same time."""

    address: str
    """The socket that it listens at."""

    def start(self, order: Order, streams: Sequence[int]) -> Running:
        """The command in a process that is forked for it, with these descriptors as its streams."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.address)
        socket.send_fds(connection, [b" "], streams)
        connection.sendall(json.dumps(order.written()).encode() + b"\n")
        return Running(connection)

    def run(self, order: Order, streams: Path, stdin: str = os.devnull) -> Ended:
        """The same from its start to its end; ``streams`` is the folder that takes ``stdout`` and ``stderr``."""
        with (
            open(stdin, "rb") as given,  # noqa: PTH123 (may be a device)
            (streams / "stdout").open("wb") as out,
            (streams / "stderr").open("wb") as err,
            self.start(order, [given.fileno(), out.fileno(), err.fileno()]) as command,
        ):
            return _ended(command.wait, command.pid, streams)


def begin() -> str:
    """Starts a warm process, which lives as long as this one; the address where it will listen."""
    folder = TemporaryDirectory(prefix="reconciler-")
    address = str(Path(folder.name) / "warm")
    command = [sys.executable, "-m", "tests.harness.warm", address]
    process = subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, stdin=subprocess.PIPE)

    def end() -> None:
        with process, folder:
            process.kill()

    atexit.register(end)
    return address


@cache
def shared() -> Warm:
    """The one of all workers of a run, or of this test process where it is alone."""
    address = os.environ.get(ADDRESS) or begin()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not Path(address).exists():
        assert time.monotonic() < deadline, "the warm process does not listen"
        time.sleep(0.02)
    return Warm(address)


def run_from_nothing(order: Order, streams: Path, stdin: str = os.devnull) -> Ended:
    """The command as its console script starts it."""
    with (
        open(stdin, "rb") as given,  # noqa: PTH123 (may be a device)
        (streams / "stdout").open("wb") as out,
        (streams / "stderr").open("wb") as err,
        subprocess.Popen(
            [RECONCILER, *order.arguments],
            cwd=order.folder,
            env=dict(order.environ),
            stdin=given,
            stdout=out,
            stderr=err,
            process_group=0,
        ) as process,
    ):
        return _ended(process.wait, process.pid, streams)


def _ended(wait: Callable[[float], int], group: int, streams: Path) -> Ended:
    try:
        code: int | None = wait(PATIENCE_SECONDS)
    except (TimeoutError, subprocess.TimeoutExpired):
        end_group(group)
        code = None
    return Ended(code, (streams / "stdout").read_bytes(), (streams / "stderr").read_bytes())


def end_group(group: int) -> None:
    """Kills a command with all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
