"""The first connection to a host is made by one call alone, so that what prevents it is met and told once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

STANDS: Final = ("connect_tcp.complete", "start_tls.complete")
"""How the events of httpcore end that say so: without TLS, and with it."""


class FirstContact:
    """Lets one call go ahead and the others wait until it has a connection, or has ended without one.

    httpcore leaves a socket open whose TLS handshake is cancelled, as those of others would be where the first
    fails for good.
    """

    def __init__(self, *, tls: bool, made: bool = False) -> None:
        """``made`` where there is nothing to connect to, as with a simulator in process."""
        self._stands = STANDS[int(tls)]
        self._made = made
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Mapping[str, Any]]:
        """Waits for this call's turn, and gives what the request has to carry."""
        async with AsyncExitStack() as held:
            if not self._made:
                await held.enter_async_context(self._turn)
            if self._made:  # by the call before
                await held.aclose()

            async def note(event: str, _: object) -> None:
                if event.endswith(self._stands):
                    self._made = True
                    await held.aclose()

            yield {"trace": note}
