"""A process that has imported the program, and forks one that runs a command for each line that it is told.

    python -m tests.harness.warm [SOCKET]

A line is JSON: arguments, folder, environment, bounds, and the files of the three streams. The answers are two
lines: the id of the new process, and the status that it ended with. What a command meets is a process of its own
in everything but its birth: ``/proc/PID/environ`` shows this one's environment, which holds nothing.

With a socket, it runs the commands of whoever connects (``tests/harness/forked_program.py``): a line of JSON with
arguments, folder and environment, which comes with the three streams themselves. The answer is the status.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import reconciler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LIBRARIES: Final = (
    *("anyio._backends._asyncio", "httpcore", "httpx", "socksio", "certifi", "pydantic.json_schema"),
    *("psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"),
    *("pydantic._internal._dataclasses", "rich.console", "rich.markup"),
)
"""What the program imports only when it needs it; without deepdiff, whose cache reserves 1 GiB of addresses: a
command with bounds would begin above them.
"""
PART_BYTES: Final = 65_536
STARTS: Final = (
    *("subprocess.Popen", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.fork", "os.forkpty"),
    "pty.spawn",
)
"""The audit events of a program that is started."""


def modules() -> Iterator[str]:
    """Of the whole program."""
    for found in walk_packages(reconciler.__path__, f"{reconciler.__name__}."):
        if not found.name.endswith(".__main__"):
            yield found.name


def main() -> None:
    """Until the input ends."""
    for name in (*modules(), *LIBRARIES):
        import_module(name)
    gc.freeze()
    if len(sys.argv) > 1:
        _serve(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _serve(path: str) -> None:
    """One command after the other."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print(flush=True)
        while True:
            connection, _ = listening.accept()
            with connection:
                line, streams, _, _ = socket.recv_fds(connection, PART_BYTES, 3)
                while not line.endswith(b"\n"):
                    line += connection.recv(PART_BYTES)
                child = os.fork()
                if child == 0:
                    _run(json.loads(line), streams)
                for stream in streams:
                    os.close(stream)
                connection.sendall(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _run(order: dict[str, Any], streams: Sequence[int] = ()) -> None:
    """Becomes the command, and ends with it."""
    os.setpgid(0, 0)  # what it starts is ended with it
    resource.setrlimit(resource.RLIMIT_AS, (order["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_seconds"],) * 2)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    if order["deleted"]:
        os.rmdir(order["folder"])  # noqa: PTH106 (as short as can be)
    for number, (path, flags) in enumerate(order.get("streams", ())):
        os.dup2(os.open(path, flags, 0o600), number)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for descriptor in range(3, 64):
        _close(descriptor)
    sys.stdin, sys.stdout = _stream(0, "r"), _stream(1, "w")
    sys.stderr = _stream(2, "w")
    sys.argv = ["reconciler", *order["arguments"]]
    if order["noted"]:
        sys.addaudithook(noting(order["noted"]))
    from reconciler.cli import main as command  # noqa: PLC0415 (imported already)

    try:
        command(order["arguments"])
    except SystemExit as ended:
        _flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)  # without taking a copy of all modules apart


def noting(log: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Puts down every program that is started."""

    def note(event: str, what: tuple[Any, ...]) -> None:
        if event in STARTS:
            with open(log, "a", encoding="utf-8") as lines:  # noqa: PTH123 (a Path would import more)
                print(what[0] if what else event, file=lines)

    return note


def _stream(descriptor: int, mode: Literal["r", "w"]) -> TextIO:
    """As Python itself opens the three: without closing their descriptors."""
    return open(descriptor, mode, encoding="utf-8", closefd=False)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _close(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)


if __name__ == "__main__":
    main()
