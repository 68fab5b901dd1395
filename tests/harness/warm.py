"""A process that has imported the program, and forks one for each command that it is told.

    python -m tests.harness.warm SOCKET

Whoever connects sends the three streams, and a line of JSON: arguments, folder, environment and bounds. The
answers are two lines: the id of the new process, and the status that it ended with. What a command meets is a
process of its own in everything but its birth: ``/proc/PID/environ`` shows this one's environment, which holds
nothing.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import resource
import selectors
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TextIO

from pygit2.enums import ConfigLevel
from pygit2.ffi import C, ffi

import reconciler
from reconciler.files import libgit
from reconciler.files.tenant_cache import digest_of_the_program
from reconciler.views.html import page

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
LINES: Final = 1
"""How ``open`` buffers what leaves line by line."""
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


def warm_up() -> None:
    """Imports, reads and compiles what each command would otherwise by itself."""
    for name in (*modules(), *LIBRARIES):
        import_module(name)
    digest_of_the_program()  # which each command would read 250 files for
    libgit._imported()
    for template in page._environment().list_templates(extensions=["j2"]):
        page._environment().get_template(template)  # which is compiled
    gc.freeze()


def main() -> None:
    """Until the standard input ends, which the test process holds."""
    warm_up()
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as ready:
        listening.bind(f"{sys.argv[1]}.new")
        listening.listen(64)
        Path(f"{sys.argv[1]}.new").rename(sys.argv[1])  # whoever finds it, finds it listening
        ready.register(listening, selectors.EVENT_READ)
        ready.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listening:
                    _begin(listening.accept()[0], ready)
                else:
                    _end(key, ready)


def _begin(connection: socket.socket, ready: selectors.BaseSelector) -> None:
    """Forks a command, whose end makes its descriptor readable."""
    line, streams, _, _ = socket.recv_fds(connection, PART_BYTES, 3)
    while not line.endswith(b"\n"):
        line += connection.recv(PART_BYTES)
    child = os.fork()
    if child == 0:
        _become(json.loads(line), streams)
    with suppress(OSError):
        os.setpgid(child, child)  # whoever comes first, it or this one
    for stream in streams:
        os.close(stream)
    connection.sendall(b"%d\n" % child)
    ready.register(os.pidfd_open(child), selectors.EVENT_READ, (child, connection))


def _end(key: selectors.SelectorKey, ready: selectors.BaseSelector) -> None:
    """Tells how a command has ended; perhaps nobody listens any more."""
    child, connection = key.data
    ready.unregister(key.fd)
    os.close(key.fd)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with connection, suppress(OSError):
        connection.sendall(b"%d\n" % code)


def _become(order: dict[str, Any], streams: Sequence[int]) -> NoReturn:
    """Runs the command, and ends with it: without taking a copy of all modules apart."""
    try:
        _run(order, streams)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    _flush()
    os._exit(code)


def look_for_settings_of_git() -> None:
    """As at its start, when libgit2 asks the environment where they are."""
    C.git_libgit2_opts(C.GIT_OPT_SET_HOMEDIR, ffi.NULL)
    for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        C.git_libgit2_opts(C.GIT_OPT_SET_SEARCH_PATH, ffi.cast("int", level), ffi.NULL)


def _run(order: dict[str, Any], streams: Sequence[int]) -> None:
    os.setpgid(0, 0)  # what it starts is ended with it
    resource.setrlimit(resource.RLIMIT_AS, (order["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_seconds"],) * 2)
    if order["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"], resource.RLIM_INFINITY))
    os.environ.clear()
    os.environ.update(order["environ"])
    look_for_settings_of_git()
    os.chdir(order["folder"])
    if order["deleted"]:
        os.rmdir(order["folder"])  # noqa: PTH106 (as short as can be)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    sys.stdin, sys.stdout = _stream(0, "r"), _stream(1, "w")
    sys.stderr = _stream(2, "w", buffering=LINES, errors="backslashreplace")
    sys.argv = ["reconciler", *order["arguments"]]
    if order["noted"]:
        sys.addaudithook(noting(order["noted"]))
    if order["loud"]:
        logging.basicConfig(level=logging.DEBUG)
    from reconciler.cli.main import main as command  # noqa: PLC0415 (imported already)

    command(order["arguments"])


def noting(log: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Puts down every program that is started."""

    def note(event: str, what: tuple[Any, ...]) -> None:
        if event in STARTS:
            with open(log, "a", encoding="utf-8") as lines:  # noqa: PTH123 (a Path would import more)
                print(what[0] if what else event, file=lines)

    return note


def _stream(descriptor: int, mode: Literal["r", "w"], buffering: int = -1, errors: str | None = None) -> TextIO:
    """As Python itself opens the three: without closing their descriptors."""
    return open(descriptor, mode, buffering, encoding="utf-8", errors=errors, closefd=False)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


if __name__ == "__main__":
    main()
