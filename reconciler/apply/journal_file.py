"""The file of a journal: held as long as its run lives, so that the run's death can be told from outside.

The system lets go of a lock when a process ends, however it ends. A lock says nothing about a copy of the file, of
one on another machine, or of one from before a restart: so a journal states which file it is.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.model.values import Json

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""Of the running kernel; all containers of a machine share it, and its locks."""
_TRIES: Final = 200
_LOOKS: Final = 5
_BETWEEN_TRIES_SECONDS: Final = 0.01


def hold(descriptor: int) -> None:
    """Marks the file as that of a living run, until it is closed. Several runs may hold one file.

    Where the system has no locks for it, nobody will ever take the run for dead. Raises OSError where another
    program keeps it locked: who asks whether a run lives does so for a moment only.
    """
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_BETWEEN_TRIES_SECONDS)
        except OSError:
            return
        else:
            return
    raise BlockingIOError("another program keeps it locked")


def is_held(descriptor: int) -> bool:
    """Whether any run holds the file. Raises OSError where that cannot be told."""
    for _ in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # by a run, or for a moment by another that asks
            time.sleep(_BETWEEN_TRIES_SECONDS)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return False
    return True


def identity(descriptor: int) -> dict[str, Json]:
    """Which file this is, among all files of all machines; empty where that cannot be told."""
    status = os.fstat(descriptor)
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return {}
    if not stat.S_ISREG(status.st_mode) or not boot:
        return {}
    return {"boot": boot, "device": status.st_dev, "inode": status.st_ino}
