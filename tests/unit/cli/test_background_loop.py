"""A loop that starts in a thread: signals may come at any time."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.cli.background_loop import BackgroundLoop
from tests.harness.processes import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_signal_while_a_command_waits_for_the_thread_leaves_no_loop_that_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where Ctrl-C comes while the loop is busy with an answer: the loop is closed once it stands still."""
    called, ended = threading.Semaphore(0), []

    async def work() -> None:
        assert called.acquire(timeout=PATIENCE_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)
        assert called.acquire(timeout=PATIENCE_SECONDS)
        time.sleep(0.2)  # noqa: ASYNC251 - still busy
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
        finally:
            ended.append("in order")

    loop = BackgroundLoop(work())
    stop = loop._loop.call_soon_threadsafe

    def noted(callback: Callable[..., object], *args: Any) -> asyncio.Handle:
        called.release()
        return stop(callback, *args)

    monkeypatch.setattr(loop._loop, "call_soon_threadsafe", noted)
    with pytest.raises(KeyboardInterrupt):
        loop.take()
    loop.close()
    assert ended == ["in order"]
    assert loop.task.cancelled()
