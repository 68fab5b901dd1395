"""What the operating system refuses, in a sentence: a folder that is gone, no room, too few files, no memory."""

from __future__ import annotations

import errno
import os
import resource
from typing import Final

from reconciler.errors import MachineError, OutputError, ReconcilerError

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system says of a full disk."""
NO_READER: Final = frozenset({errno.EPIPE, errno.EBADF})
NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
FEWEST_FILES: Final = 64
"""That a run may have open at once: twenty connections, and what belongs to git, the journal and the loop."""
ENOUGH_FILES: Final = 1024
MORE_FILES: Final = f"raise the limit: ulimit -n {ENOUGH_FILES}"


def said_of(error: BaseException) -> ReconcilerError | None:
    """The error in words where the machine is its reason; None where it is not."""
    if isinstance(error, BaseExceptionGroup):
        return next((told for member in error.exceptions if (told := said_of(member))), None)
    if isinstance(error, MemoryError):
        return MachineError("this machine has not enough memory", hint="a larger one, or a part: --shard 1/4")
    return _said_of_system(error) if isinstance(error, OSError) else None


def _said_of_system(error: OSError) -> ReconcilerError:
    why = error.strerror or str(error) or type(error).__name__
    if error.errno in NO_ROOM:
        return OutputError(f"the output cannot be written: {why}", hint="a run's journal has it all")
    if error.errno in NO_READER:
        return OutputError(
            "what reads the output has ended before all was printed", hint="a run's journal has it all"
        )
    if error.errno in NO_DESCRIPTOR:
        return MachineError("too few files may be open at once", hint=MORE_FILES)
    if _folder_is_gone():
        return MachineError(
            "the folder in which this command was started no longer exists",
            hint="change into a folder that exists; -C names the fleet's",
        )
    named = f": {os.fsdecode(error.filename)!r}" if isinstance(error.filename, str | bytes) else ""
    return MachineError(
        f"this machine refuses what the run needs: {why}{named}", hint="set RECONCILER_TRACEBACK=1 to see where"
    )


def _folder_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        return True
    return False


def make_room_for_files() -> None:
    """Raises this process's limit of open files as far as it may, where it is low: some systems begin with few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def require_room_for_files() -> None:
    """Raises MachineError where a run could not open its connections."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FEWEST_FILES:
        raise MachineError(
            f"this process may open {soft} files at once, and a run needs {FEWEST_FILES}", hint=MORE_FILES
        )
