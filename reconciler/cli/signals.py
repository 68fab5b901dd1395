"""SIGINT and SIGTERM while calls are in flight."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from reconciler.errors import InterruptedRunError
from reconciler.views.console import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.apply.stop import StopSignal

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(stop: StopSignal) -> Iterator[None]:
    """The first signal lets the calls in flight finish; the second ends the run at once: InterruptedRunError."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    at_once = False

    def stop_gently(number: int) -> None:
        nonlocal at_once
        if stop.signalled and main is not None:
            at_once = True
            main.cancel()
            return
        stop.signal(signal.Signals(number).name)
        say("stopping: calls in flight finish first; a second signal ends the run at once")

    def in_the_loop(number: int, _: object) -> None:
        if loop.is_closed():  # a signal came while handlers were exchanged
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(stop_gently, number)

    # Not by loop.add_signal_handler: where asyncio removes a handler, a signal ends the process for a moment.
    before = {number: signal.signal(number, in_the_loop) for number in SIGNALS}
    try:
        yield
    except asyncio.CancelledError as cancelled:
        if not at_once:
            raise
        raise InterruptedRunError(
            "ended at once: the outcome of the calls in flight is unknown",
            hint="the journal lists them; run again: finished changes are kept",
        ) from cancelled
    finally:
        for number in SIGNALS:
            signal.signal(number, before[number])
