"""Several reads at once: a fixed number of workers over one line of items."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Item = TypeVar("Item")
Found = TypeVar("Found")

AT_ONCE: Final = 32
"""More than the calls in flight, so that those who wait to try again keep nobody waiting."""


async def each(
    items: Sequence[Item],
    work: Callable[[Item], Awaitable[Found]],
    *,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[Found]:
    """What ``work`` finds for each item, in their order. The first error ends it all and is raised itself.

    ``on_done`` is told how many are done.
    """
    found: dict[int, Found] = {}
    line = iter(enumerate(items))

    async def worker() -> None:
        for place, item in line:
            found[place] = await work(item)
            on_done(len(found))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(items))):
                group.create_task(worker())
    except BaseExceptionGroup as several:
        error = several.exceptions[0]
        raise error from error.__cause__
    return [found[place] for place in range(len(items))]
