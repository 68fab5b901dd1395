"""Stops the servers of an account whose process was killed: PostgreSQL goes on without the one that started it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.simulator.postgres.programs import Programs

_SCRIPT: Final = """
read -r line
for file in "$0"/timelines/*/live/postmaster.pid; do
    if [ -f "$file" ]; then kill -INT "$(head -n 1 "$file")"; fi
done
"""
"""Ends its wait when the other end of the pipe is gone, whatever has ended the process that held it."""


class Guard:
    """A small process that outlives this one."""

    def __init__(self, folder: Path, programs: Programs) -> None:
        """``folder`` is that of the account's rows."""
        self._process = programs.wait_for_end("sh", "-c", _SCRIPT, str(folder))

    def dismiss(self) -> None:
        """Ends the process. Servers that still run are stopped."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        self._process.wait()
