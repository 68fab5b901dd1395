"""How rarely this process searches for garbage. It is tuned before anything else is imported."""

from __future__ import annotations

import atexit
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000
"""A large fleet is millions of objects that stay: looking through them at each 700 new ones took half the time."""


def tune_collector() -> None:
    """Searches for garbage more rarely, and not at the end: what a process has left goes with it as a whole.

    Python would look through all objects of a large fleet several times before it ends, and through those
    of all modules while it imports them.
    """
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    atexit.register(gc.freeze)


@contextmanager
def loading() -> Iterator[None]:
    """What is loaded within it, and all before, is no garbage as long as the process runs: it is not searched."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
