"""What runs on one account may start, kept in the registry that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.registry.null import NullRegistry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AccountCalls:
    """The calls of one account: of its fleets that name it, or of one fleet."""

    registry: NullRegistry
    account: str

    async def change(self, change: Callable[[str | None, float], tuple[str, T]]) -> T | None:
        """Changes the state in a thread. Raises RegistryError."""
        return await self.registry.write(self.registry.change_calls, self.account, change)
