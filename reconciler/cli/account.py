"""The account that a command uses: Neon, or the simulator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from reconciler.cli.neon_connection import connection_of
from reconciler.cli.os_errors import require_room_for_files
from reconciler.cli.runtime import runtime
from reconciler.cli.trust import require_trust
from reconciler.desired.address import address_to_show
from reconciler.errors import InvalidInputError, ReconcilerError
from reconciler.views.console import show_aside

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from reconciler.cli.flags import AccountFlags
    from reconciler.cli.fleet_files import FleetFiles
    from reconciler.cli.read_ahead import ReadAhead
    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Fleet
    from reconciler.neon.call import CallLimit, CallObserver

T = TypeVar("T")


def call_limit(most: int | None) -> CallLimit | None:
    """What ``--max-calls`` permits; None without the flag."""
    if most is None:
        return None
    from reconciler.neon.call import CallLimit  # noqa: PLC0415 - for the flag only

    return CallLimit(most)


def with_fleet(
    account: AccountFlags,
    desired: DesiredState,
    use: Callable[[Fleet], Awaitable[T]],
    *,
    files: FleetFiles,
    base: str | None,
    share: float = 1.0,
    observer: CallObserver | None = None,
    limit: CallLimit | None = None,
    ahead: ReadAhead | None = None,
) -> T:
    """Connects the fleet and uses it in an event loop of its own, on virtual time with the simulator.

    Before it reads a key, compares the destinations of keys in ``files`` with those at ``base`` (``--base``).
    ``ahead``: what was read while the files were parsed.
    Raises MachineError if the limit on open files is too low.
    """
    require_room_for_files()
    around = runtime()
    used = _Use(use)
    if account.simulator is not None:
        from reconciler.cli.embedded_neon import embedded_neon  # noqa: PLC0415 - the simulator is slow to import

        opened = embedded_neon(
            account.simulator,
            desired,
            around,
            share=share,
            postgres=account.postgres,
            observer=observer,
            limit=limit,
        )
        with opened as (runner, connection):
            return used.result(runner, connection)
    if account.postgres:
        raise InvalidInputError("--postgres is for the simulator", hint="name its file: --simulator FILE")
    trusted = require_trust(desired, around.environ, files, base, trust_files=account.trust_files)
    connection, host = connection_of(account, desired, trusted, share=share, observer=observer, limit=limit)
    try:
        if ahead is not None and ahead.run(desired, used):
            return used.found[0]
        with asyncio.Runner() as runner:
            return used.result(runner, connection)
    except ReconcilerError:
        _show_host(address_to_show(host))
        raise


def _show_host(address: str | None) -> None:
    """Prints the host that received keys, if it is not Neon's: a failed run has no other output that names it."""
    from reconciler.views.sections import api_host  # noqa: PLC0415 - only a failed run needs it
    from reconciler.views.terminal import Page  # noqa: PLC0415

    show_aside(Page(lambda: api_host(address)))


class _Use(Generic[T]):
    """What a command does with the fleet.

    Its task returns nothing: Runner.run (CPython) formats the task and its result as text before it returns, which
    takes seconds for the live state of a large fleet.
    """

    def __init__(self, use: Callable[[Fleet], Awaitable[T]]) -> None:
        self._use = use
        self.found: list[T] = []

    async def __call__(self, fleet: Fleet) -> None:
        self.found.append(await self._use(fleet))

    def result(self, runner: asyncio.Runner, connection: AbstractAsyncContextManager[Fleet]) -> T:
        """Opens the connection, uses the fleet, closes it."""

        async def main() -> None:
            async with connection as fleet:
                await self(fleet)

        runner.run(main())
        return self.found[0]
