"""The folders of an account's rows: the one beside its file, and the one of its sockets."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from reconciler.simulator.postgres.errors import PostgresError

if TYPE_CHECKING:
    from reconciler.simulator.postgres.programs import Programs


LONGEST_BYTES: Final = 80
"""Of a folder for sockets: the path of a socket has at most 103 bytes on some systems."""


def prepare_folder(folder: Path, programs: Programs) -> None:
    """Makes the folder of the rows. Raises PostgresError if the server's user cannot enter it."""
    programs.require_access(folder.parent)
    for each in (folder, folder / "timelines"):
        each.mkdir(exist_ok=True)
        each.chmod(0o755)
        programs.give(each)


def version(folder: Path) -> int | None:
    """The version of PostgreSQL that has made the directories in a folder; None for a new one."""
    try:
        return int((folder / "template" / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def sockets(folder: Path, programs: Programs) -> Path:
    """A folder for the sockets of a folder, whose path is short, as it has to be.

    Nobody but the server's user can enter it: a socket asks the administrator for no password.
    """
    name = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=6).hexdigest()
    found = Path(tempfile.gettempdir(), f"neon-simulator-{name}")
    if len(bytes(found)) > LONGEST_BYTES:
        found = Path("/tmp", found.name)  # noqa: S108 - its owner and its mode are checked
    with suppress(FileExistsError):
        found.mkdir(mode=0o700)
    status = found.lstat()
    owners = {os.geteuid(), folder.stat().st_uid}
    if not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o077 or status.st_uid not in owners:
        raise PostgresError(f"{found} is not a private folder of this user; delete it")
    programs.give(found)
    return found


def locked(path: Path) -> IO[str] | None:
    """The file, which is locked until it is closed; None if another process has locked it."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
