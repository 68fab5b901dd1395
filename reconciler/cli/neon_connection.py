"""The connection of a command to Neon: with the keys that trusted files name, and to the permitted host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.runtime import runtime
from reconciler.desired.destinations import destinations
from reconciler.desired.tier import EnvReference
from reconciler.fleet import Fleet
from reconciler.neon.trust import chosen_host
from reconciler.views.console import WARNING, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from reconciler.cli.flags import AccountFlags
    from reconciler.desired.state import DesiredState
    from reconciler.neon.call import CallLimit, CallObserver


def warn(sentence: str) -> None:
    """Tells what is wrong with a connection that goes on."""
    say(sentence, level=WARNING)


def connection_of(
    account: AccountFlags,
    desired: DesiredState,
    trusted: DesiredState | None,
    *,
    share: float,
    observer: CallObserver | None,
    limit: CallLimit | None,
    tell: Callable[[str], None] = warn,
) -> tuple[AbstractAsyncContextManager[Fleet], str]:
    """A connection to Neon that is not open yet, and its host. ``trusted``: the price list at the base."""
    around = runtime()
    around.forget(one.value.name for one in destinations(desired) if isinstance(one.value, EnvReference))
    host = chosen_host(desired, around.environ, account.api_host)
    connection = Fleet.connect(
        desired,
        environ=around.environ,
        host=host,
        base=trusted,
        share=share,
        observer=observer,
        limit=limit,
        tell=tell,
    )
    return connection, host
