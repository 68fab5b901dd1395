"""SIGINT and SIGTERM while calls are in flight."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.apply.stop import StopSignal


@contextmanager
def stop_on_signals(stop: StopSignal) -> Iterator[None]:
    """The first signal lets the calls in flight finish; the second ends the process at once."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()

    def stop_gently(number: signal.Signals) -> None:
        if stop.requested and main is not None:
            main.cancel()
            return
        stop.request(f"by {number.name}")
        click.echo("stopping: calls in flight finish first; once more ends at once", err=True)

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop_gently, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
