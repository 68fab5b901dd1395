"""Where it is recorded what was told to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.model.notice import SentByKey
    from reconciler.registry.null import NullRegistry


class Records(Protocol):
    """Keeps what was told to each destination."""

    async def read(self, destination: str) -> SentByKey:
        """What was told there."""

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:
        """Records what is told now, where it was ``before``."""


class RegistryRecords(Records):
    """In the registry of the fleet. Its methods raise RegistryError."""

    def __init__(self, registry: NullRegistry, now: Callable[[], datetime]) -> None:
        self._registry, self._now = registry, now

    async def read(self, destination: str) -> SentByKey:
        """What was told there."""
        return await self._registry.read(self._registry.sent_notices, destination)

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:
        """Writes the rows that differ."""
        if before == after:
            return
        await self._registry.read(self._registry.prepare)
        await self._registry.write(self._registry.record_sent, destination, before, after, self._now())


class NoRecords(Records):
    """Remembers within this process only: the next one tells everything again."""

    def __init__(self) -> None:
        self._sent: dict[str, SentByKey] = {}

    async def read(self, destination: str) -> SentByKey:
        """What this process told there."""
        return self._sent.get(destination, {})

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:  # noqa: ARG002
        """Remembers it."""
        self._sent[destination] = after
