"""Coroutines on virtual time, to their ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.simulator.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` on virtual time, in a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return run_in(runner, main)


def run_in(runner: asyncio.Runner, main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` in the loop of the runner.

    The task itself returns nothing: twice, Runner.run (CPython) formats its task with the result as text, which
    takes longer for the plan of a fleet than some runs.
    """
    ended: list[T] = []

    async def keep() -> None:
        ended.append(await main)

    runner.run(keep())
    return ended[0]
