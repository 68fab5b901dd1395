"""Signals at a run that a signal, the circuit breaker, a wave or the journal has stopped."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from reconciler.apply.stop import StopSignal
from reconciler.cli.signals import stop_on_signals
from reconciler.errors import ExitCode, InterruptedRunError
from tests.harness.runs import virtually

EARLIER = {
    "the breaker": ("6 of 40 tenants failed", ExitCode.ERROR),
    "a wave": ("wave 1 of 3: 1 of 1 tenant failed", ExitCode.PARTLY_APPLIED),
    "a key": ("the key is unknown", ExitCode.DENIED),
}


def ended(stop: StopSignal, *signals: signal.Signals) -> str:
    """How a run ends whose calls in flight take ten seconds, and at which a signal comes each second."""

    async def main() -> str:
        loop = asyncio.get_running_loop()
        with stop_on_signals(stop):
            for second, number in enumerate(signals, start=1):
                loop.call_later(second, os.kill, os.getpid(), number)
            await asyncio.sleep(10)
        return "in order"

    return virtually(main())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_calls_in_flight_finish(number: signal.Signals) -> None:
    stop = StopSignal()
    assert ended(stop, number) == "in order"
    assert (stop.reason, stop.exit_code) == (f"by {number.name}", ExitCode.INTERRUPTED)


@pytest.mark.parametrize(("reason", "code"), EARLIER.values(), ids=EARLIER)
def test_so_does_the_first_signal_at_a_run_that_something_else_has_stopped(reason: str, code: ExitCode) -> None:
    stop = StopSignal()
    stop.request(reason, code)
    assert ended(stop, signal.SIGTERM) == "in order"
    assert (stop.reason, stop.exit_code) == (f"{reason}; then by SIGTERM", ExitCode.INTERRUPTED)


@pytest.mark.parametrize("stopped_before", [False, True])
def test_the_second_signal_ends_at_once(stopped_before: bool) -> None:
    stop = StopSignal()
    if stopped_before:
        stop.request("6 of 40 tenants failed", ExitCode.ERROR)
    with pytest.raises(InterruptedRunError):
        ended(stop, signal.SIGTERM, signal.SIGINT)
