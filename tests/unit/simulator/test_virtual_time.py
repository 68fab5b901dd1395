from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import pytest

from reconciler.simulator.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def test_an_hour_of_sleep_passes_at_once_and_is_an_hour_to_the_loop() -> None:
    async def work() -> tuple[float, float]:
        start = asyncio.get_running_loop().time()
        await asyncio.sleep(3600)
        return start, asyncio.get_running_loop().time()

    start, end = run(work())
    assert start < 0.001
    assert end - start == pytest.approx(3600, abs=0.001)


def test_tasks_wake_in_the_order_of_their_moments() -> None:
    async def work() -> list[float]:
        woken: list[float] = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append(seconds)

        await asyncio.gather(*(sleeper(seconds) for seconds in (5, 0.001, 86_400, 30, 0)))
        return woken

    assert run(work()) == [0, 0.001, 5, 30, 86_400]


def test_a_turn_without_waiting_still_costs_time() -> None:
    async def work() -> bool:
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(0)
        return asyncio.get_running_loop().time() > before

    assert run(work())


def test_a_timeout_fires_on_virtual_time() -> None:
    async def work() -> None:
        async with asyncio.timeout(600):
            await asyncio.sleep(601)

    with pytest.raises(TimeoutError):
        run(work())


def test_waiting_for_what_nothing_will_do_is_said_to_be_a_deadlock() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock on virtual time"):
        run(work())


def test_a_thread_is_refused() -> None:
    async def work() -> None:
        await asyncio.to_thread(time.monotonic)

    with pytest.raises(RuntimeError, match="no threads on virtual time"):
        run(work())


def test_what_an_executor_of_its_own_would_do_is_done_at_once() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as threads:
            assert await loop.run_in_executor(threads, threading.get_ident) == threading.get_ident()
            with pytest.raises(ZeroDivisionError):
                await loop.run_in_executor(threads, divmod, 1, 0)

    run(work())


def test_a_signal_reaches_a_loop_that_never_waits() -> None:
    async def work() -> bool:
        arrived = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, arrived.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(10):
            await asyncio.sleep(1)
        return arrived.is_set()

    assert run(work())


def test_ctrl_c_ends_the_run() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a run that a test has ended may have left its own
    with pytest.raises(KeyboardInterrupt):
        run(work())
