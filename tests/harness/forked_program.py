"""A checkout of the program whose command costs no start: ``bin/reconciler`` passes itself to a warm process.

Its arguments, folder, environment and streams are the caller's. What runs is the program, in a process that is
forked for it from one that has imported it. How Python itself starts is left out: a test that is about that takes
the command as it is installed.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.harness.shell import ROOT

_COMMAND: Final = """\
#!{python} -IS
import json, os, socket, sys
told = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "environ": dict(os.environ), "deleted": False}}
told |= {{"noted": None, "memory_bytes": {memory_bytes}, "cpu_seconds": {cpu_seconds}}}
with socket.socket(socket.AF_UNIX) as warm:
    warm.connect({address!r})
    socket.send_fds(warm, [b" "], [0, 1, 2])
    warm.sendall(json.dumps(told).encode() + b"\\n")
    code = int(warm.recv(16))
sys.exit(code if code >= 0 else 128 - code)
"""
MEMORY_BYTES: Final = 2 * 2**30
CPU_SECONDS: Final = 120


@cache
def forked_program() -> Path:
    """The folder ``.venv`` of this test process, which lives as long: ``bin/reconciler`` and ``bin/python``."""
    made = TemporaryDirectory(prefix="reconciler-")
    atexit.register(made.cleanup)
    programs, address = Path(made.name) / "bin", f"{made.name}/warm"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    command = programs / "reconciler"
    command.write_text(
        _COMMAND.format(python=sys.executable, address=address, memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
    )
    command.chmod(0o755)
    warm = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.warm", address],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
    )
    atexit.register(_end, warm)
    assert warm.stdout is not None
    warm.stdout.readline()  # it listens
    return programs.parent


def _end(warm: subprocess.Popen[bytes]) -> None:
    with warm:
        warm.kill()
