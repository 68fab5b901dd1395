"""What the command line finds around it: the environment, the terminal, and the account that it talks to."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import click

from reconciler.cli.machine import require_room_for_files
from reconciler.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    import httpx

    from reconciler.cli.options import AccountFlags
    from reconciler.desired.state import DesiredState

T = TypeVar("T")


def _as_it_is(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    return transport


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Handed to every command as click's context object; a test hands over its own."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    interactive: bool = field(default_factory=_at_a_terminal)
    """Whether somebody is there to answer a question."""
    wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = _as_it_is
    """Put around the simulator's transport."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970 at which simulated time starts."""


def surroundings() -> Surroundings:
    """Those of the command that runs."""
    found = click.get_current_context().obj
    return found if isinstance(found, Surroundings) else Surroundings()


def with_fleet(
    account: AccountFlags,
    desired: DesiredState,
    use: Callable[[Fleet], Awaitable[T]],
    *,
    share: float = 1.0,
) -> T:
    """Connects the fleet and uses it, in a loop of its own: on virtual time where the simulator is in process.

    Raises MachineError where this process may open too few files.
    """
    require_room_for_files()
    around = surroundings()
    if account.simulator is not None:
        from reconciler.cli.rehearsal import rehearse  # noqa: PLC0415 - the simulator is no small import

        return rehearse(account.simulator, desired, around, use, share=share)
    connection = Fleet.connect(desired, environ=around.environ, host=account.api_host, share=share)
    with asyncio.Runner() as runner:
        return use_within(runner, connection, use)


def use_within(
    runner: asyncio.Runner,
    connection: AbstractAsyncContextManager[Fleet],
    use: Callable[[Fleet], Awaitable[T]],
) -> T:
    """Opens the connection, uses the fleet, closes it."""
    found: list[T] = []

    async def main() -> None:
        async with connection as fleet:
            found.append(await use(fleet))

    # The runner's task returns nothing: on its way out the runner formats it as text, its result included
    # (CPython: Runner.run, signal.getsignal), which takes seconds for the live state of a large fleet.
    runner.run(main())
    return found[0]
