"""The inputs of a command besides its flags: the environment, the terminal, and the clock."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from msgspec import Struct, field

from reconciler.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    import httpx


def _forget_nothing(_names: Iterable[str]) -> None:
    pass


def _unchanged(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    return transport


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


class Runtime(Struct, frozen=True):
    """The context object (click) of every command. Tests pass their own."""

    environ: Environment = field(default_factory=lambda: Environment.of(None))
    forget: Callable[[Iterable[str]], object] = _forget_nothing
    """Removes variables from the environment of the process after they are read."""
    interactive: bool = field(default_factory=_at_a_terminal)
    """Whether a person can answer a question."""
    wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = _unchanged
    """Wraps the simulator's transport."""
    clock: Callable[[], float] = time.time  # noqa: TID251 - the one clock of every command
    """Seconds since 1970 at which simulated time starts."""

    loading: Callable[[], AbstractContextManager[object]] = nullcontext
    """Within it, much is loaded that stays for the whole command."""

    @property
    def now(self) -> datetime:
        """The time of the clock, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)


def runtime() -> Runtime:
    """The runtime of the current command."""
    return runtime_in(click.get_current_context().obj)


def runtime_in(obj: object) -> Runtime:
    """The runtime in click's context object, or those that it returns when called. Default: this process."""
    found = obj() if callable(obj) else obj
    return found if isinstance(found, Runtime) else Runtime()
