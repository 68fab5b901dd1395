"""Records of sent notices, by destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.model.notice import SentByKey
    from reconciler.registry.null import NullRegistry


class Records(Protocol):
    """Keeps the notices that were sent to each destination."""

    async def read(self, destination: str) -> SentByKey:
        """The notices that were sent to the destination."""

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:
        """Records the notices that are sent now, where they were ``before``."""


class RegistryRecords(Records):
    """Keeps them in the registry of the fleet. The methods raise RegistryError."""

    def __init__(self, registry: NullRegistry, now: Callable[[], datetime]) -> None:
        self._registry, self._now = registry, now

    async def read(self, destination: str) -> SentByKey:
        """The notices that were sent to the destination."""
        return await self._registry.read(self._registry.sent_notices, destination)

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:
        """Writes the rows that differ."""
        if before == after:
            return
        await self._registry.read(self._registry.prepare)
        await self._registry.write(self._registry.record_sent, destination, before, after, self._now())


class NoRecords(Records):
    """Keeps them in this process only: the next process sends everything again."""

    def __init__(self) -> None:
        self._sent: dict[str, SentByKey] = {}

    async def read(self, destination: str) -> SentByKey:
        """The notices that this process sent to the destination."""
        return self._sent.get(destination, {})

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:  # noqa: ARG002
        """Remembers it."""
        self._sent[destination] = after
