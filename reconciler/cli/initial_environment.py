"""Keys leave the environment of this process at its start.

What a process starts with stays in its memory, at a place that ``/proc/PID/environ`` shows to every process of the
same user for as long as it runs: also to one that it starts itself, whatever environment that one is given. So
keys are read once, taken out of ``os.environ``, and overwritten at that place, where the platform tells where it
is (Linux). There the process is also marked as not to be dumped: other processes of the user may then neither
read its memory nor attach to it, and no core file is written.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.environment import NAMES_ALLOWED, Environment, may_be_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

_PR_SET_DUMPABLE: Final = 4
"""Linux: prctl.h."""
_ENV_START: Final = 47
"""Linux: proc_pid_stat(5), field 50, counted from the one after the name of the program."""
_NEEDED: Final = re.compile(r"PGPASSWORD|PGSSLPASSWORD|\w+_proxy", re.IGNORECASE)
"""Libraries look these up when they connect: they stay, at another place that nothing shows."""


def take() -> Environment:
    """The environment as the process found it; what may be a secret is then no longer in the process's own."""
    environ = Environment.of(None)
    forget(name for name in [*os.environ] if may_be_secret(name) or _NEEDED.fullmatch(name))
    forget(word.reveal() for word in environ.words(NAMES_ALLOWED))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return environ


def forget(names: Iterable[str]) -> None:
    """Takes variables out of the environment, and off the place that other processes can read."""
    gone = frozenset(names)
    for name in gone & os.environ.keys():
        value = os.environ.pop(name)
        if _NEEDED.fullmatch(name):
            os.environ[name] = value
    if sys.platform == "linux":
        _overwrite({os.fsencode(name) for name in gone})


def _overwrite(names: set[bytes]) -> None:
    try:
        block = Path("/proc/self/environ").read_bytes()
        start = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[_ENV_START])
    except (OSError, ValueError, IndexError):  # no /proc, or one that hides addresses
        return
    offset = 0
    for entry in block.split(b"\0"):
        if start and entry.partition(b"=")[0] in names:
            ctypes.memset(start + offset, 0, len(entry))
        offset += len(entry) + 1
