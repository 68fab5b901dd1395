"""Keeps the temporary files of a run in memory, where it has room: no test is about how a disk does its work.

The tests make a hundred thousand files. On a disk they cost a tenth of all CPU, and workers wait for it.
``TMPDIR`` chooses another place. What a passing test has written is removed (``tmp_path_retention_policy``).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest

MEMORY: Final = Path("/dev/shm")  # noqa: S108
ROOM_BYTES: Final = 6 * 2**30
"""Much more than is there at any time: the branches of all tests about rows take two gigabytes."""
VARIABLE: Final = "TMPDIR"


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """For this process and all that it starts; where workers look, the run that has started them has decided."""
    if VARIABLE not in os.environ and usable(MEMORY):
        os.environ[VARIABLE] = str(MEMORY)
        tempfile.tempdir = None  # what was found before


def usable(memory: Path) -> bool:
    """Whether it is there, has room, and programs in it may be run."""
    if not memory.is_dir() or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(memory).free > ROOM_BYTES
