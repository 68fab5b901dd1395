"""What runs on one account may start, kept in the registry that they share."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field

from reconciler.daemon_threads import DaemonThreads

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.registry.null import NullRegistry

T = TypeVar("T")


class AccountCalls(Struct, frozen=True):
    """The calls of one account: of its fleets that name it, or of one fleet."""

    registry: NullRegistry
    account: str
    _threads: DaemonThreads = field(default_factory=DaemonThreads)

    async def change(self, change: Callable[[str | None, float], tuple[str, T]]) -> T | None:
        """Changes the state in a thread, which no end of the process waits for. Raises RegistryError."""
        changing = partial(self.registry.change_calls, self.account, change)
        return await asyncio.get_running_loop().run_in_executor(self._threads, changing)
