"""What this process prepares once, before the first command runs in it. Keys leave its environment.

What a process starts with stays in its memory, at a place that ``/proc/PID/environ`` shows to every process of the
same user for as long as it runs: also to one that it starts itself, whatever environment that one is given. So
keys are read once, taken out of ``os.environ``, and overwritten at that place, where the platform tells where it
is (Linux). There the process is also marked as not to be dumped: other processes of the user may then neither
read its memory nor attach to it, and no core file is written.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.cli import os_errors
from reconciler.cli.collector import loading
from reconciler.cli.runtime import Runtime
from reconciler.environment import NAMES_ALLOWED, Environment, may_be_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PR_SET_DUMPABLE: Final = 4
"""Linux: prctl.h."""
_ENV_START: Final = 47
"""Linux: proc_pid_stat(5), field 50, counted from the one after the name of the program."""
_NEEDED: Final = re.compile(r"PGPASSWORD|PGSSLPASSWORD|\w+_proxy", re.IGNORECASE)
"""Libraries look these up when they connect: they stay, at another place that nothing shows."""


@functools.cache
def runtime_of_the_process() -> Runtime:
    """Takes the environment, keys included, and makes room for open files."""
    initial = take()
    os_errors.make_room_for_files()
    return Runtime(environ=initial.environ, forget=initial.forget, loading=loading)


class InitialEnvironment(Struct, frozen=True):
    """What the process was started with, and the address of each variable in its memory."""

    environ: Environment
    entries: Mapping[str, tuple[int, int]]
    """Address and length, by name; empty if the platform does not tell."""

    def forget(self, names: Iterable[str]) -> None:
        """Takes variables out of the environment, and off the place that other processes can read."""
        for name in frozenset(names):
            value = os.environ.pop(name, None)
            if value is not None and _NEEDED.fullmatch(name):
                os.environ[name] = value
            address, length = self.entries.get(name, (0, 0))
            if address:
                ctypes.memset(address, 0, length)


def take() -> InitialEnvironment:
    """The environment as the process found it; what may be a secret is then no longer in the process's own."""
    initial = InitialEnvironment(Environment.of(None), _entries() if sys.platform == "linux" else {})
    initial.forget(name for name in [*os.environ] if may_be_secret(name) or _NEEDED.fullmatch(name))
    initial.forget(word.reveal() for word in initial.environ.words(NAMES_ALLOWED))
    if sys.platform == "linux":  # last: a process that is not to be dumped cannot look at its own memory's map
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return initial


def _entries() -> dict[str, tuple[int, int]]:
    try:
        block = Path("/proc/self/environ").read_bytes()
        start = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[_ENV_START])
    except (OSError, ValueError, IndexError):  # there is no /proc, or it hides addresses
        return {}
    entries: dict[str, tuple[int, int]] = {}
    for entry in block.split(b"\0") if start else ():
        entries[os.fsdecode(entry.partition(b"=")[0])] = (start, len(entry))
        start += len(entry) + 1
    return entries
