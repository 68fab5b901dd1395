"""Messages for errors of the operating system: a deleted folder, a full disk, too few open files, no memory."""

from __future__ import annotations

import errno
import os
import resource
from typing import Final

from reconciler.errors import MachineError, OutputError, ReconcilerError

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The error numbers of a full disk."""
NO_READER: Final = frozenset({errno.EPIPE, errno.EBADF})
NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
FEWEST_FILES: Final = 64
"""The open files that a run needs: twenty connections, and those of git, the journal and the event loop."""
ENOUGH_FILES: Final = 1024
NOT_PRINTED: Final = "a run that writes has a journal of everything; a command that only reads can run again"
MORE_FILES: Final = f"raise the limit: ulimit -n {ENOUGH_FILES}"


def as_reconciler_error(error: BaseException) -> ReconcilerError | None:
    """The error as a message if the machine is its cause, otherwise None."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for member in error.exceptions if (found := as_reconciler_error(member))), None)
    if isinstance(error, MemoryError):
        return MachineError(
            "this machine does not have enough memory",
            hint="use a larger machine, or a part of the fleet: --shard 1/4",
        )
    return _as_machine_error(error) if isinstance(error, OSError) else None


def _as_machine_error(error: OSError) -> ReconcilerError:
    why = error.strerror or str(error) or type(error).__name__
    if error.errno in NO_ROOM:
        return OutputError(f"the output cannot be written: {why}", hint=NOT_PRINTED)
    if error.errno in NO_READER:
        return OutputError(
            "the reader of the output ended before everything was printed",
            hint=NOT_PRINTED,
        )
    if error.errno in NO_DESCRIPTOR:
        return MachineError("the limit on open files is too low", hint=MORE_FILES)
    if _folder_is_gone():
        return MachineError(
            "the folder in which this command was started no longer exists",
            hint="change to a folder that exists, or name the fleet's folder with -C",
        )
    named = f": {os.fsdecode(error.filename)!r}" if isinstance(error.filename, str | bytes) else ""
    return MachineError(
        f"the operating system refused a call: {why}{named}", hint="set RECONCILER_TRACEBACK=1 to see where"
    )


def _folder_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        return True
    return False


def make_room_for_files() -> None:
    """Raises the limit on open files of this process, as far as permitted, if it is low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def require_room_for_files() -> None:
    """Raises MachineError if a run could not open its connections."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FEWEST_FILES:
        raise MachineError(
            f"this process may open {soft} files at once, but a run needs {FEWEST_FILES}", hint=MORE_FILES
        )
