"""SIGINT and SIGTERM end a command, wherever it is when they come, with an exit code of its own.

| when a signal comes | what it does |
|---|---|
| while this program is imported | the process ends with the exit code of an interruption |
| while a command runs | Python raises KeyboardInterrupt: the command ends in order, with that exit code |
| once the command has said everything | the process ends at once, with the exit code of the command |
| while Python ends | nothing: the exit code is known, and nothing is left to do |

While calls that write are in flight, ``reconciler/cli/signals.py`` takes both. A process that was started with
SIGINT ignored, as one in the background of a script, goes on ignoring it until its command runs.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
AGAIN_SECONDS: Final = 0.01


def end_with(code: int) -> None:
    """Both end the process at once from now on, with this exit code and without a word."""

    def end(*_: object) -> None:
        os._exit(code)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def leave_with(code: int) -> None:
    """The same once a command has said everything; what Python does at its end is not disturbed.

    Python would restore what ends the process by the signal.
    """
    import atexit  # noqa: PLC0415 - not before a command has ended

    end_with(code)
    atexit.register(_ignore)


def _ignore() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def listen() -> None:
    """Both raise KeyboardInterrupt from now on."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.unraisablehook = partial(_raise_again, sys.unraisablehook)


def _raise_again(otherwise: Callable[[sys.UnraisableHookArgs], object], ignored: sys.UnraisableHookArgs) -> None:
    """Sends the signal once more where Python ignored the exception: in ``__del__``, and in callbacks of its own.

    There is such a callback at the end of each import: without this, a run would go on as if no signal had come.
    """
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        otherwise(ignored)
        return
    import threading  # noqa: PLC0415 - only where it happened

    main = threading.main_thread().ident or 0
    again = threading.Timer(AGAIN_SECONDS, signal.pthread_kill, (main, signal.SIGINT))
    again.daemon = True
    again.start()
