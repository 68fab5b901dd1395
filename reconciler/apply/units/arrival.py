"""Waits until the key of the new organization sees projects that have moved.

Neon does not document whether it does at once. Until it does, every call to such a project is refused. A read
finds out, so that no write is refused, and the writes of a run are those of its plan.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.apply.address import Address
    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon


@dataclass(slots=True)
class Arrival:
    """Projects that have moved by one call: once the key sees one of them, the others are taken to be seen too."""

    seen: LiveProject | None = None
    """The project that was read, as the answer shows it."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _over: bool = False

    async def awaited(self, neon: Neon, address: Address) -> Address:
        """The address, once the key sees one of the projects. It has this project as read, if this one was read.

        The client repeats the read as long as a project may be on its way (``Transport.arriving``). If it fails
        even so, nothing is raised: the tenant's next call fails in the same way, with the reason.
        """
        async with self._lock:
            if self._over:
                return address
            self._over = True
            try:
                self.seen = await neon.project(*address.project_key)
            except ReconcilerError:
                return address
            return address.seen(self.seen)
