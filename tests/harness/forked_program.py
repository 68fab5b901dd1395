"""A checkout of the program whose command costs no start: ``bin/reconciler`` passes itself to a warm process.

Its arguments, folder, environment and streams are the caller's. What runs is the program, in a process that is
forked for it from one that has imported it. How Python itself starts is left out: a test that is about that takes
the command as it is installed.
"""

from __future__ import annotations

import atexit
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.harness.forks import Order, shared

_COMMAND: Final = """\
#!{python} -IS
import json, os, socket, sys
told = {order!r}
told |= {{"arguments": sys.argv[1:], "folder": os.getcwd(), "environ": dict(os.environ)}}
with socket.socket(socket.AF_UNIX) as warm:
    warm.connect({address!r})
    socket.send_fds(warm, [b" "], [0, 1, 2])
    warm.sendall(json.dumps(told).encode() + b"\\n")
    _, code = map(int, warm.makefile())  # after the id of the process
sys.exit(code if code >= 0 else 128 - code)
"""


@cache
def forked_program() -> Path:
    """The folder ``.venv`` of this test process, which lives as long: ``bin/reconciler`` and ``bin/python``."""
    made = TemporaryDirectory(prefix="reconciler-")
    atexit.register(made.cleanup)
    programs = Path(made.name) / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    command = programs / "reconciler"
    order = Order((), Path(), {}).written()
    command.write_text(_COMMAND.format(python=sys.executable, address=shared().address, order=order))
    command.chmod(0o755)
    return programs.parent
