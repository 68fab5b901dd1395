"""The simulator in a process of its own, so that the memory of a command is the command's.

``python -m bench.simulator_process FILE DESCRIPTOR`` answers the calls of one command, which come through a
listening socket. Each call says what time it is; the command waits for the answer, so that no time passes here.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import httpx

from bench.elsewhere import Asked, Told, received, send

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTENS: Final = "simulator.socket"


@dataclass(slots=True)
class Process:
    """The process, and what it has cost once it has ended."""

    address: Path
    cpu_seconds: float = 0.0


@contextmanager
def started(file: Path) -> Iterator[Process]:
    """The simulator with the account in the file, for one command that connects to the address."""
    with TemporaryDirectory(prefix="reconciler-bench-") as folder, socket.socket(socket.AF_UNIX) as listening:
        process = Process(Path(folder, LISTENS))
        listening.bind(str(process.address))
        listening.listen()
        child = subprocess.Popen(
            [sys.executable, "-m", "bench.simulator_process", str(file), str(listening.fileno())],
            pass_fds=[listening.fileno()],
        )
        try:
            yield process
        finally:
            with socket.socket(socket.AF_UNIX) as nobody:  # where no command has connected, it waits for one
                nobody.connect(str(process.address))
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            process.cpu_seconds = usage.ru_utime + usage.ru_stime


def serve(file: Path, listening: socket.socket) -> None:
    """Answer calls until the command hangs up."""
    from reconciler.neon.in_process import InProcess  # noqa: PLC0415 - for the process of the simulator only
    from reconciler.simulator.simulator import Simulator  # noqa: PLC0415

    now = [0.0]
    with ExitStack() as opened:
        calls = opened.enter_context(listening.accept()[0])
        stream = opened.enter_context(calls.makefile("rwb"))
        runner = opened.enter_context(asyncio.Runner())
        way: InProcess | None = None
        while (asked := received(stream, Asked)) is not None:
            now[0] = asked.now
            if way is None:  # nothing is written into the file before the command comes
                account = Simulator.open(file, clock_source=lambda: now[0], most_exchanges=0)
                way = InProcess(opened.enter_context(account).app)
            send(stream, runner.run(_answer(way, asked)))


async def _answer(way: httpx.AsyncBaseTransport, asked: Asked) -> Told:
    request = httpx.Request(asked.method, asked.url, headers=asked.headers, content=asked.content)
    response = await way.handle_async_request(request)
    return Told(response.status_code, response.headers.raw, await response.aread())


if __name__ == "__main__":
    serve(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
