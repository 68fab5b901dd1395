"""Reads the lists of the account while tenants are parsed, which takes as long as the longer of the two.

``tiers.yaml`` says all that the lists need. They are read in a thread, from the moment at which it is known until
the command uses the fleet. Whatever forbids to start them is told in its turn, after what is wrong with the files:
then nothing is read ahead. The embedded simulator takes no time of a network, and is read when it is needed.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reconciler.cli.neon_connection import connection_of
from reconciler.cli.os_errors import require_room_for_files
from reconciler.cli.runtime import runtime
from reconciler.cli.trust import require_trust_ahead
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from reconciler.cli.background_loop import BackgroundLoop
    from reconciler.cli.flags import AccountFlags, ScopeFlags
    from reconciler.cli.fleet_files import FleetFiles
    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Fleet
    from reconciler.neon.call import CallLimit, CallObserver

T = TypeVar("T")


@contextmanager
def reading_ahead(
    account: AccountFlags,
    files: FleetFiles,
    scope: ScopeFlags,
    *,
    observer: CallObserver | None = None,
    limit: CallLimit | None = None,
    calls: bool = True,
) -> Iterator[ReadAhead]:
    """What a run on the whole fleet reads ahead; of a part of it, it is not known whether it needs the lists.

    ``calls``: whether the command makes any. At the end of the block, what nobody has used is cancelled.
    """
    wanted = calls and account.simulator is None and not account.postgres and _whole(scope)
    ahead = ReadAhead(account, files, scope.base, observer, limit, wanted=wanted)
    try:
        yield ahead
    finally:
        ahead.close()


def _whole(scope: ScopeFlags) -> bool:
    parts = (scope.tenant, scope.exclude, scope.tier, scope.label, scope.shard, scope.changed_since)
    return not any(parts)


@dataclass(slots=True)
class ReadAhead:
    """The lists of one command, and the connection that reads them."""

    account: AccountFlags
    files: FleetFiles
    base: str | None
    observer: CallObserver | None
    limit: CallLimit | None
    wanted: bool
    _loop: BackgroundLoop | None = None
    _use: asyncio.Future[Callable[[Fleet], Awaitable[None]]] | None = None

    def start(self, prices: DesiredState) -> None:
        """Starts to read the lists, with what tiers.yaml says; once."""
        if not self.wanted:
            return
        self.wanted = False
        with suppress(ReconcilerError):  # is raised again in its turn
            require_room_for_files()
            environ, trust_files = runtime().environ, self.account.trust_files
            trusted = require_trust_ahead(prices, environ, self.files, self.base, trust_files=trust_files)
            share = prices.api.batch_share
            connection, _ = connection_of(
                self.account, prices, trusted, share=share, observer=self.observer, limit=self.limit
            )
            from reconciler.cli.background_loop import BackgroundLoop  # noqa: PLC0415 - only where lists are read

            self._loop = BackgroundLoop(self._main(connection))

    async def _main(self, connection: AbstractAsyncContextManager[Fleet]) -> None:
        self._use = asyncio.get_running_loop().create_future()
        async with connection as fleet, fleet.listing_ahead():
            await (await self._use)(fleet)

    def run(self, desired: DesiredState, use: Callable[[Fleet], Awaitable[None]]) -> bool:
        """Uses the fleet with all of its files, in this thread. False if nothing was read ahead."""
        if self._loop is None:
            return False
        runner, task, waiting = self._loop.take(), self._loop.task, self._use
        if waiting is None or task.done():  # it did not connect: whoever connects again learns why
            return False

        async def use_all(fleet: Fleet) -> None:
            fleet.use_files(desired)
            await use(fleet)

        async def go_on() -> None:
            waiting.set_result(use_all)
            await task

        runner.run(go_on())
        return True

    def close(self) -> None:
        """Cancels what was not used."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()
