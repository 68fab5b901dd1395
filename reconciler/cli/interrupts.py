"""SIGINT and SIGTERM end a command, wherever it is when they come: Python makes an exception of them."""

from __future__ import annotations

import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN_SECONDS: Final = 0.01


def listen() -> None:
    """Both raise KeyboardInterrupt from now on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.unraisablehook = partial(_raise_again, sys.unraisablehook)


def end_at_once() -> None:
    """Both end the process without a word from now on: it has said everything."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.default_int_handler:
            signal.signal(number, signal.SIG_DFL)


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
