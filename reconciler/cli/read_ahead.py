"""Reads the lists of the account while tenants are parsed, which takes as long as the longer of the two.

The lists need nothing but ``tiers.yaml``. Once it is parsed, a thread reads them until the command uses the fleet.
If an error prevents that, nothing is read ahead: the command meets the error again when it connects, after it has
printed the problems of the files. Warnings about the connection are printed after those problems, too. The
embedded simulator needs no network: it is read when the command connects.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field

from reconciler.cli.neon_connection import connection_of, warn
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
    """What a run on the whole fleet reads ahead. A run on a part of it may not need the lists, and reads nothing.

    ``calls``: whether the command makes any. At the end of the block, reads that the command did not use are
    cancelled.
    """
    wanted = calls and account.simulator is None and not account.postgres and _is_whole_fleet(scope)
    ahead = ReadAhead(account, files, scope.base, observer, limit, wanted=wanted)
    try:
        yield ahead
    finally:
        ahead.close()


def _is_whole_fleet(scope: ScopeFlags) -> bool:
    parts = (scope.tenant, scope.exclude, scope.tier, scope.label, scope.shard, scope.changed_since)
    return not any(parts)


class ReadAhead(Struct):
    """The lists of one command, and the connection that reads them."""

    account: AccountFlags
    files: FleetFiles
    base: str | None
    observer: CallObserver | None
    limit: CallLimit | None
    wanted: bool
    _loop: BackgroundLoop | None = None
    _untold: list[str] | None = field(default_factory=list)
    """Warnings about the connection that are printed once the files are read; None from then on."""
    _use: asyncio.Future[Callable[[Fleet], Awaitable[None]]] | None = None

    def start(self, price_list: DesiredState) -> None:
        """Starts to read the lists, at the first call. ``price_list``: tiers.yaml, without tenants."""
        if not self.wanted:
            return
        self.wanted = False
        with suppress(ReconcilerError):  # the command meets it again when it connects
            require_room_for_files()
            environ, trust_files = runtime().environ, self.account.trust_files
            trusted = require_trust_ahead(price_list, environ, self.files, self.base, trust_files=trust_files)
            share = price_list.api.batch_share
            connection, _ = connection_of(
                self.account,
                price_list,
                trusted,
                share=share,
                observer=self.observer,
                limit=self.limit,
                tell=self._tell,
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
        if waiting is None or task.done():  # it could not connect; the command connects again, and meets the error
            return False
        untold, self._untold = self._untold, None
        for sentence in untold or ():
            warn(sentence)

        async def use_all(fleet: Fleet) -> None:
            fleet.use_files(desired)
            await use(fleet)

        async def finish() -> None:
            waiting.set_result(use_all)
            await task

        runner.run(finish())
        return True

    def _tell(self, sentence: str) -> None:
        if self._untold is None:
            warn(sentence)
        else:
            self._untold.append(sentence)

    def close(self) -> None:
        """Cancels what was not used."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()
