"""A command of the program that sends itself a signal at one of its events, from its first import to the end.

Each call of a function is an event, and each return.

python -m tests.harness.signalled 1200 SIGTERM /tmp/events validate

The file gets the number of all events, up to where Python begins to end.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reconciler.cli.interrupts  # noqa: F401 - until it is there, Python itself decides what a signal does
from reconciler.cli import main as command

if TYPE_CHECKING:
    from types import FrameType


def signal_at(event: int, number: signal.Signals, told: Path) -> None:
    """The process gets the signal at this event; none if it has fewer."""
    seen, kill, pid = [0], os.kill, os.getpid()

    def count(_frame: FrameType, _event: str, _: Any) -> None:
        seen[0] += 1
        if seen[0] == event:
            kill(pid, number)

    def end() -> None:
        told.write_text(str(seen[0]), encoding="utf-8")

    atexit.register(end)
    sys.setprofile(count)


def main() -> None:
    """Runs the command."""
    _, event, name, told, *words = sys.argv
    sys.argv[1:] = words
    signal_at(int(event), getattr(signal, name), Path(told))
    command()


if __name__ == "__main__":
    main()
